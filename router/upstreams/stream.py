"""Whether what a server elsewhere streams is an answer, and comes to its end. Pure.

Only whole events are handed on, as UTF-8 with `\\n`: so an error can always be told behind them. A stream that
ends without its dialect's last word was cut, however cleanly the connection closed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from router.base.error_text import error_text
from router.upstreams.answer_shapes import CHAT, MESSAGES, RESPONSES, TEXT, Fault, fault_in, parse
from router.wire.sse import DONE, Event, SseParser

_LONGEST: Final = 64 * 1024 * 1024  # an image in base64
_BREAK: Final = re.compile(rb"\r?\n\r?\n|\r\r")
_OBJECTS: Final = ("usage", "timings")
_RESPONSES_END: Final = ("response.completed", "response.incomplete", "response.failed")


class StreamGuard:
    """Feed it bytes, hand on what it gives back.

    Attributes:
        has_content: more has come than comments, pings, hal0's empty chunks and Azure's empty choices.
        ended: the dialect's last word has come.
        fault: what is wrong with what came behind that which `feed` gave back; there is no more then.
    """

    def __init__(self, path: str, hidden: Callable[[str], str] = str) -> None:
        """`hidden`: takes secrets out."""
        self.has_content = self.ended = False
        self.fault: Fault | None = None
        self._path = path
        self._hidden = hidden
        self._rest = b""
        self._done = False
        self._ends = path in (CHAT, TEXT, RESPONSES, MESSAGES)

    def feed(self, piece: bytes) -> bytes:
        """Return whole events. Raises Fault for an error, and for what no client could read, if it comes
        first."""
        seen = max(0, len(self._rest) - 3)  # a line break may have begun there
        self._rest += piece
        begin = 0
        out = []
        for found in _BREAK.finditer(self._rest, seen):
            try:
                out.append(self._block(self._rest[begin : found.start()]))
            except Fault as fault:
                if not self.has_content:
                    raise
                self.fault = fault
                break
            begin = found.end()
        self._rest = self._rest[begin:]
        if len(self._rest) > _LONGEST:
            raise Fault("an event in its stream does not end")
        return b"".join(out)

    def finish(self) -> bytes:
        """Return what was held back. Raises Fault if the stream was cut."""
        rest, self._rest = self._rest, b""
        if self.fault:
            raise self.fault
        last = self._block(rest) if rest.strip() else b""
        if not self.has_content:
            raise Fault("its answer is empty")
        if self._ends and not self.ended:
            raise Fault("it closed the connection before the end")
        if self.ended and not self._done and self._path in (CHAT, TEXT):
            last += b"data: [DONE]\n\n"
        return last

    def _block(self, block: bytes) -> bytes:
        if self._done:
            return b""
        text = block.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff\n")
        text = self._hidden(text)
        if not text:
            return b""
        plain = text.encode() + b"\n\n"
        event = next(SseParser().feed(plain), None)
        mended = self._mended(event) if event else None
        return plain if event is None or mended is None else _encoded(event.name, mended)

    def _mended(self, event: Event) -> dict[str, Any] | None:
        """Return the event's JSON, if it cannot be handed on as it is. Raises Fault."""
        if event.data.strip() == DONE:
            self._done = self.ended = True
            return None
        if not event.data.strip():
            return None
        document = parse(event.data)
        fault = fault_in(document)
        if fault is None and event.name == "error":
            fault = Fault(error_text(document).rstrip(" .") or "it reports an error")
        if fault is not None:
            raise fault
        if not isinstance(document, dict):
            raise Fault("what it streams are no events of this API")
        mended = self._note(document)
        return mended if mended != document else None

    def _note(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return whether it begins or ends the answer. Raises Fault."""
        if self._path in (CHAT, TEXT):
            document = _chunk(document, self._path)
            if document["choices"] and document.get("id") != "hal0":
                self.has_content = True
            self.ended = self.ended or any(choice.get("finish_reason") for choice in document["choices"])
        elif self._path in (MESSAGES, RESPONSES):
            kind = document.get("type")
            if not isinstance(kind, str):
                raise Fault("what it streams are no events of this API")
            self.has_content = self.has_content or kind != "ping"
            self.ended = self.ended or kind == "message_stop" or kind in _RESPONSES_END
        else:
            self.has_content = True
        return document


def _encoded(name: str, document: Any) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(document)}\n\n".encode()


def _chunk(document: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the chunk with choices that every client can read; fields of a wrong type are left out."""
    choices = document.get("choices")
    if choices is None:
        choices = []
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        raise Fault("what it streams are no chunks with choices")
    kept = {k: v for k, v in document.items() if k not in _OBJECTS or isinstance(v, Mapping | None)}
    return {**kept, "choices": [_choice(dict(choice), n, path) for n, choice in enumerate(choices)]}


def _choice(choice: dict[str, Any], number: int, path: str) -> dict[str, Any]:
    if not isinstance(choice.get("index"), int):
        choice["index"] = number
    if not isinstance(choice.get("finish_reason"), str | None):
        choice["finish_reason"] = "stop"
    if "logprobs" in choice and not isinstance(choice["logprobs"], Mapping | None):
        del choice["logprobs"]
    if path == TEXT:
        if not isinstance(choice.get("text"), str | None):
            raise Fault("what it streams is no text")
        return choice
    delta = choice.get("delta")
    if not isinstance(delta, Mapping | None):
        raise Fault("what it streams are no chunks with a delta")
    if delta is not None:
        choice["delta"] = _delta(dict(delta))
    return choice


def _delta(delta: dict[str, Any]) -> dict[str, Any]:
    for name in ("content", "reasoning_content", "reasoning", "refusal", "role"):
        value = delta.get(name)
        if isinstance(value, list):  # Mistral and others: parts
            delta[name] = "".join(_part(part) for part in value)
        elif name in delta and not isinstance(value, str | None):
            raise Fault("what it streams is no text")
    if "tool_calls" in delta and delta["tool_calls"] is not None:
        delta["tool_calls"] = _calls(delta["tool_calls"])
    return delta


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, Mapping) else None
    return text if isinstance(text, str) else ""


def _calls(calls: Any) -> list[dict[str, Any]]:
    if not isinstance(calls, list) or not all(isinstance(call, Mapping) for call in calls):
        raise Fault("what it streams are no tool calls")
    found = []
    for number, call in enumerate(calls):
        mended, function = dict(call), call.get("function")
        if not isinstance(mended.get("index"), int) or not 0 <= mended["index"] < 1000:
            mended["index"] = number
        if isinstance(function, Mapping):
            arguments = function.get("arguments")
            if isinstance(arguments, Mapping | list):  # as Ollama has them
                mended["function"] = {**function, "arguments": json.dumps(arguments)}
            elif not isinstance(arguments, str | None) or not isinstance(function.get("name"), str | None):
                raise Fault("what it streams are no tool calls")
        elif function is not None:
            raise Fault("what it streams are no tool calls")
        found.append(mended)
    return found
