"""Which llama-server runs: the one the person named, else the first that works.

Order: engine.llama_server in hal0.yaml, $HAL0_LLAMA_SERVER, the one of hal0's own installs that was chosen with
`hal0 engine use`, PATH, hal0's other installs, the one shipped with the app. What a setting names must work;
the others are passed over if they do not. Everything here blocks.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from router.base.errors import EngineMissing
from router.base.paths import Paths
from router.config.schema import EngineConfig
from router.engine.probe import EngineBuild, EngineSource, EngineVersion, NotAnEngine, probe
from router.engine.store import SERVER_NAME, chosen_server, engines_folder, installed_servers, sweep

__all__ = [
    "ENV",
    "EngineBuild",
    "EngineProblem",
    "EngineSource",
    "engine_problem",
    "find_engine",
    "list_engines",
]

ENV = "HAL0_LLAMA_SERVER"
_NONE = "No llama-server was found. Run `hal0 engine install`, or set engine.llama_server in hal0.yaml."
_SETTINGS = {EngineSource.CONFIG: "engine.llama_server in hal0.yaml", EngineSource.ENV: ENV}


def find_engine(engine: EngineConfig, paths: Paths) -> EngineBuild:
    """Return the llama-server to use. Raises EngineMissing: none found, or a named one does not run."""
    for path, source in _candidates(engine, paths):
        try:
            return _look_at(path, source)
        except NotAnEngine as error:
            if source in _SETTINGS:
                raise EngineMissing(
                    f"{_SETTINGS[source]} names {path}, which does not run ({error}); "
                    "correct the path, or remove the setting."
                ) from error
    raise EngineMissing(_NONE)


@dataclass(frozen=True, slots=True)
class EngineProblem:
    """Why no llama-server runs, as one sentence. `installable`: one that hal0 installs would be used."""

    sentence: str
    installable: bool


def engine_problem(engine: EngineConfig, paths: Paths) -> EngineProblem | None:
    """Return what keeps llama-server from running; None where one can be run."""
    try:
        find_engine(engine, paths)
    except EngineMissing as error:
        named = engine.llama_server is not None or bool(os.environ.get(ENV))
        return EngineProblem(error.message, installable=not named)
    return None


def list_engines(engine: EngineConfig, paths: Paths) -> list[EngineBuild]:
    """Return every llama-server that runs, most preferred first."""
    found = []
    for path, source in _candidates(engine, paths):
        try:
            found.append(_look_at(path, source))
        except NotAnEngine:
            continue
    return found


def _candidates(engine: EngineConfig, paths: Paths) -> Iterator[tuple[Path, EngineSource]]:
    if engine.llama_server is not None:
        yield engine.llama_server, EngineSource.CONFIG
    if from_env := os.environ.get(ENV):
        yield Path(os.path.expanduser(from_env)), EngineSource.ENV  # noqa: PTH111 - never raises
    engines = engines_folder(paths.data)
    sweep(engines)
    if (chosen := chosen_server(engines)) is not None:
        yield chosen, EngineSource.DATA
    if on_path := shutil.which(SERVER_NAME):
        yield Path(on_path), EngineSource.PATH
    for path in installed_servers(engines):
        if path != chosen:
            yield path, EngineSource.DATA
    if (bundled := bundled_engine()) is not None:
        yield bundled, EngineSource.BUNDLED


def bundled_engine() -> Path | None:
    """Return the llama-server PyInstaller packed in (see packaging/), if this is such a bundle and it has
    one."""
    if not getattr(sys, "frozen", False):
        return None
    roots = [Path(sys.executable).parent, Path(getattr(sys, "_MEIPASS", sys.prefix))]
    servers = [root / "engine" / SERVER_NAME for root in roots]
    return next((path for path in servers if path.is_file()), None)


_known: dict[tuple[Path, int, int], EngineVersion] = {}


def _look_at(path: Path, source: EngineSource) -> EngineBuild:
    """Probe a file once per version of it: a switch must not wait for that (10 ms)."""
    try:
        status = path.stat()
    except OSError as error:
        raise NotAnEngine(error.strerror or str(error)) from error
    key = (path, status.st_mtime_ns, status.st_size)
    version = _known.get(key) or _known.setdefault(key, probe([path]))
    return EngineBuild(path, source, version.text, version.build)
