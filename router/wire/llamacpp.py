"""llama.cpp's own completion format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.wire.aggregate import Aggregate
from router.wire.lenient import text


class NativeAggregate(Aggregate):
    """One document from /completion's stream: texts and lists are joined, the last event has the rest."""

    _JOINED = ("tokens", "completion_probabilities")

    def __init__(self) -> None:
        super().__init__()
        self._text = ""
        self._lists: dict[str, list[Any]] = {}
        self._last: dict[str, Any] = {}

    def add(self, body: dict[str, Any]) -> None:
        self._text += text(body.get("content"))
        for name in self._JOINED:
            if isinstance(body.get(name), list):
                self._lists.setdefault(name, []).extend(body[name])
        if body:  # not [DONE]
            self._last = body

    def is_whole(self, body: Mapping[str, Any]) -> bool:
        return isinstance(body.get("content"), str) and bool(body.get("stop"))

    def result(self) -> dict[str, Any] | None:
        if not self._last.get("stop"):
            return None
        return {**self._last, **self._lists, "content": self._text}
