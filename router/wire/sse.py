"""Splits an event stream into events, however the bytes are cut."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DONE = "[DONE]"
# NaN, which some write for a probability, is no JSON: nobody could read an answer with it.
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)


@dataclass(frozen=True, slots=True)
class Event:
    """`name` "" is the unnamed event; `data` is as sent, its lines joined."""

    name: str
    data: str

    def json(self) -> dict[str, Any]:
        """Return the data as a JSON object; {} for anything else (`[DONE]`)."""
        return json_object(self.data)


def json_object(text: str) -> dict[str, Any]:
    """{} for anything else."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


class SseParser:
    """Feed it bytes, take whole events. Source: WHATWG HTML, "Server-sent events"."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    @property
    def waiting(self) -> int:
        """Bytes of an event whose end has not come."""
        return len(self._rest)

    def feed(self, piece: bytes) -> Iterator[Event]:
        text = self._rest + piece
        if not self._begun and len(text) >= len(BOM_UTF8):
            self._begun, text = True, text.removeprefix(BOM_UTF8)
        # A line break cut in two is one line break: its second half comes with the next piece.
        held = b"\r" if text.endswith(b"\r") else b""
        *blocks, rest = text.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n\n")
        self._rest = rest + held
        for block in blocks:
            if (event := _event(block)) is not None:
                yield event

    def end(self) -> Iterator[Event]:
        """Return the last event, where nobody wrote the empty line behind it."""
        rest, self._rest = self._rest, b""
        if (event := _event(rest.rstrip(b"\r\n"))) is not None:
            yield event

    @property
    def rest(self) -> bytes:
        """What is no whole event."""
        return self._rest


def _event(block: bytes) -> Event | None:
    name, data = "", []
    for line in block.decode(errors="replace").split("\n"):
        field, _, value = line.partition(":")
        if field == "event":
            name = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
    return Event(name, "\n".join(data)) if data else None
