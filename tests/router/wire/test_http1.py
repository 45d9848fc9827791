"""An answer as bytes, however they are cut."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.wire.http1 import MAX_HEAD, AnswerParser, parse_head, request_head

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def read(parser: AnswerParser, wire: bytes, cuts: list[int]) -> bytes:
    """The body, from `wire` cut at these places."""
    places = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    return b"".join([parser.feed(wire[a:b]) for a, b in pairwise(places) if a < b])


CUTS = st.lists(st.integers(0, 400), max_size=8)
# What could be taken for the marks between chunks is among it.
BODIES = st.lists(
    st.one_of(st.binary(min_size=1, max_size=40), st.sampled_from([b"\r\n", b"0\r\n\r\n"])), max_size=6
)


@given(
    st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]),
    BODIES,
    st.sampled_from([b"", b";name=value"]),
    st.sampled_from([b"", b"Trailer: x\r\n"]),
    CUTS,
)
def test_chunks_however_they_are_cut(
    early: bytes, body: list[bytes], extension: bytes, trailer: bytes, cuts: list[int]
) -> None:
    chunks = b"".join(b"%X%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in body)
    wire = early + CHUNKED + chunks + b"0\r\n" + trailer + b"\r\n"
    parser = AnswerParser()
    assert read(parser, wire, cuts) == b"".join(body)
    assert parser.complete and not parser.spilled
    almost = AnswerParser()
    read(almost, wire[:-1], cuts)
    assert not almost.complete and not almost.end()


@given(st.binary(max_size=100), CUTS)
def test_a_length_however_it_is_cut(body: bytes, cuts: list[int]) -> None:
    parser = AnswerParser()
    wire = OK + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert read(parser, wire + body, cuts) == body
    assert parser.complete and parser.head is not None and parser.head.length == len(body)


@given(st.binary(max_size=100), CUTS)
def test_a_body_without_a_length_ends_with_the_connection(body: bytes, cuts: list[int]) -> None:
    parser = AnswerParser()
    assert read(parser, OK + b"\r\n" + body, cuts) == body
    assert not parser.complete and parser.end() and parser.complete


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_has_no_body(status: bytes) -> None:
    parser = AnswerParser()
    assert parser.feed(b"HTTP/1.1 " + status + b"\r\n\r\n") == b"" and parser.complete


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-x\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        OK + b"Content-Length: many\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1\r\n\r\nabc",
        OK + b"Content-Length: 0\r\n\r\nabc",
        OK + b"X: " + b"x" * MAX_HEAD,
        CHUNKED + b"zz\r\n",
        CHUNKED + b"\r\n",
        CHUNKED + b"-2\r\nab\r\n",
        CHUNKED + b"1" * (MAX_HEAD + 1),
    ],
)
def test_what_is_not_http_is_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        AnswerParser().feed(wire)


def test_bytes_behind_the_end_are_noticed() -> None:
    """Such a connection may not carry another request."""
    parser = AnswerParser()
    parser.feed(CHUNKED + b"2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n")
    assert parser.complete and parser.spilled
    with pytest.raises(ValueError, match="longer"):
        parser.feed(b"x")


@pytest.mark.parametrize(
    ("lines", "keeps"),
    [
        ([b"Content-Length: 2"], True),
        ([b"Content-Length: 2", b"Connection: Close"], False),
        ([b"Content-Length: 2", b"Content-Type: text/event-stream; charset=utf-8"], False),
    ],
)
def test_which_connections_are_used_again(lines: list[bytes], keeps: bool) -> None:
    assert parse_head(b"\r\n".join([OK.strip(), *lines])).keeps_alive is keeps


def test_a_length_says_nothing_beside_chunks() -> None:
    head = parse_head(OK + b"Content-Length: 9\r\nTransfer-Encoding: Chunked")
    assert head.chunked and head.length is None and "content-length" not in head.headers


def test_the_head_of_a_request() -> None:
    headers = (("Content-Type", "application/json"), ("Authorization", "Bearer k"))
    for length in (7, 12):
        assert request_head("127.0.0.1", 8081, "POST", "/v1/x", headers, length) == (
            b"POST /v1/x HTTP/1.1\r\nHost: 127.0.0.1:8081\r\nContent-Type: application/json\r\n"
            b"Authorization: Bearer k\r\nContent-Length: %d\r\n\r\n" % length
        )


@pytest.mark.parametrize(
    ("path", "header"), [("/a\r\nX: y", ("A", "b")), ("/a", ("A\r\nX", "b")), ("/a", ("A", "b\n"))]
)
def test_a_line_break_would_be_a_second_request(path: str, header: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="line break"):
        request_head("127.0.0.1", 1, "GET", path, (header,), 0)
