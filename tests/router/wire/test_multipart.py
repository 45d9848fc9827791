"""Fields of multipart forms."""

from __future__ import annotations

import pytest

from router.base.errors import BadRequest
from router.wire.multipart import read_fields, with_field

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


def test_a_field_gets_another_value_and_all_else_stays_byte_for_byte() -> None:
    """A server elsewhere calls the model by another name."""
    kind = "multipart/form-data; boundary=xx"
    changed = with_field(kind, FORM, "model", "org/whisper-large")
    assert changed == FORM.replace(b"\r\n\r\nwhisper\r\n", b"\r\n\r\norg/whisper-large\r\n")
    assert with_field(kind, changed, "model", "whisper") == FORM
    added = with_field(kind, FORM, "stream", "true")
    assert read_fields(kind, added, ("model", "stream")) == {"model": "whisper", "stream": "true"}
    assert added.endswith(FORM[FORM.index(b"--xx") :][4:])
