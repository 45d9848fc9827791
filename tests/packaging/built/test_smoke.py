"""The bundle as it is unpacked, where neither this checkout nor its Python can be seen."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.base.version import __version__
from tests.desktop.conftest import Desktop
from tests.desktop.conftest import desktop as desktop
from tests.fixtures_models import SpeakingModel
from tests.hub_server import hub_server
from tests.packaging.built.running import Installed, mapped_files, wait_for_window
from tests.packaging.machines import Machine, bare_env, hidden

QT = ("PySide6", "Qt6", "shiboken", "libicu", "libxcb", "libX11", "libEGL", "libGL")


@pytest.fixture
async def installed(
    machine: Machine, unpacked: Path, tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel
) -> AsyncIterator[Installed]:
    made = Installed.prepare(machine, unpacked, tmp_path / "home", llama_server, speaking_model)
    yield made
    await made.hal0.close()


def test_nothing_of_the_checkout_can_be_seen_there(machine: Machine) -> None:
    if not machine.private:
        pytest.skip("no private copy of this system can be made here")
    for folder in hidden():
        assert machine.run("ls", "-A", folder).stdout == ""


def test_it_says_its_version_without_anything_around_it(machine: Machine, unpacked: Path) -> None:
    assert machine.run(unpacked, "--version").stdout == f"hal0 {__version__}\n"
    assert "serve" in machine.run("env", "-i", unpacked, "--help").stdout


async def test_the_tray_an_answer_a_switch_and_quit_leave_nothing(
    desktop: Desktop, machine: Machine, unpacked: Path, llama_server: Path, speaking_model: SpeakingModel
) -> None:
    session = desktop.session
    installed = await Installed.in_tray(desktop, machine, unpacked, llama_server, speaking_model)
    hal0 = installed.hal0
    try:
        item = await desktop.bus.tray_item()
        await item.wait_label("primary · alpha_q4 · Ready")
        await installed.speaks("alpha_q4")
        await item.click("primary", "beta_q4")
        await hal0.until_ready("beta_q4")
        await installed.speaks("beta_q4")
        await item.wait_label("primary · beta_q4 · Ready")
        assert "beta_q4" in await installed.cli("status")
        await item.click("Open hal0")
        await asyncio.to_thread(wait_for_window, desktop)
        session.screenshot("bundle-window")
        await item.click("Quit hal0")
        assert hal0.process is not None
        assert await installed.ends() == 0, session.log_of(hal0.process)
        (line,) = session.log_of(hal0.process).splitlines()  # or Qt or Python complained
        assert line.endswith("its icon is in the tray")
        assert installed.leftovers() == []
    finally:
        await hal0.close()


async def test_serving_maps_no_qt_and_tells_systemd_and_its_journal(
    installed: Installed, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    journal.touch()
    status = journal.stat()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        told = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}
        await installed.serve(env=told, stderr=journal)
        assert await asyncio.to_thread(systemd.recv, 4096) == b"READY=1"
        process = installed.hal0.process
        assert process is not None
        assert [file for file in mapped_files(process.pid) if any(part in file for part in QT)] == []
        await installed.speaks("alpha_q4")
        assert "alpha_q4" in await installed.cli("status")
        process.send_signal(signal.SIGTERM)
        assert await installed.ends() == 0
        rest = await asyncio.to_thread(_all_of, systemd)
    assert any(line.endswith("primary: alpha_q4 ready") for line in rest if line.startswith("STATUS="))
    assert rest[-1].startswith("STOPPING=1")
    lines = journal.read_text().splitlines()
    assert lines and all(line.startswith(("<6>", "<4>")) for line in lines), lines
    assert installed.leftovers() == []


def _all_of(systemd: socket.socket) -> list[str]:
    systemd.setblocking(False)
    messages = []
    while True:
        try:
            messages.append(systemd.recv(4096).decode())
        except BlockingIOError:
            return messages


async def test_it_serves_without_its_desktop_half(
    machine: Machine, archive: Path, tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel
) -> None:
    """What the container image does: packaging/container/Containerfile."""
    without = ["--exclude=*PySide6*", "--exclude=*libQt6*", "--exclude=*shiboken6*", "--exclude=*libicu*"]
    await asyncio.to_thread(subprocess.run, ["tar", "xf", archive, "-C", tmp_path, *without], check=True)
    made = Installed.prepare(
        machine, tmp_path / "hal0" / "hal0", tmp_path / "home", llama_server, speaking_model
    )
    try:
        await made.serve()
        await made.speaks("alpha_q4")
        assert made.hal0.process is not None
        made.hal0.process.terminate()
        assert await made.ends() == 0
    finally:
        await made.hal0.close()


async def test_an_engine_gets_none_of_the_bundles_library_paths(installed: Installed) -> None:
    await installed.serve(env={"LD_LIBRARY_PATH": "/nowhere/of-the-person"})
    (engine,) = installed.hal0.engines()
    environment = engine.environ()
    assert environment["LD_LIBRARY_PATH"] == "/nowhere/of-the-person"
    assert not any("_MEI" in name or name.startswith("_PYI") for name in environment)


def test_a_model_is_fetched(installed: Installed, speaking_model: SpeakingModel) -> None:
    """huggingface_hub imports its parts by name, as late as it can: it has to find them in the bundle."""
    model = speaking_model("Fetched and now speaking.", "tiny-Q4_K_M").read_bytes()
    with hub_server() as hub:
        hub.add("org/tiny-GGUF", {"tiny-Q4_K_M.gguf": model})
        env = {**installed.hal0.env, "HF_ENDPOINT": hub.url}
        installed.machine.run(installed.program, "model", "pull", "org/tiny-GGUF", "--yes", env=env)
    assert "tiny-Q4_K_M" in installed.machine.run(installed.program, "model", "ls", env=env).stdout


def test_a_switched_off_machine_leaves_no_mount(tmp_path: Path) -> None:
    """The private copy is gone with its holder: nothing of it can be seen from outside."""
    from tests.packaging.machines import private_machine

    made = private_machine(tmp_path)
    if made is None:
        pytest.skip("no private copy of this system can be made here")
    made.run("touch", "/usr/bin/hal0-was-here")
    assert made.has("/usr/bin/hal0-was-here") and shutil.which("hal0-was-here") is None
    made.close()
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    assert machine_cannot_run(made.prefix)


def machine_cannot_run(prefix: tuple[str, ...]) -> bool:
    return subprocess.run([*prefix, "true"], env=bare_env(), capture_output=True).returncode != 0
