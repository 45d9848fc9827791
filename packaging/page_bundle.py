"""The page's first view as one file, resources/page/js/app.js: python packaging/page_bundle.py [--check].

hal0 sends it within the page: a browser need not ask for the fifteen files that it is made of. Nothing can
import what stands in a page: the views that come later find it in shared.js, which is made here, too, of the
names in offered.js. esbuild joins the files, without minifying: a change is as small in the bundle as in its
source. The first line has a checksum of all that went in, which a test compares. `--check` writes nothing and
fails where esbuild makes something else. esbuild is what packaging/page pins; npm fetches it (from the registry
that it is set up for). Nobody who installs hal0 needs this, or npm.
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
ENTRY, BUNDLE, SHARED = (PAGE / "js" / name for name in ("first_view.js", "app.js", "shared.js"))
TOOL = HERE / "page"
LICENCES = "// Preact and htm are in it; their licences: vendor/licenses."


def main() -> int:
    arguments = argparse.ArgumentParser(description="Bundle the page's first view.")
    arguments.add_argument("--check", action="store_true", help="write nothing, fail where the file differs")
    check = arguments.parse_args().check
    with tempfile.TemporaryDirectory() as folder:
        joined = _joined(Path(folder))
    head = f"// Made by packaging/page_bundle.py: sha256 {checksum(joined)}\n{LICENCES}\n"
    # No module: that would wait until the page has been drawn without it. esbuild's own way to wrap it, iife,
    # does away with import().
    made = f'{head}(() => {{\n"use strict";\n{joined}}})();\n'
    wanted = {BUNDLE: made, SHARED: shared(made)}
    if check:
        differing = [file for file, text in wanted.items() if not (file.is_file() and _read(file) == text)]
        print(f"differs: {', '.join(map(str, differing))}" if differing else "as esbuild makes it")
        return 1 if differing else 0
    for file, text in wanted.items():
        file.write_text(text, encoding="utf-8")
        print(f"{len(text) / 1000:.1f} KB in {file}")
    return 0


def parts(bundle: str) -> list[Path]:
    """Return the files that a bundle's text names as its parts."""
    return [PAGE / name for name in re.findall(r"^// ((?:js|vendor)/\S+\.js)$", bundle, re.MULTILINE)]


def shared(bundle: str) -> str:
    """Return the module in which later views find what `bundle` offers them."""
    offered = re.search(r"^__export\(offered_exports, \{\n(.*?)^\}\);", bundle, re.MULTILINE | re.DOTALL)
    if offered is None:
        raise SystemExit("esbuild's output has no offered_exports: has it changed how it writes them?")
    names = re.findall(r"^  (\w+): \(\) =>", offered[1], re.MULTILINE)
    lines = "".join(f"  {name},\n" for name in names)
    head = "// Made by packaging/page_bundle.py: what the first view, which stands in the page, shares."
    return f"{head}\nexport const {{\n{lines}}} = globalThis.hal0;\n"


def checksum(bundle: str) -> str:
    """Return one for all files that `bundle` is made of, as they are now."""
    found = hashlib.sha256()
    for file in (ENTRY, *parts(bundle)):
        found.update(file.read_bytes() + b"\0")
    return found.hexdigest()


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


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
