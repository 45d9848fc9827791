"""Whether what a server elsewhere streams is an answer, and comes to its end. Pure.

Only whole events are handed on, as UTF-8 with `\\n`: so an error can always be told behind them. A stream that
ends without its dialect's last word was cut, however cleanly the connection closed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Final

from router.base.error_text import error_text
from router.upstreams.answer_shapes import (
    CHAT,
    MESSAGES,
    RESPONSES,
    TEXT,
    Fault,
    fault_in,
    has_no_json,
    not_json,
    parse,
)
from router.upstreams.chunks import ToolCalls, chunk
from router.upstreams.message_words import finish_reason
from router.wire.lenient import json_or_none
from router.wire.sse import DONE, Event, SseParser

_LONGEST: Final = 64 * 1024 * 1024  # an image in base64
_BREAK: Final = re.compile(rb"\r?\n\r?\n|\r\r")
_LINE: Final = re.compile(rb"(?:event:[^\r\n]*\r?\n)?data:([^\r\n]*)\r?\n(?=data:|event:[^\r\n]*\r?\ndata:)")
_STRAY: Final = re.compile(r"(?:error: ?)?([{<].*)", re.DOTALL)  # an error that is no event
_TOP: Final = ("id", "object", "created", "model")
_BEFORE_CONTENT: Final = ("ping", "response.created", "response.in_progress", "response.queued")
_RESPONSES_END: Final = ("response.completed", "response.incomplete", "response.failed")


class StreamGuard:
    """Feed it bytes, hand on what it gives back.

    Attributes:
        has_content: more has come than comments, pings, hal0's empty chunks and Azure's empty choices.
        ended: the dialect's last word has come.
        fault: what is wrong with what came behind that which `feed` gave back; there is no more then.
    """

    def __init__(
        self, path: str, hidden: Callable[[str], str] = str, new_id: Callable[[], str] | None = None
    ) -> None:
        """`hidden`: takes secrets out. `new_id`: makes one for a tool call that has none."""
        self.has_content = self.ended = False
        self.fault: Fault | None = None
        self._path = path
        self._hidden = hidden
        self._new_id = new_id
        self._rest = b""
        self._done = False
        self._ends = path in (CHAT, TEXT, RESPONSES, MESSAGES)
        self._calls: dict[int, ToolCalls] = {}  # of each choice that has come
        self._top: dict[str, Any] = {}

    @property
    def complete(self) -> bool:
        """Whether nothing can follow: what comes later is of no interest to anybody."""
        return self._done or (self.ended and self._path in (RESPONSES, MESSAGES))

    def feed(self, piece: bytes) -> bytes:
        """Return whole events. Raises Fault for an error, and for what no client could read, if it comes
        first."""
        known = len(self._rest)
        seen = max(0, known - 3)  # a line break may have begun there
        self._rest += piece
        has_line = b"\ndata:" in self._rest[max(0, known - 5) :]
        begin = 0
        out: list[bytes] = []
        try:
            for found in _BREAK.finditer(self._rest, seen):
                self._blocks(self._rest[begin : found.start()], out)
                begin = found.end()
            self._rest = self._rest[begin:]
            if has_line:  # looking for one takes time in what is megabytes long
                self._rest = self._lines(self._rest, out)
        except Fault as fault:
            if not self.has_content:
                raise
            self.fault = fault
        if len(self._rest) > _LONGEST:
            raise Fault("an event in its stream does not end")
        return b"".join(out)

    def finish(self) -> bytes:
        """Return what was held back. Raises Fault if the stream was cut."""
        rest, self._rest = self._rest, b""
        if self.fault:
            raise self.fault
        parts: list[bytes] = []
        if rest.strip():
            self._blocks(rest, parts)
        last = b"".join(parts)
        if not self.has_content:
            raise Fault("its answer is empty")
        if self._ends and not self.ended:
            raise Fault("it closed the connection before the end")
        if self.ended and not self._done and self._path in (CHAT, TEXT):
            last += b"data: [DONE]\n\n"
        return last

    def _blocks(self, block: bytes, out: list[bytes]) -> None:
        """Add what stands between two empty lines to `out`. Raises Fault."""
        out.append(self._block(self._lines(block, out)))

    def _lines(self, block: bytes, out: list[bytes]) -> bytes:
        """Return `block` without the events that are added to `out`: some servers write no empty line between
        theirs. Raises Fault."""
        while (line := _LINE.match(block)) is not None:
            data = line[1].strip()
            if data != DONE.encode() and json_or_none(data) is None:
                break  # one event may have several lines
            out.append(self._block(line[0]))
            block = block[line.end() :]
        return block

    def _block(self, block: bytes) -> bytes:
        if self._done:
            return b""
        text = block.decode(errors="replace").replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff\n")
        text = self._hidden(text).rstrip("\n")
        if not text:
            return b""
        plain = text.encode() + b"\n\n"
        event = next(SseParser().feed(plain), None)
        if event is None and (said := _STRAY.match(text)) is not None:
            raise fault_in(json_or_none(said[1])) or Fault(not_json(said[1]))
        if event is None or not event.data.strip():
            return plain if text.startswith(":") and "\n" not in text else b""  # clients trip over all else
        if event.data.strip(' "').upper() == DONE:
            return self._last(b"data: [DONE]\n\n")
        mended = self._mended(event)
        if mended == {}:
            return b""
        name = "" if self._path in (CHAT, TEXT) else event.name  # some clients skip what has one there
        if mended is not None:
            return _encoded(name, mended)
        if event.name in (name, "message"):
            return plain
        return _in_lines(name, " ".join(event.data.splitlines()))

    def _last(self, plain: bytes) -> bytes:
        """Return [DONE], behind a chunk that says why each choice ended if none did: clients ask again for an
        answer that stops without a reason."""
        tells = not self.ended and bool(self._calls)
        self._done = self.ended = True
        return _encoded("", self._reason()) + plain if tells else plain

    def _mended(self, event: Event) -> dict[str, Any] | None:
        """Return the event's JSON, if it cannot be handed on as it is; {} if not at all. Raises Fault."""
        if event.name == "error" and event.data.lstrip()[:1] != "{":
            raise Fault(error_text(event.data).rstrip(" .") or "it reports an error")
        document = parse(event.data)
        if not document and not isinstance(document, dict):
            return {}
        fault = fault_in(document)
        if fault is None and event.name == "error":
            fault = Fault(error_text(document).rstrip(" .") or "it reports an error")
        if fault is not None:
            raise fault
        if not isinstance(document, dict):
            raise Fault("what it streams are no events of this API")
        mended = self._note(document)
        return mended if mended != document or has_no_json(event.data) else None

    def _note(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return whether it begins or ends the answer. Raises Fault."""
        if self._path in (CHAT, TEXT):
            document = chunk(document, self._path)
            if document["choices"] and document.get("id") != "hal0":
                self.has_content = True
                self._top = {name: document[name] for name in _TOP if name in document}
                for choice in document["choices"]:
                    self._note_choice(choice)
            self.ended = self.ended or any(choice.get("finish_reason") for choice in document["choices"])
        elif self._path in (MESSAGES, RESPONSES):
            kind = document.get("type")
            if not isinstance(kind, str):
                raise Fault("what it streams are no events of this API")
            if kind == "response.failed" and not self.has_content:
                raise Fault(error_text(document.get("response")).rstrip(" .") or "it failed")
            self.has_content = self.has_content or kind not in _BEFORE_CONTENT
            self.ended = self.ended or kind == "message_stop" or kind in _RESPONSES_END
        else:
            self.has_content = True
        return document

    def _note_choice(self, choice: dict[str, Any]) -> None:
        """Mend its tool calls. Raises Fault."""
        calls = self._calls.setdefault(choice["index"], ToolCalls(self._new_id))
        delta = choice.get("delta")
        if delta and delta.get("tool_calls") is not None:
            delta["tool_calls"] = calls.mended(delta["tool_calls"])
        if "finish_reason" in choice:
            choice["finish_reason"] = finish_reason(choice["finish_reason"], called=len(calls) > 0)

    def _reason(self) -> dict[str, Any]:
        """Return the chunk that says why each choice ended, which the server has not."""
        empty: dict[str, Any] = {"text": ""} if self._path == TEXT else {"delta": {}}
        choices = [
            {"index": index, **empty, "finish_reason": "tool_calls" if len(calls) else "stop"}
            for index, calls in sorted(self._calls.items())
        ]
        return {**self._top, "choices": choices}


def _encoded(name: str, document: Any) -> bytes:
    return _in_lines(name, json.dumps(document))


def _in_lines(name: str, data: str) -> bytes:
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {data}\n\n".encode()
