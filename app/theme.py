"""Colours of the window for light and dark, and the style sheet made of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from string import Template

from PySide6.QtGui import QPalette

from router.state import ServerState, SlotState, SlotStatus


class Tone(StrEnum):
    """The meaning of a colour; never the only bearer of that meaning."""

    QUIET = "quiet"
    GOOD = "good"
    BUSY = "busy"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Colours:
    card: str
    line: str
    muted: str
    quiet: str
    good: str
    busy: str
    bad: str
    quiet_ground: str
    good_ground: str
    busy_ground: str
    bad_ground: str
    accent: str
    others: str

    def tone(self, tone: Tone) -> str:
        return {Tone.QUIET: self.quiet, Tone.GOOD: self.good, Tone.BUSY: self.busy, Tone.BAD: self.bad}[tone]


LIGHT = Colours(
    card="#ffffff", line="#d5d9e1", muted="#5c6575",
    quiet="#5c6575", good="#116b3a", busy="#8a5300", bad="#b3261e",
    quiet_ground="#eceef2", good_ground="#dcf3e4", busy_ground="#fdeecf", bad_ground="#fbe1df",
    accent="#2f6fde", others="#aab2c0",
)  # fmt: skip
DARK = Colours(
    card="#2b2e35", line="#42474f", muted="#a3abba",
    quiet="#a3abba", good="#6fdc9b", busy="#f5c063", bad="#ff9a92",
    quiet_ground="#31353e", good_ground="#1c3a29", busy_ground="#40331a", bad_ground="#46221f",
    accent="#6aa0ff", others="#5b6473",
)  # fmt: skip


def colours(palette: QPalette) -> Colours:
    """The colours that go with the desktop's own palette, however it was chosen."""
    return DARK if palette.window().color().lightness() < 128 else LIGHT


def slot_tone(slot: SlotStatus) -> Tone:
    if slot.state.switching:
        return Tone.BUSY
    return {SlotState.READY: Tone.GOOD, SlotState.FAILED: Tone.BAD}.get(slot.state, Tone.QUIET)


def server_tone(state: ServerState) -> Tone:
    return {ServerState.RUNNING: Tone.GOOD, ServerState.FAILED: Tone.BAD}.get(state, Tone.BUSY)


# Buttons and lists stay the platform's own; only what carries meaning is coloured.
_SHEET = Template("""
QFrame[card="true"] { background: $card; border: 1px solid $line; border-radius: 8px; }
QLabel { border: none; background: transparent; }
QLabel[muted="true"] { color: $muted; }
QLabel[title="true"] { font-weight: 600; }
QLabel[chip="true"] { border-radius: 10px; padding: 3px 10px; font-weight: 600; }
QLabel[tone="quiet"] { color: $quiet; background: $quiet_ground; }
QLabel[tone="good"] { color: $good; background: $good_ground; }
QLabel[tone="busy"] { color: $busy; background: $busy_ground; }
QLabel[tone="bad"] { color: $bad; background: $bad_ground; }
QLabel[failed="true"] { color: $bad; }
QProgressBar { background: $quiet_ground; border: none; border-radius: 3px; max-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
""")


def style_sheet(chosen: Colours) -> str:
    return _SHEET.substitute({name: getattr(chosen, name) for name in Colours.__slots__})
