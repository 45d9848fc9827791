"""How this hal0 came onto the computer, and the command that brings a newer one in the same way. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Final


class Way(StrEnum):
    """`UNPACKED`: a folder that a person unpacked, or an image: a newer one is downloaded."""

    APPIMAGE = "appimage"
    FLATPAK = "flatpak"
    DEB = "deb"
    WINGET = "winget"
    HOMEBREW = "homebrew"
    PIPX = "pipx"
    PIP = "pip"
    CHECKOUT = "checkout"
    UNPACKED = "unpacked"


@dataclass(frozen=True, slots=True)
class Facts:
    """`program`: what runs, in a bundle, else the folder of hal0's sources. `bundled`: it brings its own
    Python. `system`: as sys.platform; `machine`: as platform.machine()."""

    program: PurePath
    bundled: bool
    env: Mapping[str, str]
    system: str
    machine: str


DEB_FOLDER: Final = "/usr/lib/hal0"
CASKROOMS: Final = ("/opt/homebrew/Caskroom/hal0", "/usr/local/Caskroom/hal0")
APP_ID: Final = "io.github.hal0"
WINGET_ID: Final = "hal0.hal0"
_DEBIAN: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def installed_by(facts: Facts, exists: Callable[[str], bool]) -> Way:
    """Return how this hal0 was installed; `exists` looks for a path."""
    if facts.env.get("FLATPAK_ID") == APP_ID:
        return Way.FLATPAK
    if not facts.bundled:
        if exists(str(facts.program / ".git")):
            return Way.CHECKOUT
        return Way.PIPX if "pipx" in facts.program.parts else Way.PIP
    if facts.env.get("APPIMAGE"):
        return Way.APPIMAGE
    if facts.system == "linux" and str(facts.program).startswith(f"{DEB_FOLDER}/"):
        return Way.DEB
    if facts.system == "darwin" and any(exists(place) for place in CASKROOMS):
        return Way.HOMEBREW
    # Inno Setup leaves its uninstaller beside the program, whether winget or a person has run it.
    if facts.system == "win32" and exists(str(facts.program.parent / "unins000.exe")):
        return Way.WINGET
    return Way.UNPACKED


def update_command(way: Way, version: str, machine: str) -> str:
    """Return what a person types to have `version`; "" where it is to be downloaded."""
    match way:
        case Way.FLATPAK:
            return f"flatpak update {APP_ID}"
        case Way.DEB:
            return f"sudo apt install ./hal0_{version}_{_DEBIAN.get(machine, machine)}.deb"
        case Way.WINGET:
            return f"winget upgrade {WINGET_ID}"
        case Way.HOMEBREW:
            return "brew upgrade --cask hal0"
        case Way.PIPX:
            return "pipx upgrade hal0"
        case Way.PIP:
            return "pip install --upgrade hal0"
        case Way.CHECKOUT:
            return "git pull && make setup"
        case Way.APPIMAGE | Way.UNPACKED:
            return ""
