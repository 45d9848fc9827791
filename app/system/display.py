"""Is there a display? Asked before Qt is, which without one ends the process with an abort."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Mapping

X_SECONDS = 2.0
X_FIRST_PORT = 6000


def has_display(env: Mapping[str, str] = os.environ) -> bool:
    """Return whether a window could be shown: always on Windows and macOS, else X11 or Wayland must be there.

    A DISPLAY that was left behind (a closed remote session, tmux) counts only if an X server answers there.
    """
    if sys.platform in ("win32", "darwin"):
        return True
    if env.get("WAYLAND_DISPLAY") or (env.get("QT_QPA_PLATFORM") or "xcb") != "xcb":
        return True
    return bool(env.get("DISPLAY")) and _x_answers(env["DISPLAY"])


def _x_answers(display: str) -> bool:
    """`display`: `[host]:number[.screen]`; connecting is enough, the person's cookie is Qt's business."""
    host, _, rest = display.rpartition(":")
    number = rest.partition(".")[0]
    if not number.isdecimal():
        return True  # a form that only X itself can judge
    if host not in ("", "unix"):
        return _connects(socket.AF_INET, (host, X_FIRST_PORT + int(number)))
    file = f"/tmp/.X11-unix/X{number}"  # noqa: S108 - where X servers listen
    return _connects(socket.AF_UNIX, file) or _connects(socket.AF_UNIX, "\0" + file)


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    try:
        with socket.socket(family) as tried:
            tried.settimeout(X_SECONDS)
            tried.connect(address)
    except OSError:
        return False
    return True
