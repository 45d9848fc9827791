"""Debian's llama.cpp, unpacked into a folder of its own: no root, nothing installed on the system.

The packages come from sid (then testing), so they need a newer C library than this computer may have; they
bring their own, and patchelf makes them use it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from router.base.errors import InstallFailed
from router.engine.install.apt import acquire_settings, private_apt
from router.engine.install.apt_sources import debian_mirrors, read
from router.engine.install.elf import PatchElf, closure, find_patchelf
from router.engine.install.progress import InstallProgress, OnProgress
from router.engine.install.publish import need_space, publish, reuse
from router.engine.install.work import in_thread, run_tool
from router.engine.probe import EngineVersion, NotAnEngine, probe
from router.engine.store import SERVER_NAME, new_partial

SUITES = ("sid", "testing")
# llama-server and every shared library it needs that Debian 12 lacks or has too old. libz and libzstd are left
# to the computer: dpkg itself needs them. Whether the list is still complete is proven by starting the result.
PACKAGES = (
    "llama.cpp-tools",
    "libllama0",
    "libggml0",
    "libc6",
    "libgcc-s1",
    "libgomp1",
    "libssl3t64",
    "libstdc++6",
)
_SPACE = 300_000_000  # bytes: package lists, packages, unpacked, arranged


def available() -> bool:
    """Return whether this computer has the tools: Debian and what descends from it."""
    return all(shutil.which(tool) for tool in ("apt-get", "apt-config", "dpkg", "dpkg-deb"))


async def install_debian(engines: Path, on_progress: OnProgress) -> Path:
    """Install from the first suite that works; returns the executable. Raises InstallFailed."""
    if not await in_thread(available):
        raise InstallFailed("This computer has no apt-get and dpkg.")
    mirrors = debian_mirrors(await in_thread(read))
    if not mirrors:
        raise InstallFailed("This computer's apt sources name no Debian mirror.")
    patchelf = await in_thread(find_patchelf)
    reasons = []
    for suite in SUITES:
        try:
            return await _install_suite(engines, mirrors[0], suite, patchelf, on_progress)
        except InstallFailed as error:
            reasons.append(f"{suite}: {error.message}")
    raise InstallFailed(" ".join(reasons))


async def _install_suite(
    engines: Path, mirror: str, suite: str, patchelf: PatchElf, on_progress: OnProgress
) -> Path:
    work = await in_thread(new_partial, engines)
    await in_thread(need_space, work, _SPACE)
    on_progress(InstallProgress(f"Downloading llama.cpp from Debian {suite}"))
    debs = await _download(work, mirror, suite)
    on_progress(InstallProgress("Unpacking"))
    root = work / "root"
    for deb in debs:
        await run_tool(["dpkg-deb", "--extract", deb, root], cwd=work)
    partial = await in_thread(new_partial, engines)
    version = await in_thread(_arrange, root, partial, patchelf)
    final = engines / f"debian-{version.build or version.text.split()[0]}"
    if (existing := await reuse(final)) is not None:
        return existing
    await in_thread(_point_to_loader, partial, final, patchelf)
    return await publish(partial, final, on_progress)


async def _download(work: Path, mirror: str, suite: str) -> list[Path]:
    architecture = (await run_tool(["dpkg", "--print-architecture"], cwd=work)).strip()
    dump = await run_tool(["apt-config", "dump"], cwd=work)
    apt = await in_thread(
        private_apt,
        work / "apt",
        mirror=mirror,
        suite=suite,
        architecture=architecture,
        settings=acquire_settings(dump),
    )
    target = work / "debs"
    await in_thread(target.mkdir)
    await apt.download(PACKAGES, target)
    return await in_thread(lambda: sorted(target.glob("*.deb")))


def _arrange(root: Path, partial: Path, patchelf: PatchElf) -> EngineVersion:
    """Lay out `bin/` and `lib/` and start the result through its own loader, as its interpreter is not set yet.

    The backends are loaded by name from the folder of the executable, so they lie in `bin/`.
    """
    library_folder = _library_folder(root)
    backends = sorted((library_folder / "ggml").glob("backends*/*.so"))
    server = root / "usr" / "bin" / SERVER_NAME
    if not server.is_file() or not backends:
        raise InstallFailed("Debian's packages are laid out in a way that this hal0 does not know.")
    libraries = {f.name: f for f in [*library_folder.glob("*.so*"), *library_folder.glob("llama/*.so*")]}
    needed = closure(patchelf, [server, *backends], libraries)
    for folder, files in (("bin", {f.name: f for f in [server, *backends]}), ("lib", needed)):
        (partial / folder).mkdir(mode=0o700)
        for name, file in files.items():
            shutil.copy2(file, partial / folder / name)
    patchelf.set_rpath(partial / "bin" / SERVER_NAME, "$ORIGIN/../lib")
    for name in needed:
        # A library's own RUNPATH (/usr/lib/...) would hide the executable's; those without one follow it.
        if patchelf.rpath(partial / "lib" / name):
            patchelf.set_rpath(partial / "lib" / name, "$ORIGIN")
    try:
        return probe([_loader(partial, patchelf), partial / "bin" / SERVER_NAME])
    except NotAnEngine as error:
        raise InstallFailed(f"Debian's llama-server does not run here: {error}.") from error


def _library_folder(root: Path) -> Path:
    folder = next((f.parent for f in (root / "usr" / "lib").glob("*/libllama.so.*")), None)
    if folder is None:
        raise InstallFailed("Debian's packages have no libllama in them.")
    return folder


def _loader(folder: Path, patchelf: PatchElf) -> Path:
    return folder / "lib" / Path(patchelf.interpreter(folder / "bin" / SERVER_NAME)).name


def _point_to_loader(partial: Path, final: Path, patchelf: PatchElf) -> None:
    name = _loader(partial, patchelf).name
    patchelf.set_interpreter(partial / "bin" / SERVER_NAME, final / "lib" / name)
