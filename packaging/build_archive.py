"""Packs dist/hal0 into dist/hal0-VERSION-SYSTEM-MACHINE.tar.xz (Windows: .zip).

Usage: python packaging/build_archive.py. Prints the file it made. The same bundle makes the same bytes: sorted
names, no owners, one time for all.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

from bundle_looks import ROOT, __version__

BUNDLE = ROOT / "dist" / "hal0"


def main() -> int:
    if not BUNDLE.is_dir():
        print("build_archive: there is no dist/hal0; run `make bundle` first.", file=sys.stderr)
        return 1
    name = f"hal0-{__version__}-{platform.system().lower()}-{platform.machine().lower()}"
    target = ROOT / "dist" / (name + (".zip" if os.name == "nt" else ".tar.xz"))
    if os.name == "nt":
        pack_zip(target)
    else:
        pack_tar(target)
    print(target)
    return 0


def pack_tar(target: Path) -> None:
    """With xz on all cores where there is one: Python's own takes one, and twice the time here."""
    epoch = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = epoch
        entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
        return entry

    xz = shutil.which("xz")
    if xz is None:
        with tarfile.open(target, "w:xz") as archive:
            archive.add(BUNDLE, "hal0", filter=plain)
        return
    # One block size for any number of cores, so that the bytes do not depend on it.
    argv = [xz, "-6", "-T0", "--block-size=24MiB", "-c"]
    with target.open("wb") as file, subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=file) as packer:
        assert packer.stdin is not None
        with packer.stdin, tarfile.open(fileobj=packer.stdin, mode="w|") as archive:
            archive.add(BUNDLE, "hal0", filter=plain)
    if packer.returncode != 0:
        raise SystemExit(f"build_archive: xz ended with code {packer.returncode}.")


def pack_zip(target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(path for path in BUNDLE.rglob("*") if path.is_file()):
            archive.write(file, Path("hal0") / file.relative_to(BUNDLE))


if __name__ == "__main__":
    sys.exit(main())
