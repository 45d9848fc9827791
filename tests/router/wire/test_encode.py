"""What may follow bytes that have been sent."""

from __future__ import annotations

import pytest

from router.base.errors import SlotAborted
from router.wire.encode import EventStream

ERROR = SlotAborted("It was switched; send it again.")


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([], True),
        ([b"data: {}\n\n"], True),
        ([b"data: {}\n", b"\n"], True),
        ([b"data: {}\n\n", b""], True),
        ([b"data: {}\n", b"", b"\n"], True),
        ([b"data: {"], False),
        ([b"data: {}\n"], False),
        ([b"data: {}\n\n", b"d"], False),
        ([b"data: {}\n\n", b"\n"], True),
    ],
)
def test_a_late_error_comes_between_events_only(pieces: list[bytes], told: bool) -> None:
    stream = EventStream()
    assert b"".join(map(stream.feed, pieces)) == b"".join(pieces)
    assert bool(stream.late_error(ERROR)) is told
