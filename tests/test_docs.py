"""The documents say what the code does."""

from __future__ import annotations

import importlib
import pkgutil
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

import router
from router.base.errors import RouterError
from router.config.keys import keys_of
from router.config.schema import (
    ActivityConfig,
    ConversationsConfig,
    EngineConfig,
    LimitsConfig,
    MemoryConfig,
    ModelConfig,
    ReadAheadConfig,
    ServerConfig,
    SlotConfig,
    UpstreamConfig,
)
from router.server.middleware import MAX_BODY

ROOT = Path(__file__).resolve().parent.parent


def all_errors(base: type[RouterError] = RouterError) -> set[type[RouterError]]:
    return {base}.union(*(all_errors(kind) for kind in base.__subclasses__()))


def test_every_error_code_is_documented_with_its_status() -> None:
    for module in pkgutil.walk_packages(router.__path__, "router."):
        if "platforms" not in module.name:
            importlib.import_module(module.name)
    ours = {(kind.status, kind.code) for kind in all_errors() if kind.__module__.startswith("router")}
    text = (ROOT / "docs" / "api.md").read_text()
    documented = {(int(s), c) for s, c in re.findall(r"^\| (\d{3}) \| `([\w.]+)` \|", text, re.MULTILINE)}
    assert documented == ours
    assert f"{MAX_BODY // 2**20} MiB" in text


def test_every_config_key_has_a_meaning_and_stands_in_the_manual() -> None:
    text = (ROOT / "docs" / "configuration.md").read_text()
    sections = (ServerConfig, EngineConfig, ModelConfig, SlotConfig, LimitsConfig, MemoryConfig)
    sections += (ActivityConfig, ConversationsConfig, ReadAheadConfig, UpstreamConfig)
    for section in sections:
        assert set(keys_of(section)) == {field.name for field in fields(section)} - {"id", "name", "named_keys"}
        assert f"<!-- generated: keys {section.__name__} -->" in text


def test_every_file_the_documents_point_at_exists() -> None:
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} points at {target}"


def test_every_source_file_architecture_names_exists() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    for name in re.findall(r"`((?:router|app|tests|resources)/[\w/.]+)`", text):
        assert (ROOT / name).exists(), name


def test_sources_cite_nothing_that_is_not_here() -> None:
    """Whoever reads them has this repository only."""
    for folder in ("app", "router", "resources", "docs"):
        for file in [*(ROOT / folder).rglob("*.py"), *(ROOT / folder).rglob("*.md")]:
            for name in re.findall(r"\b[A-Z]{3,}\.md\b", text := file.read_text()):
                assert (ROOT / name).exists(), f"{file.relative_to(ROOT)} cites {name}"
            assert not re.search(r"\b[Ss]eeds? \d{3}\b", text), file


def layers(contract: str) -> list[str]:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return next(list(c["layers"]) for c in contracts if c["name"] == contract)


@pytest.mark.parametrize("top", ["router", "app"])
def test_architecture_shows_the_import_chain_that_is_checked(top: str) -> None:
    block = re.search(r"```\n(router  .*?)```", (ROOT / "ARCHITECTURE.md").read_text(), re.DOTALL)
    assert block is not None
    chains = {line[0]: line for line in (chain.split() for chain in re.split(r"\n(?=\w)", block[1]))}
    assert " ".join(chains[top][1:]).split(" → ") == layers(f"the packages of {top}")


@pytest.mark.parametrize("top", ["router", "app"])
def test_architecture_has_a_row_for_every_package(top: str) -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    table = text[text.index(f"| package of `{top}/` |") :].partition("\n\n")[0]
    rows = {name.rstrip("/") for name in re.findall(r"`([\w/]+)`", table)}
    rooms = {room for layer in layers(f"the packages of {top}") for room in layer.split(" | ")} - {"__main__"}
    assert rooms - rows == set()


def test_make_map_tells_something_of_every_file() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "packaging" / "map.py"], capture_output=True, text=True, encoding="utf-8"
    )
    assert "router/slots/  Slots at run time" in done.stdout, done.stderr
    assert [line for line in done.stdout.splitlines() if line and line[-1] not in ".?!/"] == []
