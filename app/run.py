"""The two ways to run hal0: with the tray, or headless."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.bootstrap import make_service, read_config, start_logging
from router.loop import run


def run_tray(config_file: Path | None, *, hidden: bool = False) -> int:
    """The desktop; where there is no display, says so and serves headless."""
    if not has_display():
        print("hal0: no display was found, so there is no tray; serving headless.", file=sys.stderr)
        return run_headless(config_file)
    config, paths = read_config(config_file)
    listener = start_logging(paths, to_stderr=False)
    try:
        from app.desktop import run_desktop

        return run_desktop(lambda: make_service(config, paths, retry_port=True), paths, hidden=hidden)
    finally:
        listener.stop()


def run_headless(config_file: Path | None) -> int:
    from app.serve import serve

    config, paths = read_config(config_file)
    listener = start_logging(paths, to_stderr=True)
    try:
        run(serve(make_service(config, paths, retry_port=False)))
        return 0
    finally:
        listener.stop()


def has_display() -> bool:
    """Whether a window could be shown: always on Windows and macOS, else X11 or Wayland must be there."""
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or _qt_platform())


def _qt_platform() -> str | None:
    return os.environ.get("QT_QPA_PLATFORM")
