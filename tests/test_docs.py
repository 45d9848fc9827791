"""The documents say what the code does."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import fields
from pathlib import Path

import router
from router.base.errors import RouterError
from router.config.meanings import MEANINGS
from router.config.schema import (
    ActivityConfig,
    EngineConfig,
    LimitsConfig,
    MemoryConfig,
    ModelConfig,
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
    sections = (ServerConfig, EngineConfig, ModelConfig, SlotConfig, LimitsConfig, MemoryConfig, UpstreamConfig)
    sections = (*sections, ActivityConfig)
    for section in sections:
        assert set(MEANINGS[section]) == {field.name for field in fields(section)} - {"id", "name"}
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
