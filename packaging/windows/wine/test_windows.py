"""`make test-windows`: the tests under Wine, with a Windows Python, Windows' Qt and a llama-server.exe.

Usage: python packaging/windows/wine/test_windows.py [--optional] [--only-prepare] [pytest's arguments]

What it needs is made once, in `hal0-windows-tests` in the user's cache folder (some 4 GB), and used again until
its pins change. Where that cannot be, it says why and fails, or with --optional goes on without.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import debian as debian_folder
import engine_build
import platformdirs
import python_env
import test_programs
import wine_gaps

# What has been gone through; the rest of the tests is not looked at on Windows yet.
APP = (
    "tab_pictures",  # first: a new palette takes Wine minutes where hundreds of tests have left windows behind
    *("actions", "autostart", "cli", "first_run", "first_run_page", "journal", "layout", "models_tab"),
    *("settings_tab", "streams"),
)
E2E = ("first_light", "starts", "windows")
SUITE = (
    *(f"tests/app/test_{name}.py" for name in APP),
    *("tests/router", "tests/test_not_on_windows.py"),
    *(f"tests/e2e/test_{name}.py" for name in E2E),
)


def main() -> int:
    arguments = sys.argv[1:]
    optional, only_prepare = "--optional" in arguments, "--only-prepare" in arguments
    arguments = [word for word in arguments if word not in ("--optional", "--only-prepare")]
    cache = Path(platformdirs.user_cache_dir("hal0-windows-tests", appauthor=False))
    with debian_folder.alone(cache):
        try:
            system = prepare(cache)
        except (RuntimeError, OSError) as problem:
            print(f"windows: not tested: {problem}", file=sys.stderr, flush=True)
            return 0 if optional else 1
        return 0 if only_prepare else run_tests(system, arguments or list(SUITE))


def prepare(cache: Path) -> debian_folder.Debian:
    """Make what is missing, telling what takes long. Raises RuntimeError or OSError."""
    with step("a Debian with Wine and a compiler for Windows"):
        system = debian_folder.prepare(cache)
    with step("a Windows Python with hal0's pinned packages"):
        python = python_env.prepare(cache)
        wine_gaps.fill(system, python)
    with step("llama-server.exe"):
        engine_build.prepare(system)
    with step("what tests compile elsewhere"):
        test_programs.prepare(system)
    with step("Wine's own folder"):
        wine_prefix(system)
    return system


class step:  # noqa: N801 - reads as a word of the sentence
    """Tells how long a step took, if it took long enough to be told."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __enter__(self) -> None:
        self.started = time.monotonic()
        print(f"windows: {self.what}", flush=True)

    def __exit__(self, *_: object) -> None:
        if (seconds := time.monotonic() - self.started) >= 1:
            print(f"windows: {self.what}: {seconds:.0f} s", flush=True)


def wine_prefix(system: debian_folder.Debian) -> None:
    """Make the folder that Wine takes for drive C:, by the Wine that is there, and a drive W: beside it."""
    folder, stamp = system.cache / "prefix", system.cache / "prefix.stamp"
    state = (system.cache / "debian.stamp").read_text() + " W:"
    if folder.exists() and stamp.exists() and stamp.read_text() == state:
        return
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    run = wine(system, "wineboot", "-i")
    if run != 0:
        raise RuntimeError("Wine could not make its folder; `wineboot -i` failed")
    wine(system, "wineserver", "-w")
    drive = system.cache / "drive-w"
    drive.mkdir(exist_ok=True)
    (folder / "dosdevices" / "w:").symlink_to("/cache/drive-w")
    stamp.write_text(state)


def run_tests(system: debian_folder.Debian, arguments: list[str]) -> int:
    """Run pytest there, on an X server of its own, and end all that Wine still runs afterwards."""
    pytest = ["-m", "pytest", "-p", "no:cacheprovider", *arguments]
    display = ["xvfb-run", "-a", "-s", "-screen 0 2560x1800x24", "wine"]
    started = time.monotonic()
    try:
        code = wine(system, *display, windows_path("/cache/python/python.exe"), *pytest)
    finally:
        wine(system, "wineserver", "-k")
    print(f"windows: the tests took {time.monotonic() - started:.0f} s", flush=True)
    return code


def wine(system: debian_folder.Debian, *argv: str) -> int:
    """Run one of Wine's programs there and return its exit code. Its standard input is a terminal: from that
    Wine makes a console, without which there is no Ctrl+C."""
    environment = system.environment(
        WINEPREFIX="/cache/prefix",
        WINEDEBUG="-all",
        WINEDLLOVERRIDES="mscoree,mshtml=",  # asks about neither at the first start
        XDG_RUNTIME_DIR="/tmp",  # noqa: S108 - wants to be named; nothing is put there
        HAL0_LLAMA_SERVER=windows_path("/cache/engine/llama-server.exe"),
        HAL0_TEST_DRIVE="W:\\",
        HAL0_TEST_PROGRAMS=windows_path("/cache/programs"),
        PYTHONDONTWRITEBYTECODE="1",
    )
    terminal, inside = os.openpty()
    threading.Thread(target=drain, args=(terminal,), daemon=True).start()
    try:
        return subprocess.run(system.command(*argv), env=environment, stdin=inside, check=False).returncode
    finally:
        os.close(inside)


def drain(terminal: int) -> None:
    """Read what Wine draws on its console, until nobody has it open."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass


def windows_path(path: str) -> str:
    return "Z:" + path.replace("/", "\\")


if __name__ == "__main__":
    sys.exit(main())
