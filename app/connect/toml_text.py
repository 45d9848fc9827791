"""Pure: TOML edited line by line: single values at the top, and whole tables of them.

What is written otherwise (inline tables, dotted keys, values of several lines) is not understood here; whoever
calls reads the result back and compares.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

_HEADER: Final = re.compile(r"^\s*\[\[?[^\[\]=,]+\]\]?\s*(?:#.*)?$")
_COMMENT: Final = re.compile(r"\s+#[^\"']*$")
_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def parse(text: str) -> Any:
    """Return the data. Raises ValueError."""
    return tomllib.loads(text)


def set_value(text: str, path: Sequence[str], value: Any) -> str:
    """Return the text with a scalar at the top, or a mapping of scalars as the table `path`."""
    if isinstance(value, Mapping):
        return _set_table(text, path, value)
    if len(path) > 1:
        raise ValueError(f"{'.'.join(path)} is in a table")
    lines = _lines(text)
    top = _top(lines)
    written = f"{_name(path[0])} = {_scalar(value)}"
    for number in range(top):
        if _is_key(lines[number], path[0]):
            comment = _COMMENT.search(lines[number])
            lines[number] = written + (comment[0] if comment else "")
            return _joined(lines)
    at = max((number + 1 for number in range(top) if _says(lines[number])), default=0)
    # At the head of a file that begins with its comments, below them.
    if at == 0:
        at = next((n for n in range(top) if not lines[n].strip()), top if top == len(lines) else 0)
    lines.insert(at, written)
    if at + 1 < len(lines) and _HEADER.match(lines[at + 1]):
        lines.insert(at + 1, "")
    return _joined(lines)


def remove(text: str, path: Sequence[str]) -> str:
    """Return the text without the value, or the table, at `path`."""
    lines = _lines(text)
    span = _table(lines, path)
    if span is not None:
        del lines[span[0] : span[1]]
        while len(lines) == span[0] and lines and not lines[-1].strip():
            del lines[-1]  # the blank lines before a table that was the last
            span = (span[0] - 1, span[1])
        return _joined(lines)
    for number in range(_top(lines)):
        if len(path) == 1 and _is_key(lines[number], path[0]):
            del lines[number]
            return _joined(lines)
    raise ValueError(f"{'.'.join(path)} is not to be found")


def _set_table(text: str, path: Sequence[str], value: Mapping[str, Any]) -> str:
    lines = _lines(text)
    header = f"[{'.'.join(_name(name) for name in path)}]"
    block = [header, *(f"{_name(name)} = {_scalar(item)}" for name, item in value.items())]
    span = _table(lines, path)
    if span is None:
        gap = [""] if lines and lines[-1].strip() else []
        return _joined([*lines, *gap, *block])
    lines[span[0] : span[1]] = block
    return _joined(lines)


def _table(lines: Sequence[str], path: Sequence[str]) -> tuple[int, int] | None:
    """Return where the table stands, without the blank lines and comments before the next."""
    wanted = tuple(path)
    for start, line in enumerate(lines):
        if _HEADER.match(line) and not line.strip().startswith("[[") and _header_path(line) == wanted:
            following = range(start + 1, len(lines))
            end = next((n for n in following if _HEADER.match(lines[n])), len(lines))
            while end > start + 1 and not _says(lines[end - 1]):
                end -= 1
            return start, end
    return None


def _header_path(line: str) -> tuple[str, ...]:
    try:
        data = tomllib.loads(line)
    except ValueError:
        return ()
    path = []
    while isinstance(data, dict) and len(data) == 1:
        ((name, data),) = data.items()
        path.append(name)
    return tuple(path)


def _top(lines: Sequence[str]) -> int:
    return next((number for number, line in enumerate(lines) if _HEADER.match(line)), len(lines))


def _is_key(line: str, name: str) -> bool:
    return re.match(rf"""\s*(?:{re.escape(name)}|"{re.escape(name)}")\s*=""", line) is not None


def _says(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _name(name: str) -> str:
    return name if _BARE.fullmatch(name) else json.dumps(name)


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else json.dumps(value, ensure_ascii=False)


def _lines(text: str) -> list[str]:
    """Return the lines as TOML has them: a string may hold what else would end one."""
    return text.removesuffix("\n").split("\n") if text else []


def _joined(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
