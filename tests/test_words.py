"""The glossary is alive: the sources use every word of it, and none of those it replaced."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [file for folder in ("router", "app") for file in sorted((ROOT / folder).rglob("*.py"))]
GLOSSARY = (ROOT / "GLOSSARY.md").read_text()

REPLACED = frozenset(
    ("claimed", "daemon", "elsewhere", "leftovers", "pace", "passed_on", "place", "plain", "rooms", "seats")
) | {"shelf", "shelved", "telling"}
"""Modules and classes once had these names, which do not say what is in them."""


def glossary() -> list[str]:
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", GLOSSARY, re.MULTILINE)
    return [word for row in rows if row != "word" for word in row.split(", ")]


def parts(identifier: str) -> list[str]:
    """`StateStore` → state, store; plurals as their singulars besides."""
    found = [part.lower() for part in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", identifier)]
    return found + [re.sub(r"ies$", "y", part).removesuffix("s") for part in found]


def defined(file: Path) -> Iterator[str]:
    """The names of the module, of its classes and functions, and of their attributes."""
    yield file.stem
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name


def test_the_sources_use_every_word_of_the_glossary() -> None:
    words = glossary()
    used = {part for file in SOURCES for name in defined(file) for part in parts(name)}
    assert len(words) > 50
    assert [word for word in words if word not in used] == []


def test_architecture_points_at_it() -> None:
    assert "[GLOSSARY.md](GLOSSARY.md)" in (ROOT / "ARCHITECTURE.md").read_text()


def test_each_word_has_one_row() -> None:
    words = glossary()
    assert len(words) == len(set(words))


def test_no_module_or_class_has_a_name_that_was_replaced() -> None:
    for file in SOURCES:
        classes = [n.name for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.ClassDef)]
        names = {name.strip("_").lower() for name in (file.stem, *classes)}
        assert not names & REPLACED, file
