"""`hal0 service`. systemctl is a stand-in that notes what it is asked: no test may touch a person's systemd."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from app import cli
from app.commands import service

SYSTEMCTL = (
    '#!/bin/sh\necho "$*" >> "$0.asked"\ncase "$*" in *{failing}*) echo "{complaint}" >&2; exit 1;; esac\n'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; settings are below it too."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HAL0_CONFIG", str(tmp_path / "hal0.yaml"))
    return tmp_path


def add_systemctl(folder: Path, failing: str = "nothing", complaint: str = "") -> None:
    program = folder / "systemctl"
    program.write_text(SYSTEMCTL.format(failing=failing, complaint=complaint))
    program.chmod(0o755)


def asked(folder: Path) -> list[str]:
    return (folder / "systemctl.asked").read_text().splitlines()


def test_install_writes_a_unit_for_this_hal0_and_starts_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_systemctl(folder)
    program = folder / "with space" / "hal0"
    program.parent.mkdir()
    program.touch()
    monkeypatch.setattr("sys.argv", [str(program)])
    assert cli.main(["service", "install", "--config", "/etc/100%/my.yaml"]) == 0
    text = (folder / "config/systemd/user/hal0.service").read_text()
    assert f'ExecStart="{program}" --config "/etc/100%%/my.yaml" serve' in text and "Type=notify" in text
    assert asked(folder)[1:] == ["--user daemon-reload", "--user enable --now hal0.service"]
    assert "hal0 is a service now" in capsys.readouterr().out


def test_remove_stops_it_and_takes_only_the_unit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_systemctl(folder)
    unit = folder / "config/systemd/user/hal0.service"
    unit.parent.mkdir(parents=True)
    unit.write_text("")
    (folder / "hal0.yaml").write_text("")
    assert cli.main(["service", "remove"]) == 0
    assert not unit.exists() and (folder / "hal0.yaml").exists()
    assert "--user disable --now hal0.service" in asked(folder)
    assert capsys.readouterr().out == "hal0 is no service any more.\n"


def test_status_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_systemctl(folder, failing="is-enabled", complaint="disabled")
    assert cli.main(["service", "status"]) == 0
    assert capsys.readouterr().out == "The service runs, and does not start at login.\n"


@pytest.mark.parametrize("action", ["install", "remove", "status"])
def test_without_systemd_it_says_so_and_changes_nothing(
    folder: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["service", action]) == 1
    assert "systemctl was not found" in capsys.readouterr().err
    assert not (folder / "config").exists()


def test_without_a_session_of_systemd_its_own_words_are_given(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_systemctl(folder, failing="show-environment", complaint="Failed to connect to bus")
    assert cli.main(["service", "install"]) == 1
    error = capsys.readouterr().err
    assert "Failed to connect to bus" in error and error.count("\n") == 1
    assert not (folder / "config").exists()


def test_systemds_own_failure_is_passed_on(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_systemctl(folder, failing="enable", complaint="Unit is masked.")
    assert cli.main(["service", "install"]) == 1
    assert "Unit is masked." in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a $HOME %n", "a 'b' \"c\" \\d", "plain"])
def test_systemd_reads_the_command_as_it_was_meant(tmp_path: Path, name: str) -> None:
    """The real systemd-analyze, where there is one, finds the program under its very name."""
    program = tmp_path / name / "hal0"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    file = tmp_path / "hal0.service"
    file.write_text(service.unit([str(program), "serve"]))
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", file], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if "hal0" in line] == []


def test_an_argument_keeps_every_character() -> None:
    command = service.exec_start(["/opt/hal0", "--config", '/a b/$X/100%/"q".yaml', "serve"])
    assert command == '/opt/hal0 --config "/a b/$$X/100%%/\\"q\\".yaml" serve'
