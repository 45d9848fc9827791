"""What the client is sent: signs of life while a model loads, the engine's bytes, and late errors.

An `Encoder` serves one request. Until the engine answers, `beat` gives the bytes that keep this client waiting
without harm; then `feed` turns the engine's bytes into the client's. What is safe to send was measured with
real clients (tests/clients): comments and empty-content chunks in event streams, line breaks before JSON.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any, Protocol

from router.base.errors import EngineFailed, RouterError
from router.wire.errors import envelope, sse_error

EVENT_STREAM = "text/event-stream"
JSON = "application/json"


class AnyOf:
    """Several patterns, each with bytes that all it finds contain, and that are looked for first: one pattern
    of alternatives took seven times as long, 9 µs for each token."""

    def __init__(self, *patterns: tuple[bytes, bytes]) -> None:
        self._patterns = tuple((mark, re.compile(pattern, re.MULTILINE)) for mark, pattern in patterns)

    def search(self, raw: bytes) -> bool:
        return any(mark in raw and pattern.search(raw) is not None for mark, pattern in self._patterns)


# Quotes within what a model says are escaped: none of these can be a part of it.
_FAILED = (b"error", rb'"type":\s?"error"|^event: ?error|[{,]\s?"error":\s?[{"]')
_FINISHED = (b'"finish_reason":', rb'"finish_reason":\s?"[a-z]')
_CHAT_ENDS = AnyOf((b"[DONE]", rb"^data: ?\[DONE\]"), _FINISHED, _FAILED)
_RESPONSE_ENDS = AnyOf((b'"response.', rb'"type":\s?"response\.(?:completed|incomplete|failed)"'), _FAILED)
_BETWEEN_EVENTS = re.compile(rb"(?:\n\n|\r\n\r\n|\r\r)\Z")
_TAIL = 48  # bytes: more than the longest of the signs above


class Waiting(Protocol):
    """What is told of a load: `phase` and `percent` (None where not known), and the model's id."""

    @property
    def phase(self) -> str: ...
    @property
    def percent(self) -> int | None: ...
    @property
    def model(self) -> str: ...


class Encoder:
    """Passes bytes as they are and says nothing early: right for binary answers (speech); others inherit.

    Attributes:
        content_type: of an answer that begins before the engine's; None: nothing may be sent that early.
        interval: seconds between two beats.
        translates: the client's bytes are not the engine's.
    """

    content_type: str | None = None
    interval = 2.0  # twice this, at most, passes in silence: clients with a read timeout of 5 s stay
    translates = False

    def beat(self, number: int, waiting: Waiting) -> bytes:
        """Return the sign of life number 0, 1, 2, ..., every `interval` seconds."""
        return b""

    def feed(self, piece: bytes) -> bytes:
        """Return the client's bytes for some of the engine's; b"" while more is needed."""
        return piece

    def finish(self) -> bytes:
        """Return what follows the engine's last byte. Raises RouterError if the answer was not complete."""
        return b""

    def error(self, error: RouterError) -> dict[str, Any]:
        """Return the body of an error answer."""
        return envelope(error)

    def late_error(self, error: RouterError) -> bytes:
        """Return the same for an answer that has begun; b"" where only breaking the connection can tell."""
        return b""


class JsonAnswer(Encoder):
    """One JSON document: white space may precede it."""

    content_type = JSON

    def beat(self, number: int, waiting: Waiting) -> bytes:
        return b"\n"

    def late_error(self, error: RouterError) -> bytes:
        return json.dumps(self.error(error)).encode()


class EventStream(Encoder):
    """Server-sent events: comments are safe in every client."""

    content_type = EVENT_STREAM
    ends: re.Pattern[bytes] | AnyOf | None = None
    """What a complete stream has at its end; None where that is not known."""
    _ended = False
    _begins: bytes | None = None  # the answer's first letter
    _tail = b"\n\n"  # of what was handed on; what tells may come in two pieces

    def feed(self, piece: bytes) -> bytes:
        known = self._tail + piece
        if self._begins is None and (said := piece.lstrip()):
            self._begins = said[:1]
        if not self._ended and self.ends is not None and self.ends.search(known):
            self._ended = True
        self._tail = known[-_TAIL:]
        return piece

    def finish(self) -> bytes:
        # One document instead of a stream is whole: its own length tells.
        if self.ends is not None and not self._ended and self._begins != b"{":
            raise EngineFailed("The engine ended its answer before it was complete; send the request again.")
        return b""

    def _finish_after(self, kept: bytes) -> bytes:
        """Finish after bytes that were kept back; an error is told behind what was handed on before them."""
        sent = self._tail
        EventStream.feed(self, kept)
        try:
            return kept + EventStream.finish(self)
        except RouterError:
            self._tail = sent
            raise

    def beat(self, number: int, waiting: Waiting) -> bytes:
        percent = "" if waiting.percent is None else f" {waiting.percent}%"
        comment = f": hal0 {waiting.phase} {waiting.model}{percent}\n\n".encode()
        # Every 14 s a chunk that chunk timers count and nobody shows.
        return comment + self.empty_chunk(waiting.model) if number and number % 7 == 0 else comment

    def empty_chunk(self, model: str) -> bytes:
        return b""

    def late_error(self, error: RouterError) -> bytes:
        """b"" in the middle of an event: only breaking the connection is understood there."""
        return self.error_event(error) if _BETWEEN_EVENTS.search(self._tail) else b""

    def error_event(self, error: RouterError) -> bytes:
        return sse_error(error)


class ChatStream(EventStream):
    """OpenAI's chat chunks. Without a role: openai-python would add up `assistantassistant`."""

    ends = _CHAT_ENDS

    def empty_chunk(self, model: str) -> bytes:
        choice = {"index": 0, "delta": {"content": ""}, "finish_reason": None}
        return _chunk("chat.completion.chunk", model, choice)


class CompletionStream(EventStream):
    """OpenAI's text completion chunks."""

    ends = _CHAT_ENDS

    def empty_chunk(self, model: str) -> bytes:
        return _chunk("text_completion", model, {"index": 0, "text": "", "finish_reason": None})


class ResponsesStream(EventStream):
    """OpenAI's responses API names its events; an error is one of them.

    `error` is not OpenAI's: openai-python raises the sentence for it, where it would else hand on an event that
    most callers skip, or complain that `response.created` had not come. Codex does not know it, and asks again
    unless `response.failed` follows with the code of a mistake in the request (measured with 0.169).
    """

    ends = _RESPONSE_ENDS

    def error_event(self, error: RouterError) -> bytes:
        fields = {"code": "model_not_available", "message": error.message, "param": None}
        first = {"type": "error", **fields, "sequence_number": 0, "error": {**fields, "type": error.type}}
        why = {"code": "server_error" if error.mends else "invalid_prompt", "message": error.message}
        failed = {"id": "hal0", "object": "response", "status": "failed", "error": why, "output": []}
        second = {"type": "response.failed", "sequence_number": 1, "response": failed}
        return b"".join(
            f"event: {body['type']}\ndata: {json.dumps(body)}\n\n".encode() for body in (first, second)
        )


def _chunk(kind: str, model: str, choice: dict[str, Any]) -> bytes:
    body = {"id": "hal0", "object": kind, "created": int(time.time()), "model": model, "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"
