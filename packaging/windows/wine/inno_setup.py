"""Inno Setup's compiler, as npm's `innosetup` has it, and Wine's 32-bit half, which it and setup.exe take."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

from debian import Debian

VERSION = "6.4.1"
SHA512 = "Bh/dNlyyFsFKBGoTf19n1msPnm4Njfb0CWVirw2CV1MSJXYy0ajRI+xjo/Yr9DtZFLLafhnwm1ZsxTu309F8lQ=="
LIBRARIES = "/usr/lib/x86_64-linux-gnu/wine/i386-windows"
# Wine's libraries for 32-bit programs are programs of Windows' kind: 64-bit Wine loads them as they are, and
# nothing is needed of all that Debian wants beside them. apt checks what it downloads by Debian's signatures.
_ADD = f"""
set -e
dpkg --add-architecture i386
apt-get update -q
cd /var/cache/apt/archives
apt-get download -q libwine:i386="$(dpkg-query -W -f '${{Version}}' libwine)"
dpkg-deb -x libwine_*_i386.deb unpacked
cp --no-clobber unpacked/usr/lib/i386-linux-gnu/wine/i386-windows/* {LIBRARIES}
rm -r unpacked libwine_*_i386.deb
dpkg --remove-architecture i386
"""


def add_32_bit(debian: Debian) -> None:
    """Let that system's Wine run 32-bit programs. Raises MissingError."""
    if not (debian.folder / LIBRARIES.removeprefix("/") / "kernel32.dll").exists():
        debian.output("sh", "-c", _ADD)


def prepare(cache: Path) -> Path:
    """Return the folder of ISCC.exe, downloaded if it is not there. Raises RuntimeError."""
    folder, unpacked = cache / f"innosetup-{VERSION}", cache / "innosetup.unpacked"
    if folder.exists():
        return folder
    archive = download(cache / "sources")
    shutil.rmtree(unpacked, ignore_errors=True)
    with tarfile.open(archive) as content:
        content.extractall(unpacked, filter="data")
    (unpacked / "package" / "bin").rename(folder)
    shutil.rmtree(unpacked)
    return folder


def download(folder: Path) -> Path:
    if shutil.which("npm") is None:
        raise RuntimeError("npm is not installed, from which Inno Setup's compiler comes: apt-get install npm")
    folder.mkdir(parents=True, exist_ok=True)
    argv = ["npm", "pack", "--silent", f"innosetup@{VERSION}"]
    run = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise RuntimeError(f"npm could not download Inno Setup's compiler: {run.stderr.strip()[-500:]}")
    archive = folder / f"innosetup-{VERSION}.tgz"
    digest = hashlib.sha512(archive.read_bytes()).digest()
    if base64.b64encode(digest).decode() != SHA512:
        archive.unlink()
        raise RuntimeError(f"{archive.name} is not what is pinned; it was removed: run this again")
    return archive
