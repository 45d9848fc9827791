"""The last step of every install: a finished folder gets its name, and is proven to run there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from router.base.errors import InstallFailed
from router.config.sizes import file_size
from router.engine.install.progress import InstallProgress, OnProgress
from router.engine.install.work import in_thread
from router.engine.probe import NotAnEngine, probe
from router.engine.store import CURRENT, aside, remember, server_in


def need_space(folder: Path, size: int) -> None:
    """Raise InstallFailed unless the volume of `folder` has `size` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < size:
        raise InstallFailed(
            f"The disk with {folder} has {file_size(free)} free, but {file_size(size)} are needed; "
            "make room and try again."
        )


async def reuse(final: Path) -> Path | None:
    """Return the engine already installed at `final`, if it runs. It becomes the preferred one."""
    return await in_thread(_reuse, final)


async def publish(partial: Path, final: Path, on_progress: OnProgress) -> Path:
    """Rename `partial` to `final` and return its executable. Raises InstallFailed if it does not run there.

    An ELF interpreter is an absolute path, so only the last place can prove that an engine starts.
    """
    on_progress(InstallProgress("Checking that it starts"))
    return await in_thread(_publish, partial, final)


def _reuse(final: Path) -> Path | None:
    server = server_in(final)
    if not server.is_file():
        return None
    try:
        probe([server])
    except NotAnEngine:
        return None
    remember(final.parent, final.name)
    _prefer(final)
    return server


def _publish(partial: Path, final: Path) -> Path:
    remember(final.parent, final.name)
    if final.exists():
        final.rename(aside(final))
    partial.rename(final)
    try:
        probe([server_in(final)])
    except NotAnEngine as error:
        final.rename(partial)
        raise InstallFailed(f"The installed llama-server does not run here: {error}.") from error
    _prefer(final)
    return server_in(final)


def _prefer(final: Path) -> None:
    # What was installed last is what the person wants, also after an earlier choice.
    os.utime(final)
    (final.parent / CURRENT).unlink(missing_ok=True)
