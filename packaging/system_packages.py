"""System packages: what Qt needs to show a window, and what the tests need for a real desktop.

Usage: python packaging/system_packages.py run|test|build|package|windows. Installs what is missing where it
may (as root, or with a sudo that asks nothing); otherwise says what is missing. `run` goes on then, headless if
need be, all others fail. `build` is for the bundle, `package` for testing what it is packed into, `windows` for
the tests under Wine.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path

# What is looked for -> the Debian package that has it.
QT_LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
}
TEST_PROGRAMS = {
    "Xvfb": "xvfb",
    "dbus-daemon": "dbus-daemon",
    "xfce4-panel": "xfce4-panel",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "xwininfo": "x11-utils",
    "chromium": "chromium",
    "gcc": "gcc",
    "ip": "iproute2",
    "prometheus": "prometheus",
}
TEST_FILES = {
    "/usr/share/dbus-1/services/org.a11y.Bus.service": "at-spi2-core",
    "/usr/include/stdio.h": "libc6-dev",
    "/usr/share/dbus-1/session.conf": "dbus-session-bus-common",
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf": "fonts-dejavu-core",
}
BUILD_PROGRAMS = {"strip": "binutils", "xz": "xz-utils"}
PACKAGE_PROGRAMS = {
    "appstreamcli": "appstream",
    "desktop-file-validate": "desktop-file-utils",
    "flatpak-builder": "flatpak-builder",
    "lintian": "lintian",
    "rubocop": "rubocop",
    "ruby": "ruby",
    "shellcheck": "shellcheck",
    "systemd-analyze": "systemd",
    "update-mime-database": "shared-mime-info",
    "unshare": "util-linux",
}
WINDOWS_PROGRAMS = {"debootstrap": "debootstrap", "unshare": "util-linux"}
PROGRAMS = {
    "run": {},
    "test": TEST_PROGRAMS,
    "build": BUILD_PROGRAMS,
    "package": PACKAGE_PROGRAMS,
    "windows": WINDOWS_PROGRAMS,
}


def main() -> int:
    purpose = sys.argv[1] if len(sys.argv) == 2 else ""
    if purpose not in PROGRAMS:
        print(__doc__, file=sys.stderr)
        return 2
    if not sys.platform.startswith("linux"):
        return 0
    if purpose == "run" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return 0  # headless: Qt is not even imported
    missing = missing_packages(purpose)
    if not missing:
        return 0
    command = install_command()
    if command is not None:
        print(f"packages: installing {' '.join(missing)}", flush=True)
        if install(command, missing) and not (missing := missing_packages(purpose)):
            return 0
    print(
        f"packages: {'the tray needs' if purpose == 'run' else f'`{purpose}` needs'} system packages that are "
        f"missing; on Debian and Ubuntu: apt-get install {' '.join(missing)}",
        file=sys.stderr,
    )
    return 0 if purpose == "run" else 1


def missing_packages(purpose: str) -> list[str]:
    missing = [package for library, package in QT_LIBRARIES.items() if not has_library(library)]
    missing += [package for program, package in PROGRAMS[purpose].items() if not shutil.which(program)]
    if purpose == "test":
        missing += [package for file, package in TEST_FILES.items() if not Path(file).exists()]
    return missing


def has_library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def install_command() -> list[str] | None:
    """How packages may be installed here without asking anybody."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return ["apt-get"]
    sudo = shutil.which("sudo")
    if sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, check=False).returncode == 0:
        return [sudo, "-n", "apt-get"]
    return None


def install(command: list[str], packages: list[str]) -> bool:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    options = ["--yes", "--no-install-recommends", "-q"]
    for step in (["update", "-q"], ["install", *options, *packages]):
        run = subprocess.run([*command, *step], env=environment, capture_output=True, text=True, check=False)
        if run.returncode != 0:
            print(run.stdout + run.stderr, file=sys.stderr)
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
