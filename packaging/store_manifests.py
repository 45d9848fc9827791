"""Fills the manifests for Flatpak, winget and Homebrew with a release's version and checksums.

    python packaging/store_manifests.py OWNER/NAME SHA256SUMS FOLDER [--version VERSION]

SHA256SUMS is the release's own. A file that it does not have is an error: no manifest names what nobody can
check. Beside the Flatpak's lie the files it copies.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT))

from router.base.version import __version__  # noqa: E402

FOLDERS = ("flatpak", "winget", "homebrew")
BESIDE_FLATPAK = (
    HERE / "linux" / "hal0.desktop",
    HERE / "linux" / "io.github.hal0.metainfo.xml",
    ROOT / "resources" / "icons" / "hal0.svg",
)
_SUM = re.compile(r"@SHA256 ([^@]+)@")


class MissingFile(Exception):
    """Names what SHA256SUMS does not have."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Fill the manifests for Flatpak, winget and Homebrew.")
    parser.add_argument("repository", metavar="OWNER/NAME")
    parser.add_argument("sums", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--version", default=__version__)
    given = parser.parse_args()
    try:
        write_all(given.folder, given.repository, given.version, read_sums(given.sums.read_text("utf-8")))
    except MissingFile as error:
        print(f"store_manifests: {given.sums} has no {error}.", file=sys.stderr)
        return 1
    return 0


def read_sums(text: str) -> dict[str, str]:
    """Return the checksums of sha256sum's lines, by file."""
    lines = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return {name.lstrip("*"): digest for digest, name in lines}


def filled(template: str, repository: str, version: str, sums: Mapping[str, str]) -> str:
    """Return a manifest. Raises MissingFile."""
    text = template.replace("@VERSION@", version).replace("@REPOSITORY@", repository)

    def digest(match: re.Match[str]) -> str:
        if match[1] not in sums:
            raise MissingFile(match[1])
        return sums[match[1]]

    return _SUM.sub(digest, text)


def write_all(folder: Path, repository: str, version: str, sums: Mapping[str, str]) -> None:
    """Write every manifest into a folder of its store's. Raises MissingFile."""
    for store in FOLDERS:
        (folder / store).mkdir(parents=True, exist_ok=True)
        for file in sorted(path for path in (HERE / store).iterdir() if path.suffix in (".yaml", ".rb")):
            text = filled(file.read_text("utf-8"), repository, version, sums)
            (folder / store / file.name).write_text(text, "utf-8")
    for beside in BESIDE_FLATPAK:
        shutil.copy(beside, folder / "flatpak")


if __name__ == "__main__":
    sys.exit(main())
