"""Print every package of hal0, its files, and what is in each: the first line of its docstring."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def subject(file: Path) -> str:
    """The first line of the module's docstring, "" where there is none."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.partition("\n")[0]


def main() -> None:
    for top in ("router", "app", "resources", "packaging"):
        for folder in sorted(init.parent for init in (ROOT / top).rglob("__init__.py")) or [ROOT / top]:
            init = folder / "__init__.py"
            print(
                f"\n{folder.relative_to(ROOT).as_posix()}/  {subject(init) if init.exists() else ''}".rstrip()
            )
            for file in sorted(set(folder.glob("*.py")) - {init}):
                print(f"  {file.stem:<20} {subject(file)}")


if __name__ == "__main__":
    main()
