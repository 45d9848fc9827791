"""Draws every screen and state of the window into PNG files: for people who look, and for a test.

    .venv/bin/python packaging/pictures.py FOLDER [--only NAME…]

Each scene is drawn light and dark; some again at 200 %. The test beside it checks structure, not pixels.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    arguments = argparse.ArgumentParser(description="Draw every screen of hal0's window.")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--only", nargs="*", default=[])
    arguments.add_argument("--dark", action="store_true", help="(internal) this process draws dark")
    arguments.add_argument("--child", action="store_true", help="(internal) draw in this process")
    given = arguments.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    if given.child:
        return draw(
            given.folder, set(given.only), dark=given.dark, scale=os.environ.get("QT_SCALE_FACTOR", "1")
        )
    codes = [_child(given.folder, given.only, dark=dark, scale=scale) for dark, scale in PASSES]
    return max(codes)


# A window is never larger than its screen: the platform's own is too small for one at 200 %.
SCREEN = {"name": "large", "x": 0, "y": 0, "width": 3840, "height": 2400, "logicalDpi": 96}
PASSES = ((False, 1), (True, 1), (False, 2))


def _child(folder: Path, only: list[str], *, dark: bool, scale: int) -> int:
    """A scale holds for a whole process, and a palette is best never changed in one."""
    with tempfile.TemporaryDirectory() as home:
        screens = Path(home) / "screens.json"
        screens.write_text(json.dumps({"screens": [SCREEN]}))
        env = os.environ | {
            # By its name alone: Qt splits at colons, and on Windows a path has one.
            "QT_QPA_PLATFORM": f"offscreen:configfile={screens.name}",
            "QT_SCALE_FACTOR": str(scale),
            "PYTHONPATH": str(ROOT),
            "XDG_CONFIG_HOME": home,
        }
        argv = [sys.executable, __file__, str(folder.resolve()), "--child", *(["--dark"] if dark else [])]
        argv += ["--only", *only] if only else []
        return subprocess.run(argv, env=env, cwd=home, check=False).returncode


def draw(folder: Path, only: set[str], *, dark: bool, scale: str) -> int:
    """Draw all scenes in this process; returns 0."""
    # pytest and others bring a package called `packaging`; this folder must not shadow it.
    sys.path[:] = [entry for entry in sys.path if Path(entry).resolve() != Path(__file__).parent]
    from PySide6.QtWidgets import QApplication

    from tests.app.gallery import SCENES, dark_palette

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    app.setStyle("fusion")
    if dark:
        app.setPalette(dark_palette())
    suffix = "-200" if scale != "1" else "-dark" if dark else ""
    for name, make in SCENES.items():
        if (only and name not in only) or (scale != "1" and name not in AT_200):
            continue
        _draw(make, folder / f"{name}{suffix}.png")
    return 0


AT_200 = ("ready", "switching", "first-run", "logs")


def _draw(make: Callable[[], object], file: Path) -> None:
    from PySide6.QtWidgets import QApplication, QWidget

    widget = make()
    assert isinstance(widget, QWidget)
    widget.show()
    for _ in range(3):  # layouts settle, then what was put off until then
        QApplication.processEvents()
    widget.grab().save(str(file))
    widget.close()


if __name__ == "__main__":
    sys.exit(main())
