"""The files of the Linux packages, looked at by the programs that will read them."""

from __future__ import annotations

import configparser
import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.packaging.machines import ROOT, need

LINUX = ROOT / "packaging" / "linux"
USER_UNIT = ROOT / "resources" / "systemd" / "hal0.service"
SYSTEM_UNIT = LINUX / "hal0-system.service"
EXPOSED_AT_MOST = 20
"""Tenths of systemd's exposure level, 0 to 100; what is left is network, GPUs and code made at run time."""

ALLOWED_TO_WRITE = {"StateDirectory": "hal0", "CacheDirectory": "hal0", "ConfigurationDirectory": "hal0"}


def settings(unit: Path) -> dict[str, list[str]]:
    """The unit's [Service] section; a setting may stand in it more than once."""
    found: dict[str, list[str]] = {}
    section = ""
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line and not line.startswith("#"):
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


@pytest.fixture(params=["user", "system"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit that runs a program which is there."""
    source = USER_UNIT if request.param == "user" else SYSTEM_UNIT
    file = tmp_path / "hal0.service"
    program = tmp_path / "hal0"
    shutil.copy("/bin/true", program)
    text = source.read_text()
    assert "ExecStart=/usr/bin/hal0 serve\n" in text
    file.write_text(text.replace("/usr/bin/hal0", str(program)))
    return file


def test_systemd_accepts_the_units(unit: Path) -> None:
    need("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if "hal0" in line] == []


def test_the_systems_unit_is_as_closed_as_it_can_be() -> None:
    need("systemd-analyze")
    argv = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={EXPOSED_AT_MOST}"]
    done = subprocess.run([*argv, SYSTEM_UNIT], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_may_write_to_its_own_folders_and_no_others() -> None:
    given = settings(SYSTEM_UNIT)
    assert (
        given["ProtectSystem"] == ["strict"]
        and given["ProtectHome"] == ["yes"]
        and given["PrivateTmp"] == ["yes"]
    )
    assert {name: given[name][0] for name in ALLOWED_TO_WRITE} == ALLOWED_TO_WRITE
    assert not {"ReadWritePaths", "BindPaths", "LogsDirectory"} & given.keys()
    environment = dict(pair.split("=", 1) for line in given["Environment"] for pair in line.split())
    allowed = ("/var/lib", "/var/cache")
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        # hal0 adds its own name to each of these.
        assert f"{environment[name]}/hal0".startswith(tuple(f"{folder}/hal0" for folder in allowed))


def test_both_wait_until_hal0_answers_and_let_it_end_its_engines() -> None:
    for given in map(settings, (USER_UNIT, SYSTEM_UNIT)):
        assert (
            given["Type"] == ["notify"]
            and given["KillMode"] == ["mixed"]
            and given["OOMPolicy"] == ["continue"]
        )
        assert given["NoNewPrivileges"] == ["yes"] and given["Restart"] == ["on-failure"]


def test_the_menu_entry(tmp_path: Path) -> None:
    file = LINUX / "hal0.desktop"
    parser = configparser.RawConfigParser(interpolation=None)
    parser.read_string(file.read_text())
    assert parser["Desktop Entry"]["exec"] == parser["Desktop Entry"]["icon"] == "hal0"
    need("desktop-file-validate")
    done = subprocess.run(["desktop-file-validate", file], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_description_for_software_centres() -> None:
    file = LINUX / "io.github.hal0.metainfo.xml"
    tree = ET.parse(file)  # noqa: S314 - our own file
    assert tree.findtext("launchable") == "hal0.desktop" and str(tree.findtext("id")) in file.name
    need("appstreamcli")
    done = subprocess.run(["appstreamcli", "validate", "--no-net", file], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_a_gguf_file_is_known_as_one(tmp_path: Path) -> None:
    need("update-mime-database")
    (tmp_path / "packages").mkdir()
    shutil.copy(LINUX / "hal0-mime.xml", tmp_path / "packages")
    subprocess.run(["update-mime-database", tmp_path], check=True, capture_output=True)
    assert "application/x-gguf:*.gguf" in (tmp_path / "globs2").read_text()
    assert b"GGUF" in (tmp_path / "magic").read_bytes()


def test_every_shell_script_is_clean() -> None:
    scripts = [*(ROOT / "packaging").rglob("*.sh"), ROOT / ".ci" / "run"]
    for script in scripts:
        subprocess.run(["sh" if script.suffix else "bash", "-n", script], check=True)
    need("shellcheck")
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("why", "removed"), [("remove", True), ("purge", True), ("upgrade", False)])
def test_what_is_kept_of_conversations_goes_with_the_package(tmp_path: Path, why: str, removed: bool) -> None:
    """With stand-ins for the commands: the real ones would remove this computer's."""
    kept = tmp_path / "ann" / ".local" / "state" / "hal0" / "conversations"
    kept.mkdir(parents=True)
    for name, does in {
        "getent": f"echo ann:x:1000:1000::{tmp_path}/ann:/bin/sh; echo bob:x:1001:1001::{tmp_path}/bob:/bin/sh",
        "runuser": f'echo runuser "$@" >> {tmp_path}/did',
        "rm": f'echo rm "$@" >> {tmp_path}/did',
    }.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n{does}\n")
        program.chmod(0o755)
    subprocess.run(["/bin/sh", LINUX / "postrm", why], env={"PATH": str(tmp_path / "bin")}, check=True)
    did = (tmp_path / "did").read_text().splitlines() if (tmp_path / "did").exists() else []
    system = "rm -rf /var/lib/hal0/state/hal0/conversations /var/lib/private/hal0/state/hal0/conversations"
    assert did == ([system, f"runuser -u ann -- rm -rf -- {kept}"] if removed else [])
