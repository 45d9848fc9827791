"""Anthropic's messages: its pings, its errors, and one message from its event stream."""

from __future__ import annotations

import json
from typing import Any

from router.errors import RouterError
from router.wire.aggregate import Aggregate
from router.wire.encode import EventStream, JsonAnswer, Waiting

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    529: "overloaded_error",
}


def anthropic_error(error: RouterError) -> dict[str, Any]:
    """`{"type": "error", "error": {"type", "message"}}`, with hal0's code and details beside."""
    kind = _TYPES.get(error.status) or ("invalid_request_error" if error.status < 500 else "api_error")
    told = {"type": kind, "message": error.message, "code": error.code, "details": dict(error.details)}
    return {"type": "error", "error": told}


class MessagesStream(EventStream):
    """Clients expect `ping` events."""

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
        self._stopped = False

    def error(self, error: RouterError) -> dict[str, Any]:
        return anthropic_error(error)

    def add(self, body: dict[str, Any]) -> None:
        match body.get("type"):
            case "message_start":
                self._message = dict(body["message"])
            case "content_block_start":
                self._blocks[body["index"]] = dict(body["content_block"])
            case "content_block_delta":
                self._add_delta(body["index"], body["delta"])
            case "message_delta":
                self._add_end(body)
            case "message_stop":
                self._stopped = True

    def result(self) -> dict[str, Any] | None:
        if self._message is None or not self._stopped:
            return None
        for index, text in self._arguments.items():
            self._blocks[index]["input"] = json.loads(text) if text.strip() else {}
        return {**self._message, "content": [self._blocks[index] for index in sorted(self._blocks)]}

    def _add_delta(self, index: int, delta: dict[str, Any]) -> None:
        block = self._blocks.setdefault(index, {"type": "text", "text": ""})
        if delta.get("type") == "input_json_delta":
            self._arguments[index] = self._arguments.get(index, "") + delta.get("partial_json", "")
            return
        for name, value in delta.items():
            if name != "type" and isinstance(value, str):
                block[name] = block.get(name, "") + value

    def _add_end(self, body: dict[str, Any]) -> None:
        if self._message is None:
            return
        self._message.update(body.get("delta") or {})
        self._message["usage"] = {**(self._message.get("usage") or {}), **(body.get("usage") or {})}


class MessagesWhole(JsonAnswer):
    """For answers that come as one document (token counts): they pass as they are."""

    def error(self, error: RouterError) -> dict[str, Any]:
        return anthropic_error(error)
