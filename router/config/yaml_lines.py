"""A YAML document as a tree of `Value`s that know their lines, with duplicate and merge keys settled."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from router.config.problems import ProblemList
from router.config.schema import is_secret
from router.config.yaml_text import BOOL, FLOAT, INT, MERGE, NULL, compose, line_of

_KNOWN_TAGS: Final = frozenset(
    {MERGE, NULL, BOOL, INT, FLOAT} | {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}
)
# chr() of a YAML escape may be a lone surrogate or NUL; neither can be a path, an argument or a header.
# What pages and chat programs put in the place of plain spaces and quotation marks.
_BLANK: Final = "[\u00a0\u1680\u2000-\u200d\u202f\u205f\u2060\u3000\ufeff]"
_OUTSIDE: Final = re.compile(f"^{_BLANK}|{_BLANK}$")
_AFTER_KEY: Final = re.compile(rf"^[\w.-]+:(?={_BLANK})|^(?={_BLANK})")
_MARKS: Final = "\u201c\u201d\u201e\u201f\u2018\u2019\u00ab\u00bb"
_TYPOGRAPHIC: Final = re.compile(f"[{_MARKS}].*[{_MARKS}]")
_UNUSABLE: Final = re.compile("[\x00\ud800-\udfff]")

Data = str | int | float | bool | list["Value"] | dict[str, "Value"] | None


@dataclass(frozen=True, slots=True)
class Value:
    """One value of the file.

    `line` is 1-based, of the key for a mapping's entry. `text` is a scalar as written, so `on` is still "on";
    `quoted` tells `"8080"` from `8080`; `variable` is the one of `vars:` that it comes from. The data is
    left out of repr: it may hold an API key.
    """

    line: int
    data: Data = field(repr=False)
    text: str = field(default="", repr=False)
    quoted: bool = False
    variable: str = ""

    def plain(self) -> Any:
        """Return the value as ordinary JSON-like Python data."""
        if isinstance(self.data, dict):
            return {key: value.plain() for key, value in self.data.items()}
        if isinstance(self.data, list):
            return [value.plain() for value in self.data]
        return self.data


def describe(value: Value) -> str:
    """Return what the file says, for "..., not <this>"; long text is cut."""
    if isinstance(value.data, dict):
        return "a mapping"
    if isinstance(value.data, list):
        return "a list"
    text = value.text if len(value.text) <= 40 else value.text[:37] + "..."
    of = f" of ${{{value.variable}}}" if value.variable else ""
    return f'the text "{text}"{of}' if isinstance(value.data, str) else f'"{text}"{of}'


def read_yaml(text: str, problems: ProblemList) -> Value | None:
    """Return the document's root, or None if it is empty or cannot be read (then `problems` says why)."""
    node = compose(text, problems)
    return None if node is None else _Reader(problems).read(node, "", line_of(node))


class _Reader:
    """Turns nodes into values: duplicate keys, merge keys, tags."""

    def __init__(self, problems: ProblemList) -> None:
        self._problems = problems

    def read(self, node: Node, path: str, line: int) -> Value:
        if node.tag not in _KNOWN_TAGS:
            self._problems.add(line_of(node), path, "YAML tags (!name) have no meaning here; remove it")
            return Value(line, None)
        if isinstance(node, MappingNode):
            return Value(line, self._mapping(node, path))
        if isinstance(node, SequenceNode):
            items = (self.read(item, f"{path}[{i}]", line_of(item)) for i, item in enumerate(node.value))
            return Value(line, list(items))
        if isinstance(node, ScalarNode):
            return self._scalar(node, path, line)
        raise TypeError(f"PyYAML has no other node than these three: {type(node).__name__}")

    def _scalar(self, node: ScalarNode, path: str, line: int) -> Value:
        text: str = node.value
        if _UNUSABLE.search(text):
            self._problems.add(line_of(node), path, "the text holds an unusable character (\\0 or \\uD800)")
            text = _UNUSABLE.sub("?", text)
            return Value(line, text, text, quoted=True)
        if node.style is None and _TYPOGRAPHIC.fullmatch(text):
            message = "typographic quotation marks are none for YAML; write \" or ' instead"
            self._problems.add(line_of(node), path, message)
            text = text[1:-1]
        elif node.style is None and (found := _AFTER_KEY.match(text)):
            self._problems.add(line_of(node), path, _invisible(text[found.end()]))
            return Value(line, None)
        try:
            return Value(line, _convert(node.tag, text), text, quoted=node.style is not None)
        except ValueError:
            self._problems.add(line_of(node), path, "the value does not fit its tag (!!int, !!float or !!bool)")
            return Value(line, None)

    def _mapping(self, node: MappingNode, path: str) -> dict[str, Value]:
        own: dict[str, Value] = {}
        merged: dict[str, Value] = {}
        for key_node, value_node in node.value:
            line = line_of(key_node)
            if key_node.tag == MERGE:
                # The first of several merged mappings wins, as https://yaml.org/type/merge.html says.
                merged = self._merge(value_node, path) | merged
            elif (key := self._key(key_node, path)) is not None:
                here = _join(path, key)
                if key in own:
                    message = f"the key is given twice, on lines {own[key].line} and {line}; remove one"
                    self._problems.add(line, here, message)
                else:
                    own[key] = self.read(value_node, here, line)
        return merged | own

    def _key(self, node: Node, path: str) -> str | None:
        """Return the key, which is a name: the text as written, so that `on:` or `27:` is not a bool or a
        number."""
        if isinstance(node, ScalarNode) and node.style is None and (found := _OUTSIDE.search(node.value)):
            self._problems.add(line_of(node), path, _invisible(found[0]))
            return None
        if isinstance(node, ScalarNode) and node.value and not _UNUSABLE.search(node.value):
            return str(node.value)
        self._problems.add(line_of(node), path, "a key must be a name")
        return None

    def _merge(self, node: Node, path: str) -> dict[str, Value]:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Value] = {}
        for source in sources:
            if isinstance(source, MappingNode):
                merged = self._mapping(source, path) | merged
            else:
                self._problems.add(line_of(source), path, "<< can only merge mappings, such as <<: *name")
        return merged


def _invisible(character: str) -> str:
    return f"an invisible character (U+{ord(character):04X}) stands there; delete it, or write a plain space"


def _join(path: str, key: str) -> str:
    if is_secret(path):
        return path  # someone forgot the "- ": the "name" is a secret
    return f"{path}.{key}" if path else key


def _convert(tag: str, text: str) -> str | int | float | bool | None:
    """Return the scalar's value. Raises ValueError for a text that does not fit its explicit tag."""
    if tag == NULL:
        return None
    if tag == BOOL:
        if text.lower() not in ("yes", "true", "on", "no", "false", "off"):
            raise ValueError(text)
        return text.lower() in ("yes", "true", "on")
    if tag == INT:
        digits = text.replace("_", "")
        return int(digits, 16) if "0x" in digits.lower() else int(digits)
    if tag == FLOAT:
        return float(text.replace("_", ""))
    return text
