"""Anthropic's messages: its pings, its errors, and one message from its event stream."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from router.base.errors import RouterError
from router.wire.aggregate import Aggregate
from router.wire.encode import EventStream, JsonAnswer, Waiting
from router.wire.lenient import arguments_text, as_far_as_it_goes, mapping, text, whole

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}

_STOPPED = re.compile(rb'"stop_reason":(\s?)"end_turn",(\s?)"stop_sequence":(\s?)"')
_BY_SEQUENCE = rb'"stop_reason":\1"stop_sequence",\2"stop_sequence":\3"'
"""llama-server tells which sequence ended the answer, and `end_turn` for the reason."""

_MESSAGE = {"type": "message", "role": "assistant"}


def anthropic_error(error: RouterError) -> dict[str, Any]:
    """`{"type": "error", "error": {"type", "message"}}`, with hal0's code and details beside."""
    kind = _TYPES.get(error.status) or ("invalid_request_error" if error.status < 500 else "api_error")
    inner = {"type": kind, "message": error.message, "code": error.code, "details": dict(error.details)}
    return {"type": "error", "error": inner}


class MessagesStream(EventStream):
    """Clients expect `ping` events."""

    ends = re.compile(rb'"type":\s?"(?:message_stop|error)"')

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """Hand on whole lines: the reason may be cut between two pieces."""
        whole, newline, self._rest = (self._rest + piece).rpartition(b"\n")
        lines = whole + newline
        return super().feed(_STOPPED.sub(_BY_SEQUENCE, lines) if b"stop_sequence" in lines else lines)

    def finish(self) -> bytes:
        return self._finish_after(self._rest)

    def beat(self, number: int, waiting: Waiting) -> bytes:
        ping = b'event: ping\ndata: {"type": "ping"}\n\n'
        return super().beat(number, waiting) + (ping if number and number % 3 == 0 else b"")

    def error(self, error: RouterError) -> dict[str, Any]:
        return anthropic_error(error)

    def error_event(self, error: RouterError) -> bytes:
        return f"event: error\ndata: {json.dumps(anthropic_error(error))}\n\n".encode()


class MessagesAggregate(Aggregate):
    """A message from message_start, content_block_* and message_delta events."""

    def __init__(self) -> None:
        super().__init__()
        self._message: dict[str, Any] | None = None
        self._blocks: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, str] = {}

    def error(self, error: RouterError) -> dict[str, Any]:
        return anthropic_error(error)

    def add(self, body: dict[str, Any]) -> None:
        index = whole(body.get("index")) or 0
        match body.get("type"):
            case "message_start":
                self._message = dict(mapping(body.get("message")))
            case "content_block_start":
                self._blocks[index] = dict(mapping(body.get("content_block")))
            case "content_block_delta":
                self._add_delta(index, mapping(body.get("delta")))
            case "message_delta":
                self._add_end(body)
            case "message_stop" if self._message is not None and not text(self._message.get("stop_reason")):
                self._message["stop_reason"] = "end_turn"  # some servers give no reason

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        return body.get("type") == "message" and isinstance(body.get("content"), list)

    def result(self) -> dict[str, Any] | None:
        if self._message is None or not text(self._message.get("stop_reason")):
            return None
        if self._message["stop_reason"] == "end_turn" and text(self._message.get("stop_sequence")):
            self._message["stop_reason"] = "stop_sequence"
        blocks = [self._ended(index) for index in sorted(self._blocks)]
        return {**self._message, **_MESSAGE, "content": [block for block in blocks if text(block.get("type"))]}

    def _ended(self, index: int) -> dict[str, Any]:
        block = self._blocks[index]
        if index in self._arguments or block.get("type") == "tool_use":
            # `max_tokens` or a stop sequence may have cut it off anywhere.
            written = as_far_as_it_goes(self._arguments.get(index, "").strip() or "{}")
            return {**block, "input": written or mapping(block.get("input"))}
        return block

    def _add_delta(self, index: int, delta: Mapping[str, Any]) -> None:
        kind = delta.get("type")
        if kind == "input_json_delta":
            self._blocks.setdefault(index, {"type": "tool_use"})
            self._arguments[index] = self._arguments.get(index, "") + arguments_text(delta.get("partial_json"))
            return
        begun = (
            {"type": "thinking", "thinking": ""} if kind == "thinking_delta" else {"type": "text", "text": ""}
        )
        block = self._blocks.setdefault(index, begun)
        for name, value in delta.items():
            if name != "type" and isinstance(value, str):
                block[name] = text(block.get(name)) + value

    def _add_end(self, body: dict[str, Any]) -> None:
        if self._message is None:
            return
        self._message.update({k: v for k, v in mapping(body.get("delta")).items() if v is not None})
        self._message["usage"] = {**mapping(self._message.get("usage")), **mapping(body.get("usage"))}


class MessagesWhole(JsonAnswer):
    """For answers that come as one document (token counts): they pass as they are."""

    def error(self, error: RouterError) -> dict[str, Any]:
        return anthropic_error(error)
