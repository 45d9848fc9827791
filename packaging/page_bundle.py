"""The page's first view as one file, resources/page/js/app.js: python packaging/page_bundle.py [--check].

A browser that opens the page asks for this one file and not for the sixteen that it is made of. The views that
come later share with it what they import from it. esbuild joins the files, without minifying: a change is as
small in the bundle as in its source. The first line has a checksum of all that went in, which a test compares.
`--check` writes nothing and fails where esbuild makes something else. esbuild is what packaging/page pins; npm
fetches it (from the registry that it is set up for). Nobody who installs hal0 needs this, or npm.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "resources" / "page"
ENTRY, BUNDLE = PAGE / "js" / "first_view.js", PAGE / "js" / "app.js"
TOOL = HERE / "page"
LICENCES = "// Preact and htm are in it; their licences: vendor/licenses."


def main() -> int:
    arguments = argparse.ArgumentParser(description="Bundle the page's first view.")
    arguments.add_argument("--check", action="store_true", help="write nothing, fail where the file differs")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        joined = _joined(Path(folder))
    made = f"// Made by packaging/page_bundle.py: sha256 {checksum(joined)}\n{LICENCES}\n{joined}"
    if check:
        same = BUNDLE.is_file() and BUNDLE.read_text(encoding="utf-8") == made
        print("as esbuild makes it" if same else f"differs: {BUNDLE}")
        return 0 if same else 1
    BUNDLE.write_text(made, encoding="utf-8")
    print(f"{len(made) / 1000:.1f} KB in {BUNDLE}")
    return 0


def parts(bundle: str) -> list[Path]:
    """Return the files that a bundle's text names as its parts."""
    return [PAGE / name for name in re.findall(r"^// ((?:js|vendor)/\S+\.js)$", bundle, re.MULTILINE)]


def checksum(bundle: str) -> str:
    """Return one for all files that `bundle` is made of, as they are now."""
    found = hashlib.sha256()
    for file in (ENTRY, *parts(bundle)):
        found.update(file.read_bytes() + b"\0")
    return found.hexdigest()


def _joined(folder: Path) -> str:
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(TOOL / name, folder)
    _run(["npm", "ci", "--silent", "--ignore-scripts"], folder)
    options = ["--bundle", "--format=esm", "--target=es2022", "--external:/page/*", "--legal-comments=none"]
    return _run(
        [str(folder / "node_modules" / ".bin" / "esbuild"), str(ENTRY.relative_to(PAGE)), *options], PAGE
    )


def _run(command: list[str], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{Path(command[0]).name} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
