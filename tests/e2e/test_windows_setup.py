"""setup.exe on Windows: hal0 installed for one person, used, upgraded while it runs, and removed.

HAL0_TEST_SETUPS names the folder of the installers of this version and of a later one. They install into the
account of whoever runs the tests, so nothing does without it.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from router.base.version import __version__
from tests.e2e.conftest import ALPHA, SLOTS
from tests.e2e.harness import Hal0

if sys.platform != "win32" or "HAL0_TEST_SETUPS" not in os.environ:
    pytest.skip("there is no setup.exe to be installed", allow_module_level=True)
import winreg

SETUPS = Path(os.environ["HAL0_TEST_SETUPS"])
NEXT_VERSION = "99.0.0"
LARGEST_MB = 60
SILENT = ("/VERYSILENT", "/SUPPRESSMSGBOXES", "/NORESTART")
DEADLINE_SECONDS = 120
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
UNINSTALL = r"Software\Microsoft\Windows\CurrentVersion\Uninstall\{7B1C3A52-5C1E-4C57-9B83-2F4D0A6C0A10}_is1"
FOLDERS = r"Software\Microsoft\Windows\CurrentVersion\Explorer\Shell Folders"

pytestmark = pytest.mark.timeout(900)


def value(key: str, name: str) -> str | None:
    """What the person's registry has there."""
    try:
        with winreg.OpenKey(winreg.HKEY_CURRENT_USER, key) as opened:
            return str(winreg.QueryValueEx(opened, name)[0])
    except FileNotFoundError:
        return None


def setup_of(version: str) -> Path:
    return SETUPS / f"hal0-{version}-windows-x86_64-setup.exe"


def app() -> Path:
    """The folder that hal0 was installed into."""
    folder = value(UNINSTALL, "InstallLocation")
    assert folder is not None, "it is installed"
    return Path(folder)


async def until(condition: Callable[[], bool], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not condition():
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"waited for {what}") from None


async def install(hal0: Hal0, version: str, *options: str) -> None:
    """Run that version's installer to its end, as the person whose home is hal0's."""
    log = hal0.home / f"setup-{version}.log"
    argv = [setup_of(version), *SILENT, f"/LOG={log}", *options]
    done = await asyncio.to_thread(
        subprocess.run, argv, env=os.environ | hal0.env, timeout=DEADLINE_SECONDS * 3
    )
    assert done.returncode == 0, log.read_text(errors="replace")


async def remove(hal0: Hal0, *options: str) -> None:
    """Run the uninstaller, which goes on by itself from a copy, until nothing is left of the program."""
    folder = app()
    argv = [folder / "unins000.exe", *SILENT, *options]
    await asyncio.to_thread(subprocess.run, argv, env=os.environ | hal0.env, timeout=DEADLINE_SECONDS)
    await until(lambda: not folder.exists(), f"{folder} to be gone; there are {list(folder.rglob('*'))[:9]}")


def running(name: str) -> list[psutil.Process]:
    """The processes of that program of the installed hal0."""
    program, found = app() / name, []
    for process in psutil.process_iter():
        try:
            if Path(process.exe()) == program:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found


@pytest.fixture
def clean() -> Iterator[None]:
    """A test that fails leaves nothing installed and nothing running to the next."""
    assert value(UNINSTALL, "InstallLocation") is None, "hal0 is installed here already"
    yield
    if value(UNINSTALL, "InstallLocation") is not None:
        for process in [*running("hal0.exe"), *running("hal0-cli.exe")]:
            process.kill()
        subprocess.run([app() / "unins000.exe", *SILENT], timeout=DEADLINE_SECONDS)


@pytest.fixture
async def prepared(clean: None, make_hal0: Callable[[str], Hal0]) -> Hal0:
    hal0 = make_hal0(SLOTS)
    del hal0.env["PYTHONWARNINGS"]
    return hal0


def start(hal0: Hal0, *arguments: str) -> None:
    hal0.process = subprocess.Popen([*map(str, arguments)], env=hal0.env, stdin=subprocess.DEVNULL)


def test_it_is_as_small_as_promised() -> None:
    assert setup_of(__version__).stat().st_size / 1e6 <= LARGEST_MB


async def test_installed_used_upgraded_while_it_runs_and_removed(
    prepared: Hal0, record_testsuite_property: Callable[[str, object], None]
) -> None:
    hal0, path_before = prepared, value("Environment", "Path")
    await install(hal0, __version__, "/TASKS=path,autostart")
    folder = app()
    assert value(UNINSTALL, "DisplayVersion") == __version__
    assert value(RUN, "hal0") == f'"{folder / "hal0.exe"}" tray --hidden'
    assert value("Environment", "Path") == f"{path_before or ''};{folder / 'bin'}"
    programs = value(FOLDERS, "Programs")
    assert programs is not None and (shortcut := Path(programs) / "hal0" / "hal0.lnk").is_file()
    assert not running("hal0.exe"), "installed silently, it is not started"

    cmd = (os.environ["COMSPEC"], "/c", str(folder / "bin" / "hal0.cmd"), "--version")
    told = await asyncio.to_thread(subprocess.check_output, cmd, env=hal0.env, text=True, timeout=60)
    assert told == f"hal0 {__version__}\n"

    started = time.monotonic()
    start(hal0, str(folder / "hal0.exe"), "tray", "--hidden")
    await hal0.until_up()
    record_testsuite_property("start to endpoint, seconds", round(time.monotonic() - started, 2))
    await hal0.until_ready("alpha")
    assert await hal0.chat() == ALPHA
    engines = hal0.engines()
    assert running("hal0.exe") and engines and hal0.process is not None

    await install(hal0, NEXT_VERSION)
    assert await asyncio.to_thread(hal0.process.wait, DEADLINE_SECONDS) == 0, "it was asked to end"
    assert not any(engine.is_running() for engine in engines), "ended with its engines"
    assert value(UNINSTALL, "DisplayVersion") == NEXT_VERSION and app() == folder
    hal0.process = None  # it is the installer's
    await hal0.until_up()
    await hal0.until_ready("alpha")
    assert await hal0.chat() == ALPHA, "the new one was started in the tray"
    assert value("Environment", "Path") == f"{path_before or ''};{folder / 'bin'}", "once"

    second, engines = running("hal0.exe"), hal0.engines()
    assert second and engines
    settings = hal0.home / "AppData" / "Local" / "hal0"
    assert any(settings.rglob("hal0.log"))
    await remove(hal0)
    assert not any(process.is_running() for process in (*second, *engines)), "ended with its engines"
    assert value(RUN, "hal0") is None and value("Environment", "Path") == (path_before or "")
    assert value(UNINSTALL, "DisplayVersion") is None and not shortcut.exists()
    assert any(settings.rglob("hal0.log")) and (hal0.home / "models" / "alpha.gguf").is_file(), "left alone"


async def test_one_that_serves_in_a_terminal_is_ended_and_all_is_deleted_that_is_asked_for(
    prepared: Hal0,
) -> None:
    hal0 = prepared
    await install(hal0, __version__, "/TASKS=")
    assert value(RUN, "hal0") is None, "not unless asked for"
    start(hal0, str(app() / "hal0-cli.exe"), "serve")
    await hal0.until_up()
    await hal0.until_ready("alpha")
    engines = hal0.engines()
    own = [hal0.home / "AppData" / name / "hal0" for name in ("Local", "Roaming")]
    own[1].mkdir(parents=True, exist_ok=True)
    (own[1] / "hal0.yaml").write_text("slots: {}\n")
    assert own[0].is_dir() and engines
    await remove(hal0, "/PURGE")
    assert hal0.process is not None and await asyncio.to_thread(hal0.process.wait, DEADLINE_SECONDS) == 1
    assert not any(engine.is_running() for engine in engines)
    await until(lambda: not any(folder.exists() for folder in own), f"{own} to be deleted")
    assert (hal0.home / "models" / "alpha.gguf").is_file(), "a person's own models are none of hal0's"
