"""A Debian 13 in a folder of its own, with Wine 10 and the compiler for Windows.

Debian 12's Wine is too old for Qt 6.11, and so nothing is installed on this system but debootstrap. Needs root,
as debootstrap and mounting do.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RELEASE = "trixie"
PACKAGES = (
    *("wine", "wine64", "xvfb", "xauth", "xdotool", "imagemagick", "fonts-dejavu-core", "libgl1"),
    *("g++-mingw-w64-x86-64-posix", "cmake", "ninja-build"),
)
SYSTEM_PATH = "/usr/lib/wine:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

# In a mount namespace of its own: all of it is gone with the program.
# $1: the folder, $2: the cache, $3: the checkout.
_ENTER = """
set -e
root=$1 cache=$2 checkout=$3; shift 3
mkdir -p "$root/cache" "$root/hal0"
mount --bind /proc "$root/proc"
mount --bind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount --rbind /tmp "$root/tmp"
mount --bind "$cache" "$root/cache"
mount --bind "$checkout" "$root/hal0"
exec chroot "$root" sh -c 'cd /hal0 && exec "$@"' sh "$@"
"""


class MissingError(RuntimeError):
    """One sentence: what this system lacks, and what can be done."""


@dataclass(frozen=True)
class Debian:
    """The folder's system. Within it the cache is /cache and the checkout /hal0, wherever they are here."""

    cache: Path

    @property
    def folder(self) -> Path:
        return self.cache / "debian"

    def inside(self, path: Path) -> str:
        """Return where something in the cache or the checkout is within it."""
        if path.is_relative_to(self.cache):
            return f"/cache/{path.relative_to(self.cache)}"
        return f"/hal0/{path.relative_to(ROOT)}"

    def command(self, *argv: str) -> list[str]:
        enter = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ENTER, "sh"]
        return [*enter, str(self.folder), str(self.cache), str(ROOT), *argv]

    def environment(self, **more: str) -> dict[str, str]:
        """Return all variables a program gets there; none of this system's."""
        base = {
            "PATH": SYSTEM_PATH,
            "HOME": "/cache/home",
            "LANG": "C.UTF-8",
            "DEBIAN_FRONTEND": "noninteractive",
        }
        return base | more

    def output(self, *argv: str) -> str:
        """Run a program there and return what it wrote. Raises MissingError when it fails."""
        run = subprocess.run(
            self.command(*argv),
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        if run.returncode != 0:
            last = (run.stdout + run.stderr).strip()[-2000:]
            raise MissingError(f"`{' '.join(argv)}` failed in the private Debian 13: {last}")
        return run.stdout


def prepare(cache: Path) -> Debian:
    """Return it, made if it is not there. Raises MissingError."""
    debian, stamp = Debian(cache), cache / "debian.stamp"
    state = " ".join((RELEASE, *PACKAGES))
    can_mount()
    if stamp.exists() and stamp.read_text() == state:
        return debian
    stamp.unlink(missing_ok=True)
    need("debootstrap")
    shutil.rmtree(debian.folder, ignore_errors=True)
    keyring = [f"--keyring={KEYRING}"] if KEYRING.exists() else []
    bootstrap = ["debootstrap", "--variant=minbase", *keyring, RELEASE, str(debian.folder)]
    run = subprocess.run(bootstrap, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise MissingError(
            f"debootstrap could not make a Debian 13: {(run.stdout + run.stderr).strip()[-1000:]}"
        )
    debian.output("apt-get", "update", "-q")
    debian.output("apt-get", "install", "--yes", "--no-install-recommends", "-q", *PACKAGES)
    debian.output("apt-get", "clean")
    stamp.write_text(state)
    return debian


def can_mount() -> None:
    if os.geteuid() != 0:
        raise MissingError("Wine's folder takes root to make and to enter, and this is not run as root")
    need("unshare")
    probe = ["unshare", "--mount", "--propagation", "private", "mount", "--bind", "/proc", "/proc"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        raise MissingError("this system does not let root mount (a container without CAP_SYS_ADMIN?)")


def need(program: str) -> None:
    if shutil.which(program) is None:
        package = {"unshare": "util-linux"}.get(program, program)
        raise MissingError(f"{program} is not installed; on Debian and Ubuntu: apt-get install {package}")


@contextlib.contextmanager
def alone(cache: Path) -> Generator[None]:
    """Wait until no other run uses the cache: they would share one Wine."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
