"""Print every package of hal0, its files, and what is in each: the first sentence of its docstring."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def subject(file: Path) -> str:
    """The first sentence of the module's docstring, "" where there is none."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return re.split(r"(?<=[.?!])\s", " ".join(text.partition("\n\n")[0].split()))[0]


def main(wanted: Sequence[str]) -> None:
    """`wanted`: folders to tell of, with those below; all of hal0 without any."""
    for top in wanted or ("router", "app", "resources", "packaging"):
        for folder in sorted(init.parent for init in (ROOT / top).rglob("__init__.py")) or [ROOT / top]:
            init = folder / "__init__.py"
            heading = subject(init) if init.exists() else ""
            print(f"\n{folder.relative_to(ROOT).as_posix()}/  {heading}".rstrip())
            for file in sorted(set(folder.glob("*.py")) - {init}):
                print(f"  {file.stem:<20} {subject(file)}")


if __name__ == "__main__":
    main(sys.argv[1:])
