"""The Debian package: installed, used, upgraded while it runs, removed. In a private copy of this system."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from router.base.version import __version__
from tests.desktop.conftest import Desktop
from tests.desktop.conftest import desktop as desktop
from tests.fixtures_models import SpeakingModel
from tests.packaging.built.conftest import NEXT_VERSION, build_deb
from tests.packaging.built.running import Installed, wait_for_window
from tests.packaging.machines import Machine, bare_env

PROGRAM = "/usr/bin/hal0"


@pytest.fixture(scope="module")
def with_package(installing: Machine, package: Path) -> Iterator[Machine]:
    """A machine on which the package is installed."""
    installing.run("dpkg", "--install", package)
    yield installing
    installing.run("dpkg", "--purge", "hal0")


@pytest.fixture
async def installed(
    with_package: Machine, tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel
) -> AsyncIterator[Installed]:
    made = Installed.prepare(with_package, PROGRAM, tmp_path / "home", llama_server, speaking_model)
    yield made
    await made.hal0.close()


def field(package: Path, name: str) -> str:
    done = subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_package_says_what_it_is_and_runs_a_script_only_once_it_is_removed(package: Path) -> None:
    assert (field(package, "Package"), field(package, "Version")) == ("hal0", __version__)
    listed = subprocess.run(["dpkg-deb", "--info", package], capture_output=True, text=True, check=True).stdout
    for script in ("preinst", "postinst", "prerm", "conffiles"):
        assert script not in listed
    assert "postrm" in listed, "conversations are not to outlive hal0"


def test_installing_starts_and_enables_nothing(with_package: Machine) -> None:
    files = with_package.run("dpkg", "--listfiles", "hal0").stdout.split()
    assert "/usr/lib/systemd/user/hal0.service" in files and "/usr/lib/systemd/system/hal0.service" in files
    wanted = with_package.run(
        "find", "/etc/systemd", "/etc/xdg/autostart", "-name", "*hal0*", check=False
    ).stdout
    assert wanted == ""
    assert not any(file.startswith(("/etc", "/home", "/root", "/opt")) for file in files)


def test_it_is_on_path_in_the_menu_and_known_to_the_desktop(with_package: Machine) -> None:
    assert with_package.run("sh", "-c", "command -v hal0").stdout.strip() == PROGRAM
    assert with_package.run("hal0", "--version").stdout == f"hal0 {__version__}\n"
    validate = with_package.run("desktop-file-validate", "/usr/share/applications/hal0.desktop")
    assert validate.stdout == ""
    with_package.run("appstreamcli", "validate", "--no-net", "/usr/share/metainfo/io.github.hal0.metainfo.xml")
    assert "application/x-gguf:*.gguf" in with_package.run("cat", "/usr/share/mime/globs2").stdout
    assert with_package.has("/usr/share/icons/hicolor/48x48/apps/hal0.png")


def test_systemd_accepts_both_units_where_they_are_installed(with_package: Machine, tmp_path: Path) -> None:
    for kind in ("user", "system"):
        folder = f"/usr/lib/systemd/{kind}/hal0.service"
        env = {**bare_env(), "XDG_RUNTIME_DIR": str(tmp_path)}
        said = with_package.run("systemd-analyze", f"--{kind}", "verify", "--man=no", folder, env=env)
        ours = [line for line in (said.stdout + said.stderr).splitlines() if "hal0" in line]
        assert ours == []


async def test_installed_it_answers_switches_and_ends(installed: Installed) -> None:
    await installed.serve()
    await installed.speaks("alpha_q4")
    await installed.cli("switch", "primary", "beta_q4")
    await installed.speaks("beta_q4")
    assert "beta_q4" in await installed.cli("status")
    assert installed.hal0.process is not None
    installed.hal0.process.terminate()
    assert await installed.ends() == 0
    assert installed.leftovers() == []


TABS = {"Models": 124, "Logs": 189, "Settings": 260}
"""Where the tabs are, in pixels from the window's left edge; they are imported when they are first opened."""


async def test_an_upgrade_leaves_the_running_one_whole(
    desktop: Desktop,
    with_package: Machine,
    package: Path,
    next_package: Path,
    llama_server: Path,
    speaking_model: SpeakingModel,
) -> None:
    session, machine = desktop.session, with_package
    installed = await Installed.in_tray(desktop, machine, PROGRAM, llama_server, speaking_model)
    hal0, old = installed.hal0, installed.hal0.process
    assert old is not None
    try:
        item = await desktop.bus.tray_item()
        engines = [engine.pid for engine in hal0.engines()]
        await asyncio.to_thread(machine.run, "dpkg", "--install", next_package)
        assert await installed.cli("--version") == f"hal0 {NEXT_VERSION}\n"
        assert [engine.pid for engine in hal0.engines()] == engines, "the upgrade touched a running engine"
        await installed.speaks("alpha_q4")
        # The old one goes on, also with parts that it imports only now.
        assert (await hal0.state())["server"]["version"] == __version__
        await item.click("Open hal0")
        window = await asyncio.to_thread(wait_for_window, desktop)
        for x in TABS.values():
            session.xdotool("mousemove", "--window", window, x, 88, "click", 1)
        await installed.cli("switch", "primary", "beta_q4")
        await installed.speaks("beta_q4")
        await item.wait_label("primary · beta_q4 · Ready")
        session.screenshot("upgraded-while-running")
        await item.click("Quit hal0")
        assert await installed.ends() == 0
        (log,) = hal0.home.rglob("hal0.log")
        assert "Traceback" not in session.log_of(old) + log.read_text(), (
            "something could not be imported any more"
        )
        assert installed.leftovers() == []
        await installed.serve("beta_q4")
        assert hal0.process is not None
        assert (await hal0.state())["server"]["version"] == NEXT_VERSION
        hal0.process.terminate()
        assert await installed.ends() == 0
    finally:
        await hal0.close()
        await asyncio.to_thread(machine.run, "dpkg", "--install", package)


async def test_removing_it_takes_all_of_it_and_nothing_of_a_persons(
    installed: Installed, package: Path
) -> None:
    machine, home = installed.machine, installed.hal0.home
    await installed.serve()
    assert installed.hal0.process is not None
    installed.hal0.process.terminate()
    await installed.ends()
    before = {file for file in home.rglob("*") if file.is_file()}
    assert any(file.suffix == ".gguf" for file in before) and (home / "state").is_dir()
    listed = await asyncio.to_thread(machine.run, "dpkg", "--listfiles", "hal0")
    ours = [line for line in listed.stdout.splitlines() if "hal0" in line]
    await asyncio.to_thread(machine.run, "dpkg", "--purge", "hal0")
    try:
        left = await asyncio.to_thread(machine.run, "sh", "-c", 'ls -d "$@"', "sh", *ours, check=False)
        assert left.stdout == ""
        assert {file for file in home.rglob("*") if file.is_file()} == before
    finally:
        await asyncio.to_thread(machine.run, "dpkg", "--install", package)


@pytest.mark.skipif(shutil.which("lintian") is None, reason="lintian is not installed")
def test_lintian_finds_no_error(tmp_path: Path) -> None:
    """On a package without the bundle's own libraries: they are others' work, and take a minute."""
    (tmp_path / "bundle").mkdir()
    shutil.copy("/bin/true", tmp_path / "bundle" / "hal0")
    made = build_deb(tmp_path / "bundle", tmp_path, __version__)
    argv = [
        "lintian",
        "--allow-root",
        "--no-cfg",
        "--fail-on",
        "error,warning",
        "--tag-display-limit",
        "0",
        made,
    ]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
