"""Turns an engine's event stream into the one JSON document the client asked for.

llama-server goes on generating for a client that left a request without `stream` (12 s for 400 tokens,
measured), but notices at once when a stream is dropped. So hal0 always streams from the engine.
"""

from __future__ import annotations

import json
from typing import Any

from router.errors import EngineFailed, EngineRefused
from router.wire.encode import JsonAnswer
from router.wire.sse import SseParser

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Aggregate(JsonAnswer):
    """Base: collects events; what is not an event stream (an engine's error) passes as it is."""

    translates = True

    def __init__(self) -> None:
        self._parser = SseParser()
        self._failed: dict[str, Any] | None = None

    def feed(self, piece: bytes) -> bytes:
        for event in self._parser.feed(piece):
            body = event.json()
            if "error" in body and isinstance(body["error"], dict):
                self._failed = body
            elif self._failed is None:
                self.add(body)
        return b""

    def finish(self) -> bytes:
        if self._failed is not None:
            raise EngineRefused.from_body(None, self._failed)
        result = self.result()
        if result is None:
            raise EngineFailed("The engine ended its answer before it was complete; send the request again.")
        # A model may write half of a surrogate pair, which UTF-8 cannot say.
        return _ENCODER.encode(result).encode(errors="replace")

    def add(self, body: dict[str, Any]) -> None:
        raise NotImplementedError

    def result(self) -> dict[str, Any] | None:
        """The document, None if the stream ended too early."""
        raise NotImplementedError


class ChatAggregate(Aggregate):
    """chat.completion from chat.completion.chunk events."""

    _OBJECT = "chat.completion"

    def __init__(self) -> None:
        super().__init__()
        self._top: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, body: dict[str, Any]) -> None:
        self._top.update({k: v for k, v in body.items() if k != "choices" and v is not None})
        for choice in body.get("choices") or []:
            into = self._choices.setdefault(choice.get("index", 0), self.new_choice(choice.get("index", 0)))
            self.add_choice(into, choice)

    def result(self) -> dict[str, Any] | None:
        choices = [self._choices[index] for index in sorted(self._choices)]
        if not choices or any(choice["finish_reason"] is None for choice in choices):
            return None
        return {**self._top, "object": self._OBJECT, "choices": choices}

    def new_choice(self, index: int) -> dict[str, Any]:
        message = {"role": "assistant", "content": None}
        return {"index": index, "message": message, "finish_reason": None}

    def add_choice(self, into: dict[str, Any], choice: dict[str, Any]) -> None:
        _add_delta(into["message"], choice.get("delta") or {})
        _add_rest(into, choice)


class CompletionAggregate(ChatAggregate):
    """text_completion from its streamed pieces."""

    _OBJECT = "text_completion"

    def new_choice(self, index: int) -> dict[str, Any]:
        return {"index": index, "text": "", "logprobs": None, "finish_reason": None}

    def add_choice(self, into: dict[str, Any], choice: dict[str, Any]) -> None:
        into["text"] += choice.get("text") or ""
        _add_rest(into, choice)


class ResponsesAggregate(Aggregate):
    """The responses API's last event carries the whole document."""

    def __init__(self) -> None:
        super().__init__()
        self._response: dict[str, Any] | None = None

    def add(self, body: dict[str, Any]) -> None:
        if body.get("type") in ("response.completed", "response.incomplete", "response.failed"):
            self._response = body.get("response")

    def result(self) -> dict[str, Any] | None:
        return self._response


def _add_delta(message: dict[str, Any], delta: dict[str, Any]) -> None:
    """Texts are joined, tool calls put together by their index, all else is as last sent."""
    for name, value in delta.items():
        if value is None:
            continue
        if name == "tool_calls":
            for call in value:
                _add_tool_call(message.setdefault("tool_calls", []), call)
        elif isinstance(value, str) and name != "role":
            message[name] = (message.get(name) or "") + value
        else:
            message[name] = value


def _add_tool_call(calls: list[dict[str, Any]], delta: dict[str, Any]) -> None:
    index = delta.get("index", 0)
    while len(calls) <= index:
        calls.append({"type": "function", "function": {"name": "", "arguments": ""}})
    call = calls[index]
    call.update({k: v for k, v in delta.items() if k not in ("index", "function") and v})
    function = delta.get("function") or {}
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""


def _add_rest(into: dict[str, Any], choice: dict[str, Any]) -> None:
    if choice.get("finish_reason") is not None:
        into["finish_reason"] = choice["finish_reason"]
    logprobs = choice.get("logprobs")
    if isinstance(logprobs, dict):
        known = into.get("logprobs") or {}
        for name, values in logprobs.items():
            known[name] = (known.get(name) or []) + (values or []) if isinstance(values, list) else values
        into["logprobs"] = known
