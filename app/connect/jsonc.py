"""Pure: JSON with comments and trailing commas, read with its places, and edited member by member."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_SPACE: Final = re.compile(r"(?:[\s\ufeff]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_SCALAR: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[-+\w.]+')
_REST_OF_LINE: Final = re.compile(r"[ \t]*,?[ \t]*(?://[^\n]*)?(?=\n|$)")
STEP: Final = "  "


@dataclass(slots=True)
class _Node:
    """`text[start:end]`. `members`: of an object, each with its name and where that begins."""

    start: int
    end: int
    data: Any
    members: list[tuple[str, int, _Node]] = field(default_factory=list)


def parse(text: str) -> Any:
    """Return the data; None of a text without any. Raises ValueError with a sentence."""
    if _SPACE.fullmatch(text):
        return None
    return _read(text).data


def set_value(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text with `value` at `path`; all else stays as it is. Raises ValueError."""
    if _SPACE.fullmatch(text):
        text = text + "{}\n"
    node = _read(text)
    for depth, name in enumerate(path):
        found = next((member for key, _, member in node.members if key == name), None)
        if found is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _insert(text, node, name, value)
        node = found
    indent = _indent_at(text, node.start)
    return text[: node.start] + _dump(value, indent) + text[node.end :]


def remove(text: str, path: Sequence[str]) -> str:
    """Return the text without what is at `path`. Raises ValueError."""
    node = _read(text)
    for name in path[:-1]:
        node = next(member for key, _, member in node.members if key == name)
    index = next(i for i, (key, _, _) in enumerate(node.members) if key == path[-1])
    start, end = node.members[index][1], node.members[index][2].end
    comma = re.compile(r"\s*,").match(text, end)
    if comma:
        end = comma.end()
    elif index:
        before = node.members[index - 1][2].end
        if not text[before:start].strip(", \t\r\n"):
            return text[:before] + text[end:]
        at = text.index(",", before)
        text = text[:at] + text[at + 1 :]
        start, end = start - 1, end - 1
    line = text.rfind("\n", 0, start) + 1
    rest = re.compile(r"[ \t]*\n").match(text, end)
    if rest and not text[line:start].strip():
        return text[:line] + text[rest.end() :]
    return text[:start] + text[end:]


def _insert(text: str, node: _Node, name: str, value: Any) -> str:
    if not isinstance(node.data, dict):
        raise ValueError(f'"{name}" has no object to stand in')
    outer = _indent_at(text, node.start)
    if not node.members:
        inner = text[node.start + 1 : node.end - 1].rstrip()
        indent = outer + STEP
        member = f"{indent}{json.dumps(name)}: {_dump(value, indent)}"
        return f"{text[: node.start]}{{{inner}\n{member}\n{outer}}}{text[node.end :]}"
    _, begins, last = node.members[-1]
    one_line = "\n" not in text[node.start : begins]
    trailing = re.compile(r"\s*,").match(text, last.end)
    comma = "" if trailing else ","
    indent = outer + STEP if one_line else _indent_at(text, begins)
    member = f"{json.dumps(name)}: {_dump(value, indent)}"
    rest = _REST_OF_LINE.match(text, last.end)
    if one_line or rest is None or rest.end() >= node.end:
        at = trailing.end() if trailing else last.end
        return f"{text[:at]}{comma} {member}{',' if trailing else ''}{text[at:]}"
    return f"{text[: last.end]}{comma}{text[last.end : rest.end()]}\n{indent}{member}{text[rest.end() :]}"


def _dump(value: Any, indent: str) -> str:
    lines = json.dumps(value, indent=len(STEP), ensure_ascii=False).split("\n")
    return f"\n{indent}".join(lines)


def _indent_at(text: str, at: int) -> str:
    """Return the white space that the line of `at` begins with."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip())]


# -- reading -----------------------------------------------------------------------------------------------


def _read(text: str) -> _Node:
    node = _value(text, _skip(text, 0))
    end = _skip(text, node.end)
    if end != len(text):
        raise ValueError(f"line {_line(text, end)}: there is more behind the end")
    return node


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> _Node:
    if text.startswith("{", at):
        return _object(text, at)
    if text.startswith("[", at):
        return _array(text, at)
    found = _SCALAR.match(text, at)
    if found is None:
        raise ValueError(f"line {_line(text, at)}: a value is missing")
    try:
        return _Node(at, found.end(), json.loads(found[0], strict=False))
    except ValueError:
        raise ValueError(f"line {_line(text, at)}: {found[0][:20]} is no value") from None


def _object(text: str, start: int) -> _Node:
    node, at = _Node(start, start, {}), _skip(text, start + 1)
    while not text.startswith("}", at):
        begins, key = at, _value(text, at)
        at = _skip(text, key.end)
        if not isinstance(key.data, str) or not text.startswith(":", at):
            raise ValueError(f"line {_line(text, at)}: a name and a colon are missing")
        if key.data in node.data:
            raise ValueError(f'line {_line(text, begins)}: "{key.data}" is there twice')
        value = _value(text, _skip(text, at + 1))
        node.members.append((key.data, begins, value))
        node.data[key.data] = value.data
        at = _after_comma(text, value.end, "}")
    node.end = at + 1
    return node


def _array(text: str, start: int) -> _Node:
    items, at = [], _skip(text, start + 1)
    while not text.startswith("]", at):
        value = _value(text, at)
        items.append(value.data)
        at = _after_comma(text, value.end, "]")
    return _Node(start, at + 1, items)


def _after_comma(text: str, at: int, closing: str) -> int:
    at = _skip(text, at)
    if text.startswith(",", at):
        return _skip(text, at + 1)
    if not text.startswith(closing, at):
        raise ValueError(f"line {_line(text, at)}: a comma or {closing} is missing")
    return at


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
