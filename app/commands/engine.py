"""`hal0 engine install | list | path | use | rollback | remove`."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Literal

from app.bootstrap import read_config
from app.commands.progress import ProgressLine
from router.base.errors import EngineMissing
from router.config.schema import EngineConfig
from router.engine.find import ENV, EngineBuild, EngineSource, find_engine, list_engines
from router.engine.install import InstallProgress, install_engine
from router.engine.versions import folder_of, remove_engine, roll_back, use_engine


def install(config_file: Path | None, source: Literal["auto", "release", "debian", "pypi"]) -> int:
    """Fetch a llama-server into hal0's own folder, with a progress line."""
    _config, paths = read_config(config_file)
    paths.create()
    line = ProgressLine()

    def on_progress(progress: InstallProgress) -> None:
        done, total = progress.done_bytes, progress.total_bytes
        line.show(progress.step, done / total if done is not None and total else None)

    try:
        build = asyncio.run(install_engine(paths, source=source, on_progress=on_progress))
    finally:
        line.clear()
    print(f"Installed llama-server {build.version}: {build.path}")
    return 0


def list_all(config_file: Path | None, *, as_json: bool = False) -> int:
    """Print every engine found, the one in use marked."""
    config, paths = read_config(config_file)
    try:
        used = find_engine(config.engine, paths).path
    except EngineMissing as error:
        print(f"hal0: {error.message}", file=sys.stderr)
        return 1
    builds = list_engines(config.engine, paths)
    if as_json:
        print(json.dumps([{**_document(build), "in_use": build.path == used} for build in builds]))
        return 0
    for build in builds:
        print(f"{'*' if build.path == used else ' '} {build.source:8} {build.version:24} {build.path}")
    return 0


def use(config_file: Path | None, version: str) -> int:
    """Prefer an installed engine from now on."""
    config, paths = read_config(config_file)
    paths.create()
    _say(use_engine(version, config.engine, paths), config.engine, version)
    return 0


def rollback(config_file: Path | None) -> int:
    """Go back to the engine that counted before the last install or `use`."""
    config, paths = read_config(config_file)
    _say(roll_back(config.engine, paths), config.engine, None)
    return 0


def remove(config_file: Path | None, version: str) -> int:
    """Remove an installed engine that nothing uses."""
    config, paths = read_config(config_file)
    print(f"Removed {remove_engine(version, config.engine, paths)}.")
    return 0


def _say(build: EngineBuild, engine: EngineConfig, asked: str | None) -> None:
    print(f"In use: {folder_of(build) or build.source}, llama-server {build.version}: {build.path}")
    if build.source in (EngineSource.CONFIG, EngineSource.ENV):
        named = "engine.llama_server in hal0.yaml" if engine.llama_server else ENV
        print(f"{named} names it, and goes before {asked or 'that choice'}.")
        return
    print("A slot that is loaded takes it at its next switch.")


def print_path(config_file: Path | None, *, as_json: bool = False) -> int:
    """Print where the one in use is."""
    config, paths = read_config(config_file)
    build = find_engine(config.engine, paths)
    print(json.dumps(_document(build)) if as_json else build.path)
    return 0


def _document(build: EngineBuild) -> dict[str, object]:
    return {
        "path": str(build.path),
        "source": build.source.value,
        "version": build.version,
        "build": build.build,
    }
