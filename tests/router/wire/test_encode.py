"""What may follow bytes that have been sent."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.base.errors import EngineFailed, SlotAborted
from router.wire.anthropic import MessagesStream
from router.wire.encode import AnyOf, ChatStream, EventStream, ResponsesStream

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


_FAILED = rb'|"type":\s?"error"|^event: ?error|[{,]\s?"error":\s?[{"]'
_CHAT = re.compile(rb'^data: ?\[DONE\]|"finish_reason":\s?"[a-z]' + _FAILED, re.MULTILINE)
_RESPONSES = re.compile(rb'"type":\s?"response\.(?:completed|incomplete|failed)"' + _FAILED, re.MULTILINE)
_SIGNS = (
    "data: [DONE]",
    "data:[DONE]",
    '"finish_reason":"stop"',
    '"finish_reason": "length"',
    '"type":"error"',
)
_SIGNS += (
    "event: error",
    '{"error":{',
    ', "error": "',
    '"type": "response.completed"',
    '"type":"response.failed"',
)
_NONE = (
    '"finish_reason":null',
    "[DONE]",
    '\\"error\\": ',
    '"response.created"',
    'an "error" ',
    "\n",
    " ",
    "x",
    "{",
    ",",
)


@given(st.lists(st.sampled_from([*_SIGNS, *_NONE]), max_size=8).map("".join))
def test_the_end_is_found_as_one_pattern_of_all_signs_would(said: str) -> None:
    raw = said.encode()
    for stream, pattern in ((ChatStream, _CHAT), (ResponsesStream, _RESPONSES)):
        assert isinstance(stream.ends, AnyOf)
        assert stream.ends.search(raw) is (pattern.search(raw) is not None)


STOPPED = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn",'
    b'"stop_sequence":"who"},"usage":{}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
)


@pytest.mark.parametrize("cut", range(0, len(STOPPED), 7))
def test_a_stop_sequence_is_the_reason_wherever_the_event_is_cut(cut: int) -> None:
    encoder = MessagesStream()
    told = encoder.feed(STOPPED[:cut]) + encoder.feed(STOPPED[cut:]) + encoder.finish()
    assert told == STOPPED.replace(b"end_turn", b"stop_sequence")


def test_an_error_behind_half_an_event_is_told_where_the_whole_ones_end() -> None:
    encoder = MessagesStream()
    sent = encoder.feed(b'event: ping\ndata: {"type":"ping"}\n\nda')
    assert sent.endswith(b"\n\n")
    with pytest.raises(EngineFailed):
        encoder.finish()
    assert encoder.late_error(EngineFailed("It died.")).startswith(b"event: error")
