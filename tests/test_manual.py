"""The manual builds, leaves no page out, and says what the code says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md"))


def run(*argv: str) -> str:
    done = subprocess.run([sys.executable, *argv], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def leaves(entry: object) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    entries = entry.values() if isinstance(entry, dict) else entry
    return [leaf for item in entries for leaf in leaves(item)]  # type: ignore[attr-defined]


def test_what_the_code_knows_stands_in_the_manual_as_it_is_now() -> None:
    run("packaging/manual.py", "--check")


def test_every_page_is_in_the_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert sorted(leaves(nav)) == PAGES


def test_the_manual_builds_without_a_broken_link(tmp_path: Path) -> None:
    run("-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path))
    assert len(list(tmp_path.rglob("*.html"))) >= len(PAGES)
    assert (tmp_path / "hal0.schema.json").read_bytes() == (ROOT / "docs" / "hal0.schema.json").read_bytes()
    front = (tmp_path / "index.html").read_text()
    assert "https://fonts" not in front, "a manual that reports its readers to others"
