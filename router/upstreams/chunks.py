"""Chat answers of servers elsewhere, in the shape that every client reads. Pure.

What clients put together from a stream goes by the `index` of a tool call, and adds up its id and name. Of a
server that numbers every call 0, or repeats a name in each piece, they would carry out one call of all.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from router.upstreams.answer_shapes import TEXT, Fault
from router.wire.lenient import content_text, json_or_none, text

_OBJECTS: Final = ("usage", "timings")
_MOST_CALLS: Final = 1000


def chunk(document: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the chunk with choices that every client can read; fields of a wrong type are left out. Raises
    Fault."""
    choices = document.get("choices")
    if choices is None:
        choices = []
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        raise Fault("what it streams are no chunks with choices")
    kept = {k: v for k, v in document.items() if k not in _OBJECTS or isinstance(v, Mapping | None)}
    return {**kept, "choices": [_choice(dict(choice), n, path) for n, choice in enumerate(choices)]}


def whole(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a chat completion of the right shape with content that is text, and calls of functions whose
    arguments are JSON in a string; itself where nothing has to be changed."""
    choices = [_whole_choice(choice) for choice in document["choices"]]
    return document if choices == document["choices"] else {**document, "choices": choices}


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: str = ""

    def is_complete(self) -> bool:
        return isinstance(json_or_none(self.arguments), dict)


class ToolCalls:
    """Numbers the pieces of one choice's tool calls 0, 1, 2, ...; names each call once."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._numbered: dict[int, int] = {}  # theirs: ours

    def __len__(self) -> int:
        return len(self._calls)

    def mended(self, pieces: Any) -> list[dict[str, Any]]:
        """Return one chunk's `tool_calls`. Raises Fault."""
        if not isinstance(pieces, list) or not all(isinstance(piece, Mapping) for piece in pieces):
            raise Fault("what it streams are no tool calls")
        return [self._piece(dict(piece), number) for number, piece in enumerate(pieces)]

    def _piece(self, piece: dict[str, Any], place: int) -> dict[str, Any]:
        index = piece.get("index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < _MOST_CALLS:
            index = None
        function = _function(piece)
        id_, name, arguments = text(piece.get("id")), text(function.get("name")), function.get("arguments")
        at = len(self._calls) - 1 if index is None else self._numbered.get(index, -1)
        if at < 0 or self._begins(self._calls[at], id_, name, arguments, apart=index is None and place > 0):
            at = len(self._calls)
            self._calls.append(_Call(id_, name))
        else:
            piece, function = self._continued(piece, function, self._calls[at])
        if index is not None:
            self._numbered[index] = at
        self._calls[at].arguments += arguments or ""
        return {**piece, "index": at} | ({"function": function} if "function" in piece else {})

    @staticmethod
    def _begins(known: _Call, id_: str, name: str, arguments: str | None, *, apart: bool) -> bool:
        """Return whether a piece with the number of a known call, or without one, is another call."""
        if not name:
            return False
        if id_ and known.id:
            return id_ != known.id
        return apart or (bool(arguments) and known.is_complete())

    @staticmethod
    def _continued(
        piece: dict[str, Any], function: dict[str, Any], known: _Call
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        if piece.get("id") == known.id or not piece.get("id"):
            piece.pop("id", None)
        else:
            known.id = piece["id"]
        if function.get("name") == known.name or not function.get("name"):
            function.pop("name", None)
        else:
            known.name += function["name"]
        return piece, function


def _function(piece: Mapping[str, Any]) -> dict[str, Any]:
    function = piece.get("function")
    if function is None:
        return {}
    if not isinstance(function, Mapping):
        raise Fault("what it streams are no tool calls")
    arguments = function.get("arguments")
    if isinstance(arguments, Mapping | list):  # as Ollama has them
        return {**function, "arguments": json.dumps(arguments)}
    if not isinstance(arguments, str | None) or not isinstance(function.get("name"), str | None):
        raise Fault("what it streams are no tool calls")
    return dict(function)


def _choice(choice: dict[str, Any], number: int, path: str) -> dict[str, Any]:
    if not isinstance(choice.get("index"), int):
        choice["index"] = number
    if not isinstance(choice.get("finish_reason"), str | None):
        choice["finish_reason"] = "stop"
    if "logprobs" in choice and not isinstance(choice["logprobs"], Mapping | None):
        del choice["logprobs"]
    if path == TEXT:
        delta = choice.pop("delta", None)
        if choice.get("text") is None and isinstance(delta, Mapping):
            choice["text"] = content_text(delta.get("content"))
        if not isinstance(choice.get("text"), str | None):
            raise Fault("what it streams is no text")
        return choice
    if choice.get("delta") is None:  # some send a whole message, or the other endpoint's text
        if isinstance(choice.get("message"), Mapping):
            choice["delta"] = choice.pop("message")
        elif isinstance(choice.get("text"), str):
            choice["delta"] = {"content": choice.pop("text")}
    delta = choice.get("delta")
    if not isinstance(delta, Mapping | None):
        raise Fault("what it streams are no chunks with a delta")
    choice["delta"] = _delta(dict(delta or {}))
    return choice


def _delta(delta: dict[str, Any]) -> dict[str, Any]:
    for name in ("content", "reasoning_content", "reasoning", "refusal", "role"):
        value = delta.get(name)
        if isinstance(value, list):
            delta[name] = _joined(value)
        elif name in delta and not isinstance(value, str | None):
            raise Fault("what it streams is no text")
    return delta


def _joined(parts: list[Any]) -> str:
    """Return the text of what Mistral and others send in parts."""
    return "".join(map(_part, parts))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    return text(part.get("text")) if isinstance(part, Mapping) else ""


def _whole_choice(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    message = choice["message"]
    mended: dict[str, Any] = {}
    if isinstance(message.get("content"), list):
        mended["content"] = _joined(message["content"])
    if message.get("tool_calls"):
        mended["tool_calls"] = [*map(_whole_call, message["tool_calls"])]
    return {**choice, "message": {**message, **mended}} if mended else choice


def _whole_call(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = call.get("function")
    if isinstance(function, Mapping) and not call.get("type"):
        call = {"type": "function", **{name: value for name, value in call.items() if name != "type"}}
    arguments = function.get("arguments") if isinstance(function, Mapping) else None
    if isinstance(function, Mapping) and isinstance(arguments, Mapping | list):
        return {**call, "function": {**function, "arguments": json.dumps(arguments)}}
    return call
