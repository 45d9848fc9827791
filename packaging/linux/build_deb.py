"""Builds a Debian package of dist/hal0: python packaging/linux/build_deb.py [--help].

Needs dpkg-deb and a bundle (`make bundle`). The package has no maintainer scripts: nothing of anybody's is
started, stopped or changed; Debian's own triggers refresh menus, icons and MIME types. Prints its file.
"""

from __future__ import annotations

import argparse
import gzip
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from email.utils import formatdate
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from bundle_looks import ICON, png  # noqa: E402
from bundle_parts import FROM_THE_HOST  # noqa: E402

from router.base.version import __version__  # noqa: E402

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ICON_SIZES = (16, 22, 24, 32, 48, 64, 128, 256)
PLACES = {
    HERE / "hal0.desktop": "usr/share/applications/hal0.desktop",
    HERE / "io.github.hal0.metainfo.xml": "usr/share/metainfo/io.github.hal0.metainfo.xml",
    HERE / "hal0-mime.xml": "usr/share/mime/packages/hal0.xml",
    HERE / "hal0-system.service": "usr/lib/systemd/system/hal0.service",
    ROOT / "resources" / "systemd" / "hal0.service": "usr/lib/systemd/user/hal0.service",
    HERE / "lintian-overrides": "usr/share/lintian/overrides/hal0",
    ICON: "usr/share/icons/hicolor/scalable/apps/hal0.svg",
}
"""Our file -> its place below the root."""

MAINTAINER = "The hal0 authors <hal0@users.noreply.github.com>"

CONTROL = """\
Package: hal0
Version: {version}
Architecture: {architecture}
Maintainer: {maintainer}
Installed-Size: {kilobytes}
Depends: libc6 (>= {libc}), {depends}
Recommends: ca-certificates
Suggests: libgtk-3-0t64 | libgtk-3-0
Section: utils
Priority: optional
Description: one local endpoint for AI models, with a tray to change the model
 hal0 gives a computer one local, OpenAI-compatible address that never
 changes. A tray icon changes the model behind it; hal0 runs the llama-server
 processes.
 .
 Two systemd units come along and are off until somebody enables them: one of
 a person's own (systemctl --user enable hal0), one of the whole computer.
"""

COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: hal0

Files: *
Copyright: 2026 the hal0 authors
License: Expat

License: Expat
"""


def main() -> int:
    arguments = argparse.ArgumentParser(description="Build a Debian package of dist/hal0.")
    arguments.add_argument("--bundle", type=Path, default=ROOT / "dist" / "hal0")
    arguments.add_argument("--out", type=Path, default=ROOT / "dist")
    arguments.add_argument("--version", default=__version__)
    arguments.add_argument("--fast", action="store_true", help="hardly compressed, for tests")
    given = arguments.parse_args()
    if not (given.bundle / "hal0").is_file():
        print(f"build_deb: {given.bundle} is no bundle; run `make bundle` first.", file=sys.stderr)
        return 1
    print(build(given.bundle, given.out, given.version, fast=given.fast))
    return 0


def build(bundle: Path, out: Path, version: str, *, fast: bool) -> Path:
    """Make the package in `out` and return it."""
    architecture = ARCHITECTURES[platform.machine()]
    target = out / f"hal0_{version}_{architecture}.deb"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary) / "root"
        lay_out(root, bundle, version)
        (root / "DEBIAN").mkdir()
        (root / "DEBIAN" / "control").write_text(control(root, version, architecture))
        (root / "DEBIAN" / "md5sums").write_text(md5sums(root))
        shutil.copyfile(HERE / "postrm", root / "DEBIAN" / "postrm")
        set_modes(root)
        compression = ["-Zgzip", "-z1"] if fast else ["-Zxz"]
        argv = ["dpkg-deb", "--root-owner-group", *compression, "--build", str(root), str(target)]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=os.environ | dated())
    return target


def lay_out(root: Path, bundle: Path, version: str) -> None:
    """All files of the package below `root`."""
    shutil.copytree(bundle, root / "usr" / "lib" / "hal0", symlinks=True)
    (root / "usr" / "bin").mkdir()
    (root / "usr" / "bin" / "hal0").symlink_to("../lib/hal0/hal0")
    for source, place in PLACES.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, root / place)
    for size, picture in png(ICON_SIZES).items():
        file = root / "usr/share/icons/hicolor" / f"{size}x{size}" / "apps" / "hal0.png"
        file.parent.mkdir(parents=True)
        file.write_bytes(picture)
    documents = root / "usr/share/doc/hal0"
    documents.mkdir(parents=True)
    licence = "".join(f" {line or '.'}\n" for line in (ROOT / "LICENSE").read_text().splitlines()[4:])
    (documents / "copyright").write_text(COPYRIGHT + licence)
    _gzip(documents / "NEWS.md.gz", (ROOT / "CHANGELOG.md").read_bytes())
    _gzip(documents / "changelog.gz", changelog(version).encode())
    man = (HERE / "hal0.1").read_text().replace(".TH HAL0 1", f'.TH HAL0 1 "" "hal0 {version}"')
    _gzip(root / "usr/share/man/man1/hal0.1.gz", man.encode())


def _gzip(file: Path, data: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(data, 9, mtime=0))


def control(root: Path, version: str, architecture: str) -> str:
    size = sum(file.stat().st_size for file in root.rglob("*") if file.is_file() and not file.is_symlink())
    depends = ", ".join(dict.fromkeys(sorted(FROM_THE_HOST.values())))
    # What was built here runs on this glibc and newer ones.
    libc = ".".join(platform.libc_ver()[1].split(".")[:2]) or "2.36"
    return CONTROL.format(
        version=version,
        architecture=architecture,
        maintainer=MAINTAINER,
        kilobytes=size // 1024,
        depends=depends,
        libc=libc,
    )


def changelog(version: str) -> str:
    """Debian's own: one entry that points at ours."""
    date = formatdate(int(os.environ.get("SOURCE_DATE_EPOCH") or dated()["SOURCE_DATE_EPOCH"]))
    return f"hal0 ({version}) stable; urgency=medium\n\n  * See NEWS.md.gz.\n\n -- {MAINTAINER}  {date}\n"


def md5sums(root: Path) -> str:
    from hashlib import md5

    files = sorted(f for f in (root / "usr").rglob("*") if f.is_file() and not f.is_symlink())
    return "".join(f"{md5(f.read_bytes()).hexdigest()}  {f.relative_to(root)}\n" for f in files)  # noqa: S324


def set_modes(root: Path) -> None:
    """Readable by all, writable by root; programs are what the bundle and dpkg run, libraries are not."""
    bundle = root / "usr/lib/hal0"
    programs = {bundle / "hal0", bundle / "_internal/patchelf", root / "DEBIAN/postrm"}
    for path in [root, *root.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path in programs else 0o644)


def dated() -> dict[str, str]:
    """The time that goes into the archive: the last commit's, so that the same sources make the same bytes."""
    if "SOURCE_DATE_EPOCH" in os.environ:
        return {}
    argv = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    known = subprocess.run(argv, check=False, capture_output=True, text=True).stdout.strip()
    return {"SOURCE_DATE_EPOCH": known or "0"}


if __name__ == "__main__":
    sys.exit(main())
