from __future__ import annotations

import configparser
import plistlib
import re
import stat
import sys
from pathlib import Path

import pytest

from app.system import autostart
from app.system.platforms import linux, macos, windows

only_windows = pytest.mark.skipif(sys.platform != "win32", reason="the Run key")
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="the XDG autostart folder")


def exec_line(command: list[str]) -> str:
    parser = configparser.RawConfigParser(interpolation=None)
    parser.read_string(linux.desktop_entry(command))
    return parser["Desktop Entry"]["exec"]


def arguments(exec_value: str) -> list[str]:
    """Read as the specification does: string escapes first, then quotes, then field codes."""
    unescaped = exec_value.replace("\\\\", "\\")
    parts = re.findall(r'"((?:\\.|[^"\\])*)"|(\S+)', unescaped)
    return [re.sub(r"\\(.)", r"\1", quoted or plain).replace("%%", "%") for quoted, plain in parts]


@pytest.mark.parametrize(
    "program",
    ["/usr/bin/hal0", "/home/a b/hal0", '/x/"q"/hal0', "/x/$HOME/`id`/hal0", "/x/100%/hal0", "/x\\y/hal0"],
)
def test_the_desktop_file_runs_exactly_the_command(program: str) -> None:
    assert arguments(exec_line([program, "tray", "--hidden"])) == [program, "tray", "--hidden"]


@only_linux
def test_off_until_asked_and_off_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert not autostart.is_enabled()
    autostart.set_enabled(True)
    file = tmp_path / "config" / "autostart" / "hal0.desktop"
    assert autostart.is_enabled()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().splitlines()[5].endswith("tray --hidden")
    autostart.set_enabled(False)
    autostart.set_enabled(False)
    assert not autostart.is_enabled() and not file.exists()


def test_without_an_absolute_xdg_folder_it_is_in_the_home_folder() -> None:
    expected = Path.home() / ".config" / "autostart" / "hal0.desktop"
    assert linux.autostart_file({}) == expected
    assert linux.autostart_file({"XDG_CONFIG_HOME": "relative"}) == expected


@pytest.mark.parametrize(
    ("line", "on"),
    [("", True), ("Hidden=true", False), ("X-GNOME-Autostart-enabled=false", False), ("Hidden = false", True)],
)
def test_a_desktop_s_own_settings_may_have_switched_it_off(line: str, on: bool) -> None:
    assert linux.starts(f"[Desktop Entry]\nName=hal0\n{line}\n") is on


def test_what_starts_at_login(tmp_path: Path) -> None:
    script = tmp_path / "hal0"
    script.touch()
    python = "/opt/python"
    assert autostart.command([str(script)], python, {}, frozen=False) == [str(script), "tray", "--hidden"]
    assert autostart.command(["-m"], python, {}, frozen=False)[:3] == [python, "-m", "app"]
    assert autostart.command([], python, {}, frozen=True) == [python, "tray", "--hidden"]
    image = {"APPIMAGE": "/apps/hal0.AppImage"}
    assert autostart.command([str(script)], python, image, frozen=True)[0] == "/apps/hal0.AppImage"


def test_a_bundle_on_windows_starts_without_a_console(tmp_path: Path) -> None:
    program, windowed = tmp_path / "hal0-cli.exe", tmp_path / "hal0.exe"
    windowed.touch()
    assert autostart.command([], str(program), {}, frozen=True) == [str(windowed), "tray", "--hidden"]
    assert autostart.command([], str(program), {}, frozen=False)[0] == str(program)
    assert autostart.program([], str(program), {}, frozen=True) == [str(program)]


def test_what_pip_makes_on_windows_is_found_and_opens_no_console(tmp_path: Path) -> None:
    """It calls itself by its name without the ending."""
    for name in ("hal0.exe", "hal0-cli.exe", "python.exe", "pythonw.exe"):
        (tmp_path / name).touch()
    windowed, python = str(tmp_path / "hal0.exe"), str(tmp_path / "python.exe")
    for called in ("hal0", "hal0.exe", "hal0-cli", "hal0-cli.exe"):
        found = autostart.command([str(tmp_path / called)], python, {}, frozen=False)
        assert found == [windowed, "tray", "--hidden"]
    assert autostart.command(["-m"], python, {}, frozen=False)[0] == str(tmp_path / "pythonw.exe")


def test_an_entry_of_an_uninstalled_hal0_is_skipped_by_desktops() -> None:
    """Desktops look at TryExec first; it holds a plain string, without Exec's quotes."""
    entry = linux.desktop_entry(["/opt/a b/100%/hal0", "tray", "--hidden"])
    assert "TryExec=/opt/a b/100%/hal0\n" in entry
    assert "TryExec=C:\\\\x\n" in linux.desktop_entry(["C:\\x"])


def test_the_launch_agent() -> None:
    data = macos.launch_agent(["/Applications/hal0.app/Contents/MacOS/hal0", "tray", "--hidden"])
    agent = plistlib.loads(data)
    assert agent["ProgramArguments"][1:] == ["tray", "--hidden"]
    assert agent["RunAtLoad"] is True and "KeepAlive" not in agent
    assert macos.starts(data)
    assert not macos.starts(plistlib.dumps({**agent, "Disabled": True}))
    assert not macos.starts(b"not a property list")


def test_the_run_key() -> None:
    line = windows.command_line([r"C:\Program Files\hal0\hal0.exe", "tray", "--hidden"])
    assert line == r'"C:\Program Files\hal0\hal0.exe" tray --hidden'
    assert windows.starts(line, None) and windows.starts(line, b"\x02" + bytes(11))
    assert not windows.starts(line, b"\x03" + bytes(11))
    assert not windows.starts(None, None)


@only_windows
def test_off_until_asked_and_off_again_in_the_registry() -> None:
    """The real one, of whoever runs the test: it is left as it was."""
    import winreg

    def values(path: str) -> dict[str, object]:
        with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, path, 0, winreg.KEY_READ) as key:
            count = winreg.QueryInfoKey(key)[1]
            return {name: value for name, value, _kind in (winreg.EnumValue(key, i) for i in range(count))}

    before = values(windows.RUN)
    assert not autostart.is_enabled() and windows.NAME not in before
    try:
        autostart.set_enabled(True)
        assert autostart.is_enabled()
        line = values(windows.RUN)[windows.NAME]
        assert isinstance(line, str) and line.endswith("tray --hidden")
        # Task Manager switches it off beside it, and hal0 on again.
        with winreg.CreateKeyEx(winreg.HKEY_CURRENT_USER, windows.APPROVED, 0, winreg.KEY_SET_VALUE) as key:
            winreg.SetValueEx(key, windows.NAME, 0, winreg.REG_BINARY, b"\x03" + bytes(11))
        assert not autostart.is_enabled()
        autostart.set_enabled(True)
        assert autostart.is_enabled()
    finally:
        autostart.set_enabled(False)
        autostart.set_enabled(False)
    assert not autostart.is_enabled() and values(windows.RUN) == before
    assert windows.NAME not in values(windows.APPROVED)
