"""Turns an engine's event stream into the one JSON document the client asked for.

llama-server goes on generating for a client that left a request without `stream` (12 s for 400 tokens,
measured), but notices at once when a stream is dropped. So hal0 always streams from the engine.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from router.base.errors import EngineFailed, EngineRefused
from router.wire.encode import JsonAnswer
from router.wire.lenient import arguments_text, content_text, mapping, mappings, text, whole
from router.wire.sse import SseParser, json_object

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def is_failure(body: Mapping[str, Any]) -> bool:
    """Return whether an event or a document tells an error: as OpenAI and Anthropic do, or as a mere text."""
    return bool(body.get("error")) or body.get("type") == "error"


class Collected(JsonAnswer):
    """Base: one document that is told another way, once it is whole."""

    translates = True

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def feed(self, piece: bytes) -> bytes:
        self._pieces.append(piece)
        return b""

    def finish(self) -> bytes:
        raw = b"".join(self._pieces)
        body = json_object(raw.decode(errors="replace"))
        if is_failure(body):
            raise EngineRefused.from_body(None, body)
        return self.told(body, raw)

    def told(self, body: dict[str, Any], raw: bytes) -> bytes:
        """Return the client's document; `body` is {} where `raw` is no object."""
        raise NotImplementedError


class Aggregate(JsonAnswer):
    """Base: collects events. An engine that does not stream sends its one document; that passes as it is.

    Engines of all kinds are read: whatever is not as it should be counts as absent (router.wire.lenient).
    """

    translates = True

    def __init__(self) -> None:
        self._parser = SseParser()
        self._failed: dict[str, Any] | None = None

    def feed(self, piece: bytes) -> bytes:
        for event in self._parser.feed(piece):
            self._take(event.json())
        return b""

    def finish(self) -> bytes:
        rest = self._parser.rest
        for event in self._parser.end():
            self._take(event.json())
        document = json_object(rest.decode(errors="replace"))
        if is_failure(document):
            self._failed = document
        if self._failed is not None:
            raise EngineRefused.from_body(None, self._failed)
        result = self.result() or (document if self.is_whole(document) else None)
        if result is None:
            raise EngineFailed("The engine ended its answer before it was complete; send the request again.")
        # A model may write half of a surrogate pair, which UTF-8 cannot say.
        return _ENCODER.encode(result).encode(errors="replace")

    def _take(self, body: dict[str, Any]) -> None:
        if is_failure(body):
            self._failed = body
        elif self._failed is None:
            self.add(body)

    def add(self, body: dict[str, Any]) -> None:
        raise NotImplementedError

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        """Return whether `body` is the whole document, of an engine that does not stream."""
        return False

    def result(self) -> dict[str, Any] | None:
        """Return the document, None if the stream ended too early."""
        raise NotImplementedError


class ChatAggregate(Aggregate):
    """chat.completion from chat.completion.chunk events."""

    _OBJECT = "chat.completion"

    def __init__(self) -> None:
        super().__init__()
        self._top: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}

    def add(self, body: dict[str, Any]) -> None:
        if "choices" not in body and "usage" not in body:
            return  # an event of another kind
        self._top.update({k: v for k, v in body.items() if k != "choices" and v is not None})
        for choice in mappings(body.get("choices")):
            index = whole(choice.get("index")) or 0
            if index not in self._choices:
                self._choices[index] = self.new_choice(index)
            self.add_choice(self._choices[index], choice)

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        return any(text(choice.get("finish_reason")) for choice in mappings(body.get("choices")))

    def result(self) -> dict[str, Any] | None:
        choices = [self.ended(self._choices[index]) for index in sorted(self._choices)]
        if not choices or any(choice["finish_reason"] is None for choice in choices):
            return None
        return {**self._top, "object": self._OBJECT, "choices": choices}

    def new_choice(self, index: int) -> dict[str, Any]:
        message = {"role": "assistant", "content": None}
        return {"index": index, "message": message, "finish_reason": None}

    def add_choice(self, into: dict[str, Any], choice: Mapping[str, Any]) -> None:
        _add_delta(into["message"], mapping(choice.get("delta")) or mapping(choice.get("message")))
        _add_rest(into, choice)

    def ended(self, choice: dict[str, Any]) -> dict[str, Any]:
        """Return the choice as a whole document has it."""
        message = choice["message"]
        if message["content"] is None and not message.get("tool_calls"):
            return {**choice, "message": {**message, "content": ""}}
        return choice


class CompletionAggregate(ChatAggregate):
    """text_completion from its streamed pieces."""

    _OBJECT = "text_completion"

    def new_choice(self, index: int) -> dict[str, Any]:
        return {"index": index, "text": "", "logprobs": None, "finish_reason": None}

    def add_choice(self, into: dict[str, Any], choice: Mapping[str, Any]) -> None:
        into["text"] += text(choice.get("text"))
        _add_rest(into, choice)

    def ended(self, choice: dict[str, Any]) -> dict[str, Any]:
        return choice


class ResponsesAggregate(Aggregate):
    """The responses API's last event carries the whole document."""

    _ENDS = ("response.completed", "response.incomplete", "response.failed")

    def __init__(self) -> None:
        super().__init__()
        self._response: dict[str, Any] | None = None

    def add(self, body: dict[str, Any]) -> None:
        response = body.get("response")
        if body.get("type") in self._ENDS and isinstance(response, dict) and response:
            self._response = response

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        return body.get("object") == "response"

    def result(self) -> dict[str, Any] | None:
        return self._response


def _add_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    """Texts are joined, tool calls put together by their index, all else is as last sent."""
    for name, value in delta.items():
        if name == "tool_calls":
            for call in mappings(value):
                _add_tool_call(message.setdefault("tool_calls", []), call)
        elif name == "content":
            if value is not None:
                message[name] = text(message.get(name)) + content_text(value)
        elif isinstance(value, str) and name != "role":
            message[name] = text(message.get(name)) + value
        elif value is not None:
            message[name] = value


def _add_tool_call(calls: list[dict[str, Any]], delta: Mapping[str, Any]) -> None:
    """Add a piece to its call; where a server gives no index, a new id or a name begins one."""
    function, index = mapping(delta.get("function")), whole(delta.get("index"))
    if index is None:
        begins = (delta.get("id") or calls[-1].get("id")) != calls[-1].get("id") if calls else True
        begins = begins or bool(function.get("name") and calls[-1]["function"]["arguments"])
        index = len(calls) if begins else len(calls) - 1
    index = min(max(index, 0), len(calls))  # whose numbers have gaps begins the next
    if index == len(calls):
        calls.append({"type": "function", "function": {"name": "", "arguments": ""}})
    call = calls[index]
    call.update({k: v for k, v in delta.items() if k not in ("index", "function") and v})
    call["function"]["name"] += text(function.get("name"))
    call["function"]["arguments"] += arguments_text(function.get("arguments"))


def _add_rest(into: dict[str, Any], choice: Mapping[str, Any]) -> None:
    # The first reason is the true one: some servers send "stop" once more behind "tool_calls".
    into["finish_reason"] = into["finish_reason"] or text(choice.get("finish_reason")) or None
    if isinstance(choice.get("logprobs"), dict):
        known = into["logprobs"] = into.get("logprobs") or {}
        for name, values in choice["logprobs"].items():
            before = known.get(name)
            if isinstance(before, list) and isinstance(values, list):
                known[name] = before + values
            elif not isinstance(before, list):
                known[name] = values
