"""`make test-windows`: the tests under Wine, with a Windows Python, Windows' Qt and a llama-server.exe; and
`make setup-windows`: hal0's installer, made by the same.

Usage: test_windows.py [--optional] [--without-engine] [--only-prepare | --setup] [arguments of pytest]

What it needs is made once, in `hal0-windows-tests` in the user's cache folder (some 5 GB), and used again until
its pins change. Where that cannot be, it says why and fails, or with --optional goes on without. --setup only
makes the installer, in dist. --without-engine builds no llama-server.exe, which takes longest, and runs what
needs none of all that reads, writes and names files: for CI, where the folder is empty.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

import bundle_build
import debian as debian_folder
import engine_build
import inno_setup
import platformdirs
import python_env
import test_programs
import wine_gaps
from suite import SETUP, SUITE, WITHOUT_ENGINE
from wine_program import SCREEN, windows_path, wine

sys.path.insert(0, str(debian_folder.ROOT))

from router.base.version import __version__


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--optional", action="store_true")
    parser.add_argument("--without-engine", action="store_true")
    parser.add_argument("--only-prepare", action="store_true")
    parser.add_argument("--setup", action="store_true")
    options, arguments = parser.parse_known_args()
    engine = not options.without_engine
    tests = arguments or list(SUITE if engine else WITHOUT_ENGINE)
    cache = Path(platformdirs.user_cache_dir("hal0-windows-tests", appauthor=False))
    with debian_folder.alone(cache):
        try:
            system = prepare(cache, engine=engine)
            if options.setup or SETUP in tests:
                with step("hal0's installer"):
                    setups = bundle_build.prepare(system, __version__)
        except (RuntimeError, OSError) as problem:
            print(f"windows: not tested: {problem}", file=sys.stderr, flush=True)
            return 0 if options.optional else 1
        if options.setup:
            return hand_over(setups)
        return 0 if options.only_prepare else run_tests(system, tests, engine=engine)


def prepare(cache: Path, *, engine: bool) -> debian_folder.Debian:
    """Make what is missing, telling what takes long. Raises RuntimeError or OSError."""
    with step("a Debian with Wine and a compiler for Windows"):
        system = debian_folder.prepare(cache)
        inno_setup.add_32_bit(system)
    with step("a Windows Python with hal0's pinned packages"):
        python = python_env.prepare(cache)
        wine_gaps.fill(system, python)
    if engine:
        with step("llama-server.exe"):
            engine_build.prepare(system)
    with step("what tests compile elsewhere"):
        test_programs.prepare(system)
    with step("Wine's own folder"):
        wine_prefix(system)
    return system


def hand_over(setups: Path) -> int:
    """Copy this version's installer into the checkout's dist and say where it is."""
    target = debian_folder.ROOT / "dist" / f"hal0-{__version__}-windows-x86_64-setup.exe"
    target.parent.mkdir(exist_ok=True)
    shutil.copy(setups / target.name, target)
    print(f"{target} ({target.stat().st_size / 1e6:.1f} MB)")
    return 0


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
    state = (system.cache / "debian.stamp").read_text() + " 32-bit W:"
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


def run_tests(system: debian_folder.Debian, arguments: list[str], *, engine: bool) -> int:
    """Run pytest there, on an X server of its own, and end all that Wine still runs afterwards."""
    # On Windows one test that takes too long ends the whole run, and under Wine programs take long to start.
    pytest = ["-m", "pytest", "-p", "no:cacheprovider", "--timeout=900", *arguments]
    started = time.monotonic()
    try:
        python = windows_path("/cache/python/python.exe")
        code = wine(system, *SCREEN, "wine", python, *pytest, **for_tests(engine=engine))
    finally:
        wine(system, "wineserver", "-k")
    print(f"windows: the tests took {time.monotonic() - started:.0f} s", flush=True)
    return code


def for_tests(*, engine: bool) -> dict[str, str]:
    """Return the variables by which tests find what was prepared."""
    server = {"HAL0_LLAMA_SERVER": windows_path("/cache/engine/llama-server.exe")}
    return {
        **(server if engine else {"HAL0_TEST_WITHOUT_ENGINE": "1"}),
        "HAL0_TEST_DRIVE": "W:\\",
        "HAL0_TEST_PROGRAMS": windows_path("/cache/programs"),
        "HAL0_TEST_SETUPS": windows_path("/cache/bundle/dist"),
    }


if __name__ == "__main__":
    sys.exit(main())
