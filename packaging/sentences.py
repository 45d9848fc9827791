"""Lists every sentence that hal0 says in its window, its tray and a terminal, to be read once as a whole.

    .venv/bin/python packaging/sentences.py [WORD…]

One line for each, below the file it stands in; with words, only lines that hold them all. Taken from the
sources: texts with two words or more that are no docstring, no line of a log and no pattern; what is filled in
shows as {…}.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("app", "router")
# Calls whose texts are not for people: log lines, patterns, names of tasks, programs and threads.
_SILENT = {"debug", "info", "warning", "error", "exception", "compile", "fullmatch", "match", "sub", "spawn"}
_SILENT |= {"Template", "TypeVar", "getLogger", "run_tool", "assert_never", "AssertionError", "fromisoformat"}
_WORDS = re.compile(r"[A-Za-z’']{2,}[^A-Za-z]{0,3} [^A-Za-z]{0,3}[A-Za-z{’']{1,}")


def main() -> int:
    wanted = [word.casefold() for word in sys.argv[1:]]
    for folder in FOLDERS:
        for file in sorted((ROOT / folder).rglob("*.py")):
            lines = [line for line in sentences(file) if all(word in line.casefold() for word in wanted)]
            if lines:
                print(f"\n{file.relative_to(ROOT)}")
                print("\n".join(f"  {line}" for line in lines))
    return 0


def sentences(file: Path) -> list[str]:
    """Return each text of a source that a person may read, once, in its order."""
    tree = ast.parse(file.read_text("utf-8"))
    return list(dict.fromkeys(text for text in _texts(tree) if _WORDS.search(text)))


def _texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and _name(node.func) in _SILENT:
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield " ".join(node.value.split())
        return
    if isinstance(node, ast.JoinedStr):
        yield " ".join("".join(_part(part) for part in node.values).split())
        return
    if isinstance(node, (ast.Assert, ast.ImportFrom)):
        return
    docstring = _docstring(node)
    for child in ast.iter_child_nodes(node):
        if child is not docstring and not _is_annotation(node, child):
            yield from _texts(child)


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    return "{" + (ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else "…") + "}"


def _docstring(node: ast.AST) -> ast.AST | None:
    """Return the text that only says what a module, class, function or attribute is."""
    body = getattr(node, "body", None)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
        return body[0] if isinstance(body[0].value, ast.Constant) else None
    return None


def _is_annotation(node: ast.AST, child: ast.AST) -> bool:
    return child in (getattr(node, "annotation", None), getattr(node, "returns", None))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


if __name__ == "__main__":
    sys.exit(main())
