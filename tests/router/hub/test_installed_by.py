"""Each way to install hal0 has its own command for a newer one."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath

import pytest

from app.texts.pull import update_line
from router.hub.installed_by import Facts, Way, installed_by, update_command
from router.state import UpdateStatus

SETUP = PureWindowsPath(r"C:\Users\me\AppData\Local\Programs\hal0\hal0.exe")
POSIX = PurePosixPath
BOXED = POSIX("/app/lib/hal0/hal0")
WAYS = [
    (Facts(POSIX("/usr/lib/hal0/hal0"), True, {}, "linux", "x86_64"), (), Way.DEB),
    (Facts(POSIX("/home/me/.local/lib/hal0/hal0"), True, {}, "linux", "x86_64"), (), Way.UNPACKED),
    (
        Facts(POSIX("/tmp/.mount_hal0/usr/lib/hal0/hal0"), True, {"APPIMAGE": "/x/hal0"}, "linux", "x86_64"),
        (),
        Way.APPIMAGE,
    ),
    (Facts(BOXED, True, {"FLATPAK_ID": "io.github.hal0"}, "linux", "x86_64"), (), Way.FLATPAK),
    (Facts(BOXED, True, {"FLATPAK_ID": "org.other"}, "linux", "x86_64"), (), Way.UNPACKED),
    (Facts(SETUP, True, {}, "win32", "AMD64"), (str(SETUP.parent / "unins000.exe"),), Way.WINGET),
    (Facts(SETUP, True, {}, "win32", "AMD64"), (), Way.UNPACKED),
    (
        Facts(POSIX("/Applications/hal0.app/Contents/MacOS/hal0"), True, {}, "darwin", "arm64"),
        ("/opt/homebrew/Caskroom/hal0",),
        Way.HOMEBREW,
    ),
    (Facts(POSIX("/Applications/hal0.app/Contents/MacOS/hal0"), True, {}, "darwin", "arm64"), (), Way.UNPACKED),
    (Facts(POSIX("/home/me/hal0"), False, {}, "linux", "x86_64"), ("/home/me/hal0/.git",), Way.CHECKOUT),
    (Facts(POSIX("/x/pipx/venvs/hal0/lib/site-packages"), False, {}, "linux", "x86_64"), (), Way.PIPX),
    (Facts(POSIX("/x/venv/lib/site-packages"), False, {}, "linux", "x86_64"), (), Way.PIP),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "there", "way"), WAYS)
def test_the_way_is_seen(facts: Facts, there: tuple[str, ...], way: Way) -> None:
    assert installed_by(facts, lambda path: path in there) is way


def test_every_way_is_seen_by_one_of_these() -> None:
    assert {way for _facts, _there, way in WAYS} == set(Way)


@pytest.mark.parametrize(
    ("way", "command"),
    [
        (Way.DEB, "sudo apt install ./hal0_0.2.0_amd64.deb"),
        (Way.FLATPAK, "flatpak update io.github.hal0"),
        (Way.WINGET, "winget upgrade hal0.hal0"),
        (Way.HOMEBREW, "brew upgrade --cask hal0"),
        (Way.APPIMAGE, ""),
    ],
)
def test_the_notice_names_its_command(way: Way, command: str) -> None:
    assert update_command(way, "0.2.0", "x86_64") == command
    line = update_line(UpdateStatus("hal0", "0.1.0", "0.2.0", command))
    ends = f"Update it with `{command}`." if command else "you have 0.1.0."
    assert line.startswith("hal0 0.2.0 is available; you have 0.1.0.") and line.endswith(ends)
