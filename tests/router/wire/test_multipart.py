"""Fields of multipart forms."""

from __future__ import annotations

import pytest

from router.errors import BadRequest
from router.wire.multipart import read_fields

FORM = (
    b'--xx\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper\r\n'
    b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\x00\r\n--xx--\r\n'
)


def test_only_what_is_wanted_is_read() -> None:
    assert read_fields("multipart/form-data; boundary=xx", FORM, ("model", "stream")) == {"model": "whisper"}


@pytest.mark.parametrize(
    "content_type",
    ["", "application/json", "multipart/form-data", "multipart/form-data; boundary=xx; name=\udcff"],
)
def test_what_is_no_form_or_no_header_for_the_engine_is_refused(content_type: str) -> None:
    with pytest.raises(BadRequest, match="multipart"):
        read_fields(content_type, FORM, ("model",))
