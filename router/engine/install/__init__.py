"""Installing a llama-server into hal0's data folder, without root and without touching the system."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Literal

from router.base.errors import InstallFailed
from router.base.paths import Paths
from router.engine.install.debian import available as has_debian_tools
from router.engine.install.debian import install_debian
from router.engine.install.progress import InstallProgress, OnProgress
from router.engine.install.pypi import install_pypi
from router.engine.install.release import GITHUB, install_release
from router.engine.install.work import in_thread
from router.engine.probe import EngineBuild, EngineSource, NotAnEngine, probe
from router.engine.store import Locked, engines_folder, locked, remove_partials

__all__ = ["InstallProgress", "InstallSource", "OnProgress", "install_engine"]

InstallSource = Literal["auto", "release", "debian", "pypi"]
_Installer = Callable[[Path, OnProgress], Awaitable[Path]]
_LABELS = {"release": "llama.cpp's releases", "debian": "Debian", "pypi": "PyPI"}


async def install_engine(
    paths: Paths,
    *,
    source: InstallSource = "auto",
    on_progress: OnProgress,
    release_api: str = GITHUB,
) -> EngineBuild:
    """Install a llama-server and prefer it from now on. Raises InstallFailed.

    `auto` tries llama.cpp's releases, then Debian's packages where apt is, then building from PyPI. Whether it
    fails, is cancelled or the process is killed, no half-made engine can be found afterwards. `on_progress` is
    called on the running loop.
    """
    engines = engines_folder(paths.data)
    installers: dict[str, _Installer] = {
        "release": partial(install_release, api=release_api),
        "debian": install_debian,
        "pypi": install_pypi,
    }
    async with _exclusive(engines):
        if source != "auto":
            return await _attempt(installers[source], engines, on_progress)
        reasons = []
        for name, installer in installers.items():
            if name == "debian" and not await in_thread(has_debian_tools):
                continue
            try:
                return await _attempt(installer, engines, on_progress)
            except InstallFailed as error:
                reasons.append(f"{_LABELS[name]}: {error.message}")
    raise InstallFailed(f"No llama-server could be installed. {' '.join(reasons)}")


async def _attempt(installer: _Installer, engines: Path, on_progress: OnProgress) -> EngineBuild:
    try:
        server = await installer(engines, on_progress)
        version = await in_thread(probe, [server])
    except NotAnEngine as error:
        raise InstallFailed(f"The installed llama-server does not run: {error}.") from error
    except (OSError, shutil.Error) as error:
        raise InstallFailed(f"Writing to {engines} failed: {error}.") from error
    finally:
        await in_thread(remove_partials, engines)
    return EngineBuild(server, EngineSource.DATA, version.text, version.build)


@asynccontextmanager
async def _exclusive(engines: Path) -> AsyncIterator[None]:
    with ExitStack() as stack:
        try:
            await in_thread(stack.enter_context, locked(engines))
        except Locked:
            raise InstallFailed(
                "Another hal0 is installing an engine right now; wait for it to finish."
            ) from None
        except OSError as error:
            raise InstallFailed(f"hal0 cannot write to {engines}: {error.strerror}.") from error
        await in_thread(remove_partials, engines)
        yield
