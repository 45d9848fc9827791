"""Each line of each published file came over, needs no key, or is named as lost with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from router.base.paths import Paths
from router.imports.found import Origin
from router.imports.merge import Merged, merge
from router.imports.read import read_settings
from tests.router.imports.test_import import ALL

PUBLISHED = [path for path in ALL if path.name.startswith("llama-swap-")]
VARIABLES = {"HOME": "/home/ada"}
_OPTION = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")
_MACRO = re.compile(r"\$\{([\w-]+)\}")


def test_there_are_twelve_of_llama_swap_at_least() -> None:
    assert len(PUBLISHED) >= 12


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_every_line_is_kept_mapped_or_named_as_lost(path: Path, tmp_path: Path) -> None:
    paths = Paths(tmp_path / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))
    found = read_settings(path.read_bytes(), Origin(path, VARIABLES))
    merged = merge("", paths.config_file, found, paths)
    told = {item.line for item in merged.kept} | {item.line for item in merged.left_out}
    assert all(item.reason for item in merged.left_out)
    lines = path.read_text().splitlines()
    lost = [f"{number}: {lines[number - 1]}" for number in said_in(path, merged) if number not in told]
    assert lost == [], "nobody says what became of these"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_what_is_said_to_have_come_over_is_there(path: Path, tmp_path: Path) -> None:
    """A place in hal0.yaml that is named for a line holds something."""
    paths = Paths(tmp_path / "hal0.yaml", *(tmp_path / name for name in ("data", "state", "logs", "cache")))
    found = read_settings(path.read_bytes(), Origin(path, VARIABLES))
    merged = merge("", paths.config_file, found, paths)
    document = yaml.safe_load(merged.text)
    for item in merged.kept:
        section, dot, rest = item.place.partition(".")
        if not dot or section not in ("models", "slots", "upstreams") or " " in item.place:
            continue
        entry = next((name for name in document[section] if rest == name or rest.startswith(f"{name}.")), None)
        assert entry is not None, item
        key = rest.removeprefix(entry).lstrip(".").partition(".")[0]
        whole = document[section][entry]
        usual = (
            "display_name",
            "aliases",
            "listed",
            "kind",
            "idle_unload",
            "limit",
            "metadata",
            "capabilities",
        )
        assert not key or key in whole or key in usual, item


def said_in(path: Path, merged: Merged) -> Iterator[int]:
    """The numbers of all lines that say something, whatever the kind of file."""
    if path.suffix == ".yaml":
        root = yaml.compose(path.read_text())
        assert isinstance(root, MappingNode)
        left = {item.line for item in merged.left_out}
        yield from sorted(set(_in_yaml(root, path.read_text().splitlines(), left, "")))
        return
    block = False
    for number, line in enumerate(path.read_text().splitlines(), 1):
        text = line.strip()
        if path.suffix == ".json":
            if '"key"' in text or '"preset"' in text:
                yield number
            continue
        within, block = block, block ^ (text.count('"""') == 1)
        if text and text[0] not in "#;" and not within and text != "version = 1":
            yield number


def _in_yaml(node: Node, lines: list[str], left: set[int], path: str) -> Iterator[int]:
    """What is within something that was left out as a whole went with it."""
    if isinstance(node, MappingNode):
        for key, value in node.value:
            number, here = key.start_mark.line + 1, f"{path}.{key.value}"
            if number in left or key.value == "<<" or key.value.startswith("x-"):
                continue
            if isinstance(value, ScalarNode):
                yield from _in_command(value, lines, number) if key.value == "cmd" else (number,)
            else:
                yield from _in_yaml(value, lines, left, here)
    elif isinstance(node, SequenceNode):
        for item in node.value:
            if isinstance(item, ScalarNode):
                yield item.start_mark.line + 1
            else:
                yield from _in_yaml(item, lines, left, path)


def _in_command(value: ScalarNode, lines: list[str], number: int) -> Iterator[int]:
    """The lines of a command with an option of llama-server's in it; of another program's, its first."""
    first, last = value.start_mark.line + 1, value.end_mark.line + (value.style is None)
    yield number
    if "llama-server" not in value.value and "${llama" not in value.value and "server}" not in value.value:
        return
    after = value.value.partition("llama.cpp:")[2] or value.value.partition("llama-swap:cuda")[2]
    for place in range(first, max(first + 1, last) + 1):
        text = lines[place - 1].strip() if place <= len(lines) else ""
        if text and text[0] != "#" and _OPTION.match(text) and (not after or text in after):
            yield place
