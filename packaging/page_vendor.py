"""The page's libraries (resources/page/vendor), as npm has them: python packaging/page_vendor.py [--check].

Each package of resources/page/vendor/lock.json is fetched by `npm pack` (from the registry that npm is set up
for) and compared with its checksum; the files it names are written, with the package's licence. `--check`
writes nothing and fails where a file differs. A new version: change it in the lock, without its `integrity`,
run this, and look at what changed. Nobody who installs hal0 needs this, or npm.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).resolve().parent.parent / "resources" / "page" / "vendor"
LOCK = VENDOR / "lock.json"


def main() -> int:
    arguments = argparse.ArgumentParser(description="Fetch the libraries of the page.")
    arguments.add_argument("--check", action="store_true", help="write nothing, fail where a file differs")
    check = arguments.parse_args().check
    lock = json.loads(LOCK.read_text())
    with tempfile.TemporaryDirectory() as folder:
        found = {name: made for package in lock for name, made in _files(package, Path(folder), check).items()}
    if check:
        differing = [name for name, made in found.items() if _there(name) != made]
        differing += sorted(_names() - found.keys() - {LOCK.name})
        print("\n".join(f"differs: {name}" for name in differing) or "all as npm has them")
        return 1 if differing else 0
    for name, made in found.items():
        (VENDOR / name).parent.mkdir(parents=True, exist_ok=True)
        (VENDOR / name).write_bytes(made)
    LOCK.write_text(json.dumps(lock, indent=2) + "\n")
    print(f"{len(found)} files in {VENDOR}")
    return 0


def _files(package: dict[str, Any], folder: Path, check: bool) -> dict[str, bytes]:
    """What is to lie in VENDOR, by name; notes the checksum of a package that has none yet."""
    archive = _packed(f"{package['name']}@{package['version']}", folder)
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if package.setdefault("integrity", "" if check else f"sha512-{digest}") != f"sha512-{digest}":
        raise SystemExit(f"{archive.name} is not the file that was locked: {package['integrity']}")
    with tarfile.open(archive) as tar:
        found = {name: _read(tar, wanted["from"]) for name, wanted in package["files"].items()}
        for name, wanted in package["files"].items():
            for old, new in wanted.get("replace", {}).items():
                if old.encode() not in found[name]:
                    raise SystemExit(f"{old!r} is not in {name} any more")
                found[name] = found[name].replace(old.encode(), new.encode())
            # The maps stay at home, and browsers would look for them.
            found[name] = re.sub(rb"\s*//# sourceMappingURL=\S*\s*$", b"\n", found[name])
            found[name] += wanted.get("append", "").encode()
        return {**found, f"licenses/{package['name']}.txt": _read(tar, package.get("license", "LICENSE"))}


def _packed(package: str, folder: Path) -> Path:
    quietly = ["--silent", "--ignore-scripts", "--pack-destination", str(folder)]
    done = subprocess.run(["npm", "pack", package, *quietly], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"npm pack {package} failed: {done.stderr.strip()}")
    return folder / done.stdout.split()[-1]


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    member = tar.extractfile(f"package/{name}")
    assert member is not None, name
    return member.read()


def _there(name: str) -> bytes | None:
    file = VENDOR / name
    return file.read_bytes() if file.is_file() else None


def _names() -> set[str]:
    return {file.relative_to(VENDOR).as_posix() for file in VENDOR.rglob("*") if file.is_file()}


if __name__ == "__main__":
    sys.exit(main())
