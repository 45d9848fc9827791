"""Pure: the line in which hal0 says on the terminal that it is up, where, and where its icon is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto

from app.texts import announcement as words
from app.texts import common as text
from router.state import ServerState, ServerStatus


class Icon(Enum):
    """Where a person finds hal0."""

    IN_TRAY = auto()
    NO_TRAY = auto()
    NO_DISPLAY = auto()


def announcement(
    server: ServerStatus, icon: Icon, environment: Mapping[str, str], *, others: bool = False
) -> str | None:
    """Return the line; None as long as there is nothing to say. `others`: another process's hal0 answers."""
    if server.state is ServerState.FAILED and server.error:
        return words.not_up(server.error)
    if server.state is not ServerState.RUNNING:
        return None
    up = (
        words.runs_already(text.endpoint(server))
        if others
        else words.is_up(server.version, text.endpoint(server))
    )
    return text.SEPARATOR.join((up, _place(icon, environment)))


def _place(icon: Icon, environment: Mapping[str, str]) -> str:
    if icon is Icon.IN_TRAY:
        return words.IN_TRAY
    if icon is Icon.NO_DISPLAY:
        return words.NO_DISPLAY
    gnome = "gnome" in environment.get("XDG_CURRENT_DESKTOP", "").lower()
    return words.GNOME if gnome else words.NO_TRAY
