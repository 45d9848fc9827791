"""JSON values -> YAML text that `router.config.yaml_lines` reads back as the same values."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from yaml.nodes import ScalarNode, SequenceNode

from router.config.problems import ProblemList
from router.config.yaml_text import compose

MAX_FLOW: Final = 100
"""Columns up to which a mapping is written on one line."""

# What needs no quotes in a list or mapping; the reader decides whether it is a text at all.
_PLAIN: Final = re.compile(r"[\w./~+-]([\w./~+=@%:()-]| (?=\w))*(?<![:\s])")
_ESCAPED: Final = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def flow(value: Any, style: str | None = None) -> str:
    """Return `value` on one line. `style`: the quotes a text should have if it can. Raises ValueError."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key_text(str(key))}: {flow(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(flow(item) for item in value)}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _text(value, style)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        # JSON knows one kind of number; 300.0 seconds are 300 in a file for people.
        whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e15
        return repr(int(value) if whole else value)
    raise ValueError("only text, numbers, true, false, lists and mappings can be written")


def block(name: str, value: Any, column: int, step: int, *, compact: bool) -> list[str]:
    """Return the lines of `name: value` at `column`. `compact`: a mapping that fits may go on one line."""
    indent, key = " " * column, key_text(name)
    line = f"{indent}{key}: {flow(value)}"
    if not isinstance(value, Mapping) or not value:
        return [line]
    simple = not any(isinstance(item, Mapping) for item in value.values())
    if compact and simple and column > 0 and len(line) <= MAX_FLOW:
        return [line]
    inner = (block(str(k), item, column + step, step, compact=True) for k, item in value.items())
    return [f"{indent}{key}:", *(line for lines in inner for line in lines)]


def key_text(name: str) -> str:
    """Return a key as it is written: keys are names whatever they look like, so `on` and `27` need no
    quotes."""
    return name if _PLAIN.fullmatch(name) and not name.startswith(("-", "~")) else _double(name)


def _text(text: str, style: str | None) -> str:
    if style == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return text if style != '"' and _is_plain(text) else _double(text)


def _is_plain(text: str) -> bool:
    if not (text.isprintable() and _PLAIN.fullmatch(text)):
        return False
    problems = ProblemList(Path("value"))
    node = compose(f"[{text}]", problems)
    if not isinstance(node, SequenceNode) or len(node.value) != 1 or problems.found:
        return False
    item = node.value[0]
    return isinstance(item, ScalarNode) and item.tag.endswith(":str") and item.value == text


def _double(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found.group()):04x}", quoted)
