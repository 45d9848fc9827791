"""Builds an AppImage of dist/hal0: python packaging/linux/build_appimage.py [--help].

Needs a bundle (`make bundle`) and appimagetool (https://github.com/AppImage/appimagetool), on the PATH or named
by APPIMAGETOOL; it packs the folder that is laid out here behind its own runtime. Prints the file. `--folder`
only lays out the folder, whose AppRun can be run as it is.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from bundle_looks import ICON, png  # noqa: E402

from router.base.version import __version__  # noqa: E402

# The image is mounted anywhere, and a person may have linked to it: only AppRun knows where it lies.
APP_RUN = """\
#!/bin/sh
exec "$(dirname "$(readlink -f "$0")")/usr/lib/hal0/hal0" "$@"
"""


def main() -> int:
    parser = argparse.ArgumentParser(description="Build an AppImage of dist/hal0.")
    parser.add_argument("--bundle", type=Path, default=ROOT / "dist" / "hal0")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    parser.add_argument("--folder", type=Path, help="only lay out this folder")
    given = parser.parse_args()
    if not given.bundle.is_dir():
        return _fail(f"there is no {given.bundle}; run `make bundle` first")
    if given.folder:
        lay_out(given.bundle, given.folder)
        return 0
    tool = os.environ.get("APPIMAGETOOL") or shutil.which("appimagetool")
    if tool is None:
        return _fail("appimagetool was not found; put it on the PATH, or name it by APPIMAGETOOL")
    file = given.out / f"hal0-{__version__}-{platform.machine()}.AppImage"
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work) / "hal0.AppDir"
        lay_out(given.bundle, folder)
        subprocess.run([tool, "--no-appstream", str(folder), str(file)], check=True)
    print(file)
    return 0


def lay_out(bundle: Path, folder: Path) -> None:
    """Put the bundle, and what desktops show of it, where the runtime looks."""
    shutil.copytree(bundle, folder / "usr" / "lib" / "hal0", symlinks=True)
    run = folder / "AppRun"
    run.write_text(APP_RUN)
    run.chmod(0o755)
    shutil.copy(HERE / "hal0.desktop", folder / "hal0.desktop")
    metainfo = folder / "usr" / "share" / "metainfo"
    metainfo.mkdir(parents=True)
    shutil.copy(HERE / "io.github.hal0.metainfo.xml", metainfo)
    (folder / "hal0.png").write_bytes(png((256,))[256])
    (folder / ".DirIcon").symlink_to("hal0.png")
    shutil.copy(ICON, folder / "hal0.svg")


def _fail(why: str) -> int:
    print(f"build_appimage: {why}.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
