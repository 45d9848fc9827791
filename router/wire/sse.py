"""Splits an event stream into events, however the bytes are cut."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Event:
    """`name` "" is the unnamed event; `data` is as sent, its lines joined."""

    name: str
    data: str

    def json(self) -> dict[str, Any]:
        """The data as a JSON object; {} for anything else (`[DONE]`)."""
        try:
            value = json.loads(self.data)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


class SseParser:
    """Feed it bytes, take whole events. Source: WHATWG HTML, "Server-sent events"."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def waiting(self) -> int:
        """Bytes of an event whose end has not come."""
        return len(self._rest)

    def feed(self, piece: bytes) -> Iterator[Event]:
        text = self._rest + piece
        # A line break cut in two is one line break: its second half comes with the next piece.
        held = b"\r" if text.endswith(b"\r") else b""
        *blocks, rest = text.removesuffix(held).replace(b"\r\n", b"\n").split(b"\n\n")
        self._rest = rest + held
        for block in blocks:
            if (event := _event(block)) is not None:
                yield event


def _event(block: bytes) -> Event | None:
    name, data = "", []
    for line in block.decode(errors="replace").split("\n"):
        field, _, value = line.partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
    return Event(name, "\n".join(data)) if data else None
