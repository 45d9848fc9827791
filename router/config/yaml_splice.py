"""One change to a YAML text that leaves every other character as it is.

A round trip through a YAML library rewrites spacing, indentation and line breaks all over the file; cutting the
new value into the old text does not. What cannot be cut cleanly raises `CannotSplice`; that the result means
what was intended is for the caller to check (`router.config.edit`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from router.config.yaml_spans import Entry, Node, content_end, line_end, line_start, read_spans, value_at
from router.config.yaml_write import block, flow, key_text

_COMMENT_LINE: Final = re.compile(r"\r?\n(?P<indent>[ \t]*)(?:#.*|(?=\r?\n|\Z))")
_GAP: Final = re.compile(r"(?:\s|(?<=[\s,])#.*)*")


class CannotSplice(Exception):
    """The change cannot be cut into the text at `line`."""

    def __init__(self, line: int) -> None:
        super().__init__(line)
        self.line = line


def set_value(text: str, path: Sequence[str], value: Any) -> str:
    """Return `text` with the key at `path` set; missing sections on the way are created."""
    root = read_spans(text)
    if root is None or root.null:
        return _append_section(text, path, value)
    node, entry = root, None
    for depth, name in enumerate(path):
        rest = _nested(path[depth:], value)
        if node.kind == "alias":
            merged = f"<<: *{node.anchor}"
            own = ", ".join(f"{key_text(k)}: {flow(v)}" for k, v in rest.items())
            return f"{text[: node.start]}{{{merged}, {own}}}{text[node.end :]}"
        if node.null and entry is not None:
            return _fill(text, entry, rest, root)
        if node.kind != "mapping":
            raise CannotSplice(node.line)
        entry = node.find(name)
        if entry is None:
            return _insert(text, node, name, rest[name], root)
        node = entry.value
    assert entry is not None, "a path has at least one name"
    if entry.value.empty and isinstance(value, Mapping) and value:
        return _fill(text, entry, value, root)
    return _replace(text, entry, value)


def remove_key(text: str, path: Sequence[str]) -> str:
    """Return `text` without the key at `path`. Raises CannotSplice if it is not written there itself."""
    node = read_spans(text)
    for name in path[:-1]:
        found = node.find(name) if node is not None else None
        if found is None:
            raise CannotSplice(node.line if node else 0)
        node = found.value
    entry = node.find(path[-1]) if node is not None else None
    if node is None or entry is None:
        raise CannotSplice(node.line if node else 0)
    return _remove(text, node, entry)


def set_list(text: str, path: Sequence[str], old: list[Any], new: list[Any]) -> str:
    """Turn the list `old` at `path` into `new`, touching only the items that differ where that is possible."""
    entry, node = None, read_spans(text)
    for name in path:
        entry = node.find(name) if node is not None else None
        node = entry.value if entry is not None else None
    if entry is None or node is None or node.kind != "sequence" or len(node.entries) != len(old):
        return set_value(text, path, new)
    kept = _subsequence(new, old)
    if kept is not None and new:
        for index in reversed(range(len(old))):
            if index not in kept:
                text = _remove(text, node, node.entries[index])
        return text
    if old and new[: len(old)] == old:
        for item in reversed(new[len(old) :]):
            text = _append_item(text, node, item)
        return text
    return _replace(text, entry, new)


def _subsequence(part: list[Any], whole: list[Any]) -> set[int] | None:
    """Return the indices in `whole` of the items of `part`, if `whole` holds them in that order."""
    indices: set[int] = set()
    rest = iter(enumerate(whole))
    for wanted in part:
        index = next((i for i, item in rest if item == wanted and type(item) is type(wanted)), None)
        if index is None:
            return None
        indices.add(index)
    return indices


def _nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    for name in reversed(path[1:]):
        value = {name: value}
    return {path[0]: value}


# -- new text --------------------------------------------------------------------------------------------


def _append_section(text: str, path: Sequence[str], value: Any) -> str:
    lines = block(path[0], _nested(path, value)[path[0]], 0, 2, compact=True)
    gap = "" if not text or text.endswith("\n") else _newline(text)
    return text + gap + _newline(text).join(lines) + _newline(text)


def _insert(text: str, mapping: Node, name: str, value: Any, root: Node) -> str:
    """Insert a new last entry."""
    if mapping.flow:
        return _insert_flow(text, mapping, f"{key_text(name)}: {flow(value)}")
    first, last = mapping.entries[0], mapping.entries[-1]
    assert first.key is not None
    column = first.key.start - line_start(text, first.key.start)
    blocks = any(e.value.kind == "mapping" and not e.value.flow for e in mapping.entries)
    lines = block(name, value, column, _step(root, text), compact=not blocks)
    return _add_lines(text, content_end(last, text), column, lines)


def _add_lines(text: str, after: int, column: int, lines: list[str]) -> str:
    """Add lines below the one that holds `after`, and below comments that belong to what is there."""
    at = line_end(text, after)
    look = at
    while (comment := _COMMENT_LINE.match(text, look)) is not None and comment.end() > look:
        look = comment.end()
        if len(comment["indent"]) > column and "#" in comment.group():
            at = look
    newline = _newline(text)
    return text[:at] + newline + newline.join(lines) + text[at:]


def _insert_flow(text: str, node: Node, new: str) -> str:
    if not node.entries:
        opening = text.index("{" if node.kind == "mapping" else "[", node.start)
        return text[: opening + 1] + new + text[node.end - 1 :]
    last = node.entries[-1]
    after = content_end(last, text)
    comma = _GAP.match(text, after)
    has_comma = comma is not None and text[comma.end()] == ","
    starts = _start_of(last, text)
    if not text[line_start(text, starts) : starts].strip():
        # One entry per line: the new one gets its own, too.
        end = line_end(text, comma.end() if has_comma and comma else after)
        if end < node.end:
            indent = text[line_start(text, starts) : starts]
            added = _newline(text) + indent + new + ("," if has_comma else "")
            return text[:after] + ("" if has_comma else ",") + text[after:end] + added + text[end:]
    return text[:after] + ", " + new + text[after:]


def _append_item(text: str, node: Node, item: Any) -> str:
    if node.flow:
        return _insert_flow(text, node, flow(item))
    dash = _start_of(node.entries[0], text)
    column = dash - line_start(text, dash)
    lines = [f"{' ' * column}- {flow(item)}"]
    return _add_lines(text, content_end(node.entries[-1], text), column, lines)


def _fill(text: str, entry: Entry, value: Mapping[str, Any], root: Node) -> str:
    """Give a section that is written without content its first entry."""
    assert entry.key is not None
    column = entry.key.start - line_start(text, entry.key.start)
    in_block = entry.value.empty and not text[line_start(text, entry.key.start) : entry.key.start].strip()
    at, colon = value_at(entry, text)
    if not (in_block and colon and not root.flow):
        return _replace(text, entry, value)
    step = _step(root, text)
    lines = [line for k, v in value.items() for line in block(k, v, column + step, step, compact=True)]
    return _add_lines(text, at, column, lines)


def _replace(text: str, entry: Entry, value: Any) -> str:
    old = entry.value
    new = flow(value, old.style)
    if old.empty:
        at, colon = value_at(entry, text)
        return text[:at] + (" " if colon else ": ") + new + text[at:]
    end = content_end(entry, text)
    at, _ = value_at(entry, text)
    first_line_ends = line_end(text, at)
    if not old.flow and old.start >= first_line_ends:
        # A block below its key: the value moves up, a comment beside the key stays.
        return text[:at] + " " + new + text[at:first_line_ends] + text[end:]
    return text[: old.start] + new + text[end:]


# -- removing --------------------------------------------------------------------------------------------


def _remove(text: str, node: Node, entry: Entry) -> str:
    start, end = _start_of(entry, text), content_end(entry, text)
    if node.flow:
        return _remove_flow(text, node, entry, start, end)
    first = line_start(text, start)
    if text[first:start].strip():
        raise CannotSplice(entry.value.line)
    rest = line_end(text, end)
    rest += len(_newline(text)) if rest < len(text) else 0
    if rest == len(text) and not text.endswith("\n") and first > 0:
        first -= len(_newline(text))
    return text[:first] + text[rest:]


def _remove_flow(text: str, node: Node, entry: Entry, start: int, end: int) -> str:
    index = node.entries.index(entry)
    gap = _GAP.match(text, end)
    after = gap.end() if gap else end
    if text[after] == ",":
        text = text[:after] + text[after + 1 :]
    elif index > 0:
        before = content_end(node.entries[index - 1], text)
        gap = _GAP.match(text, before)
        comma = gap.end() if gap else before
        text, start, end = text[:comma] + text[comma + 1 :], start - 1, end - 1
    return _cut(text, start, end, last=index == len(node.entries) - 1)


def _cut(text: str, start: int, end: int, *, last: bool) -> str:
    """Return `text` without [start, end), the spaces around it, and its line if nothing else is on it."""
    first, rest = line_start(text, start), line_end(text, end)
    if not text[first:start].strip() and re.fullmatch(r"[ \t]*(#.*)?", text[end:rest]) and rest < len(text):
        return text[:first] + text[rest + len(_newline(text)) :]
    if last:
        start = len(text[:start].rstrip(" "))
    else:
        end += len(text[end:]) - len(text[end:].lstrip(" "))
    return text[:start] + text[end:]


def _start_of(entry: Entry, text: str) -> int:
    """Return where the entry begins: at its key, its item, or the dash before that."""
    if entry.key is not None:
        return entry.key.start
    value = entry.value
    dash = re.search(r"-\s*\Z", text[: value.start])
    return dash.start() if dash else value.start


def _step(root: Node, text: str) -> int:
    """Return how many columns the file indents one level by."""
    for entry in root.entries:
        inner = entry.value
        if inner.kind == "mapping" and not inner.flow and inner.entries and inner.entries[0].key:
            at = inner.entries[0].key.start
            return max(1, at - line_start(text, at))
    return 2


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
