"""Chat answers of servers elsewhere, in the shape that every client reads. Pure.

What clients put together from a stream goes by the `index` of a tool call, and adds up its id and name. Of a
server that numbers every call 0, or repeats a name in each piece, they would carry out one call of all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from router.upstreams import message_words
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
    if isinstance(choices, Mapping):
        choices = [choices]
    if not isinstance(choices, list) or not all(isinstance(choice, Mapping) for choice in choices):
        raise Fault("what it streams are no chunks with choices")
    kept = {k: v for k, v in document.items() if k not in _OBJECTS or isinstance(v, Mapping | None)}
    return {**kept, "choices": [_choice(dict(choice), n, path) for n, choice in enumerate(choices)]}


def whole(document: Mapping[str, Any], new_id: Callable[[], str] | None = None) -> Mapping[str, Any]:
    """Return a chat completion of the right shape with content that is text, and calls of functions whose
    arguments are JSON in a string; itself where nothing has to be changed."""
    given = message_words.with_choices(document)["choices"]
    choices = [_whole_choice(choice, at, new_id) for at, choice in enumerate(given)]
    return document if choices == document["choices"] else {**document, "choices": choices}


@dataclass(slots=True)
class _Call:
    id: str
    name: str
    arguments: str = ""

    def is_complete(self) -> bool:
        return isinstance(json_or_none(self.arguments), dict)


class ToolCalls:
    """Numbers the pieces of one choice's tool calls 0, 1, 2, ...; names each call once. `new_id`: makes an id
    for one that has none; clients need it to answer."""

    def __init__(self, new_id: Callable[[], str] | None = None) -> None:
        self._new_id = new_id
        self._calls: list[_Call] = []
        self._numbered: dict[int, int] = {}  # theirs: ours

    def __len__(self) -> int:
        return len(self._calls)

    def mended(self, pieces: Any) -> list[dict[str, Any]]:
        """Return one chunk's `tool_calls`. Raises Fault."""
        if isinstance(pieces, Mapping):
            pieces = [pieces]
        if not isinstance(pieces, list):
            raise Fault("what it streams are no tool calls")
        whole_ones = [piece for piece in pieces if piece is not None]
        if not all(isinstance(piece, Mapping) for piece in whole_ones):
            raise Fault("what it streams are no tool calls")
        return [self._piece(message_words.call(piece), number) for number, piece in enumerate(whole_ones)]

    def _piece(self, piece: dict[str, Any], place: int) -> dict[str, Any]:
        index = piece.get("index")
        if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index < _MOST_CALLS:
            index = None
        function = _function(piece)
        id_, name, arguments = text(piece.get("id")), text(function.get("name")), function.get("arguments")
        at = len(self._calls) - 1 if index is None else self._numbered.get(index, -1)
        if at < 0 or self._begins(self._calls[at], id_, name, arguments, apart=index is None and place > 0):
            at = len(self._calls)
            if not id_ and self._new_id is not None:
                piece["id"] = id_ = self._new_id()
            piece["type"] = text(piece.get("type")) or "function"
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
    if not isinstance(arguments, str | None) or not isinstance(function.get("name"), str | None):
        raise Fault("what it streams are no tool calls")
    return dict(function)


def _choice(choice: dict[str, Any], number: int, path: str) -> dict[str, Any]:
    if not isinstance(choice.get("index"), int):
        choice["index"] = number
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
    delta = message_words.with_thoughts(delta)
    for name in ("content", "reasoning_content", "reasoning", "refusal", "role"):
        if name in delta:
            delta[name] = message_words.content(delta[name])
            if not isinstance(delta[name], str | None):
                raise Fault("what it streams is no text")
    return delta


def _whole_choice(choice: Mapping[str, Any], at: int, new_id: Callable[[], str] | None) -> Mapping[str, Any]:
    message = message_words.with_thoughts(dict(choice["message"]))
    if "content" in message:
        message["content"] = message_words.content(message["content"])
    if message.get("tool_calls"):
        message["tool_calls"] = [_whole_call(one, new_id) for one in message["tool_calls"]]
    made: dict[str, Any] = {**choice, "message": message}
    if choice.get("finish_reason") is not None:
        called = bool(message.get("tool_calls"))
        made["finish_reason"] = message_words.finish_reason(choice["finish_reason"], called=called)
    if "index" in choice and not isinstance(choice["index"], int):
        made["index"] = at
    return made


def _whole_call(given: Mapping[str, Any], new_id: Callable[[], str] | None) -> Mapping[str, Any]:
    call = message_words.call(given)
    if not isinstance(call.get("function"), Mapping):
        return call
    if not call.get("id") and new_id is not None:
        call["id"] = new_id()
    return call if call.get("type") else {**call, "type": "function"}
