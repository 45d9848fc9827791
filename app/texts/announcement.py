"""The first line on the terminal."""

from __future__ import annotations

from app.texts.translate import tr

IN_TRAY = tr("its icon is in the tray")
NO_TRAY = tr("no tray icon, as this desktop has no tray: hal0 is in its window")
GNOME = tr(
    "no tray icon, as GNOME shows none by itself: hal0 is in its window. For the icon install the extension "
    "AppIndicator (Debian and Ubuntu: gnome-shell-extension-appindicator) and log in again"
)
NO_DISPLAY = tr("no tray icon without a display: Ctrl+C ends it")


def is_up(version: str, endpoint: str) -> str:
    return tr("hal0 {version} is up at {endpoint}").format(version=version, endpoint=endpoint)


def runs_already(endpoint: str) -> str:
    return tr("hal0 runs already at {endpoint}, and is shown here").format(endpoint=endpoint)


def not_up(error: str) -> str:
    return tr("hal0 is not up: {error}").format(error=error)
