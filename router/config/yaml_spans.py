"""Where each part of a YAML text is: the tree that edits are cut into (`router.config.yaml_splice`).

PyYAML's events carry offsets and keep aliases apart, which its composed nodes do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentEndEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

_COLON: Final = re.compile(r"[ \t]*:")


@dataclass(slots=True)
class Node:
    """`text[start:end]`, anchor and tag included; for a block collection `end` is unreliable (`content_end`).

    Attributes:
        scalar: its value; None for anything else.
        style: of a scalar: None (plain), `'`, `"`, `|` or `>`.
        flow: a collection in brackets, or any other value that ends where `end` says.
        anchor: the name after `*` for an alias, after `&` otherwise.
        entries: of a mapping or sequence.
    """

    kind: str
    start: int
    end: int
    line: int
    flow: bool = True
    scalar: str | None = None
    style: str | None = None
    anchor: str | None = None
    entries: list[Entry] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Nothing is written where a value could be."""
        return self.kind == "scalar" and self.start == self.end

    @property
    def null(self) -> bool:
        return self.empty or (self.style is None and self.scalar in ("~", "null", "Null", "NULL"))

    def find(self, name: str) -> Entry | None:
        return next((e for e in self.entries if e.key is not None and e.key.scalar == name), None)


@dataclass(slots=True)
class Entry:
    """`key: value` of a mapping, or an item of a sequence."""

    key: Node | None
    value: Node


def read_spans(text: str) -> Node | None:
    """Return the root, or None for a text without a document. Raises yaml.YAMLError."""
    events = yaml.parse(text, Loader=yaml.SafeLoader)
    for event in events:
        if isinstance(event, DocumentStartEvent):
            return _node(next(events), events)
    return None


def _node(event: Event, events: Iterator[Event]) -> Node:
    start, end, line = _place(event)
    anchor = getattr(event, "anchor", None)
    if isinstance(event, AliasEvent):
        return Node("alias", start, end, line, anchor=anchor)
    if isinstance(event, ScalarEvent):
        return Node("scalar", start, end, line, scalar=event.value, style=event.style, anchor=anchor)
    if isinstance(event, MappingStartEvent):
        node = Node("mapping", start, end, line, flow=bool(event.flow_style), anchor=anchor)
        while not isinstance(event := next(events), MappingEndEvent):
            key = _node(event, events)
            node.entries.append(Entry(key, _node(next(events), events)))
        node.end = _place(event)[1]
        return node
    if isinstance(event, SequenceStartEvent):
        node = Node("sequence", start, end, line, flow=bool(event.flow_style), anchor=anchor)
        while not isinstance(event := next(events), SequenceEndEvent):
            node.entries.append(Entry(None, _node(event, events)))
        node.end = _place(event)[1]
        return node
    assert not isinstance(event, DocumentEndEvent), "a document holds a node"
    raise TypeError(f"PyYAML has no other event here: {type(event).__name__}")


def _place(event: Event) -> tuple[int, int, int]:
    """Return (start, end, line from 1)."""
    assert event.start_mark is not None and event.end_mark is not None, "the parser marks every event"
    return event.start_mark.index, event.end_mark.index, event.start_mark.line + 1


def scalars(node: Node) -> Iterator[Node]:
    """Yield every scalar of the tree, keys too, in the order of the text."""
    if node.kind == "scalar":
        yield node
    for entry in node.entries:
        if entry.key is not None:
            yield from scalars(entry.key)
        yield from scalars(entry.value)


def value_at(entry: Entry, text: str) -> tuple[int, bool]:
    """Return where the value of an entry would be written, and whether its colon is there already."""
    assert entry.key is not None, "only a mapping's entries have a colon"
    colon = _COLON.match(text, entry.key.end)
    return (colon.end(), True) if colon else (entry.key.end, False)


def content_end(entry: Entry, text: str) -> int:
    """Return the offset after the last character of the entry's value."""
    value = entry.value
    if value.empty:
        return value_at(entry, text)[0] if entry.key is not None else value.end
    if value.kind == "scalar" and value.style in ("|", ">"):
        return value.start + len(text[value.start : value.end].rstrip())
    if value.flow or not value.entries:
        return value.end
    return content_end(value.entries[-1], text)


def line_start(text: str, at: int) -> int:
    return text.rfind("\n", 0, at) + 1


def line_end(text: str, at: int) -> int:
    """Return the offset of the line break (of its `\\r`, if there is one), or of the end of the text."""
    found = text.find("\n", at)
    if found < 0:
        return len(text)
    return found - 1 if found > at and text[found - 1] == "\r" else found
