from __future__ import annotations

from itertools import pairwise

import hypothesis.strategies as st
from hypothesis import given

from router.wire.sse import SseParser

STREAM = ": comment\n\nevent: named\ndata: one\n\ndata: two\ndata: lines\n\ndata: {}\n\ndata: [DONE]\n\n"
EVENTS = [("named", "one"), ("", "two\nlines"), ("", "{}"), ("", "[DONE]")]


@given(cuts=st.lists(st.integers(0, len(STREAM) * 2), max_size=8), crlf=st.booleans())
def test_events_are_the_same_however_the_bytes_are_cut(cuts: list[int], crlf: bool) -> None:
    raw = STREAM.replace("\n", "\r\n" if crlf else "\n").encode()
    edges = [0, *sorted(min(cut, len(raw)) for cut in cuts), len(raw)]
    parser = SseParser()
    events = [e for a, b in pairwise(edges) for e in parser.feed(raw[a:b])]
    assert [(event.name, event.data) for event in events] == EVENTS


def test_only_objects_are_json() -> None:
    events = list(SseParser().feed(b'data: {"a": 1}\n\ndata: [1]\n\ndata: [DONE]\n\n'))
    assert [event.json() for event in events] == [{"a": 1}, {}, {}]
