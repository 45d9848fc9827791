"""Several llama-servers side by side: which one the next start takes, the way back, removing one. Blocking.

Engines that run are not touched: a slot keeps its own until it is switched.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from router.base.errors import EngineMissing, InstallFailed
from router.base.paths import Paths
from router.config.problems import did_you_mean
from router.config.schema import EngineConfig
from router.engine.find import EngineBuild, EngineSource, find_engine, list_engines
from router.engine.store import Locked, aside, choose, engines_folder, locked, previous_folder, server_in

AUTO = "auto"


def use_engine(version: str, engine: EngineConfig, paths: Paths) -> EngineBuild:
    """Prefer an installed llama-server, named by its folder, build or version; "auto": the newest again.

    Returns the one that the next start takes, which is another if hal0.yaml or the environment names one.
    Raises InstallFailed, EngineMissing.
    """
    engines = engines_folder(paths.data)
    with _changing(engines):
        choose(engines, None if version == AUTO else _named(version, engine, paths).name)
    return find_engine(engine, paths)


def roll_back(engine: EngineConfig, paths: Paths) -> EngineBuild:
    """Prefer the install that counted before the last change; twice undoes it. Raises as `use_engine`."""
    engines = engines_folder(paths.data)
    with _changing(engines):
        previous = previous_folder(engines)
        if previous is None:
            raise InstallFailed(
                "There is no earlier llama-server to go back to; `hal0 engine list` shows them all."
            )
        choose(engines, previous.name)
    return find_engine(engine, paths)


def remove_engine(version: str, engine: EngineConfig, paths: Paths) -> Path:
    """Remove an installed llama-server that is neither in use nor running; returns where it was.

    Raises InstallFailed.
    """
    engines = engines_folder(paths.data)
    with _changing(engines):
        folder = _named(version, engine, paths)
        if find_engine(engine, paths).path == server_in(folder):
            raise InstallFailed(
                f"{folder.name} is the llama-server in use: choose another with `hal0 engine use`, then remove "
                "it."
            )
        if _runs(folder):
            raise InstallFailed(
                f"{folder.name} serves a slot right now: switch or unload that, then remove it."
            )
        gone = aside(folder)
        folder.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    return folder


def folder_of(build: EngineBuild) -> str | None:
    """Return what an install of hal0's own is called; None for any other."""
    return build.path.parents[1].name if build.source is EngineSource.DATA else None


def _named(version: str, engine: EngineConfig, paths: Paths) -> Path:
    """Return the folder of the install that `version` means."""
    engines = engines_folder(paths.data)
    ours = {name: build for build in list_engines(engine, paths) if (name := folder_of(build)) is not None}
    if version in ours:
        return engines / version
    wanted = version.removeprefix("b")
    found = [name for name, b in ours.items() if wanted in (str(b.build), b.version, b.version.split(" ")[0])]
    if len(found) == 1:
        return engines / found[0]
    listed = ", ".join(found or ours) or "none: `hal0 engine install` fetches one"
    if found:
        raise InstallFailed(f"{version} means several installs; name one of: {listed}.")
    hint = did_you_mean(version, ours)
    raise InstallFailed(f"hal0 has installed no llama-server {version}; there are: {listed}.{hint}")


def _runs(folder: Path) -> bool:
    for process in psutil.process_iter(["exe", "cmdline"]):
        words = [process.info["exe"] or "", *(process.info["cmdline"] or ())[:3]]
        if any(word and Path(word).is_relative_to(folder) for word in words):
            return True
    return False


@contextmanager
def _changing(engines: Path) -> Iterator[None]:
    try:
        with locked(engines):
            yield
    except Locked:
        raise InstallFailed("Another hal0 is installing an engine right now; wait for it to finish.") from None
    except EngineMissing:
        raise
    except OSError as error:
        raise InstallFailed(f"hal0 cannot change {engines}: {error.strerror}.") from error
