"""Colours of the window for light and dark, and the style sheet made of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from string import Template

from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication

import resources
from app.views.tone import Tone

_TICK = Path(resources.__file__).with_name("icons") / "check.svg"


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
    all_slots: str
    track: str
    outline: str
    slots: tuple[str, ...]

    def slot(self, number: int | None) -> str:
        """Return the colour of the slot of that number, from 0 in the order of the snapshot; None: all
        together."""
        return self.all_slots if number is None else self.slots[number % len(self.slots)]

    def tone(self, tone: Tone) -> str:
        return {Tone.QUIET: self.quiet, Tone.GOOD: self.good, Tone.BUSY: self.busy, Tone.BAD: self.bad}[tone]


LIGHT = Colours(
    card="#ffffff", line="#d5d9e1", muted="#5c6575",
    quiet="#5c6575", good="#116b3a", busy="#8a5300", bad="#b3261e",
    quiet_ground="#eceef2", good_ground="#dcf3e4", busy_ground="#fdeecf", bad_ground="#fbe1df",
    accent="#2f6fde", others="#aab2c0", all_slots="#4a5a8c", track="#d9dde5", outline="#8b919c",
    slots=("#2f6fde", "#0f8f76", "#b0561b", "#8446c4", "#b8860b", "#c23a72", "#3f7d20", "#0b86a8", "#6d5bd0",
           "#a03c32", "#5f6b1e", "#7a4a68"),
)  # fmt: skip
DARK = Colours(
    card="#2b2e35", line="#42474f", muted="#a3abba",
    quiet="#a3abba", good="#6fdc9b", busy="#f5c063", bad="#ff9a92",
    quiet_ground="#31353e", good_ground="#1c3a29", busy_ground="#40331a", bad_ground="#46221f",
    accent="#6aa0ff", others="#5b6473", all_slots="#9fb0e6", track="#3d434e", outline="#767d8a",
    slots=("#6aa0ff", "#3fc7a8", "#f0954f", "#bd8cf2", "#e3b945", "#f07aa8", "#8fce63", "#4cc3e6", "#a99bff",
           "#ee8579", "#bcc858", "#cf9bbd"),
)  # fmt: skip


def colours(palette: QPalette) -> Colours:
    """Return the colours that go with the desktop's own palette, however it was chosen."""
    return DARK if palette.window().color().lightness() < 128 else LIGHT


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
QLabel[mark="now"] { color: $busy; font-weight: 600; }
QLabel[mark="done"] { color: $good; }
QLabel[mark="ahead"] { color: $muted; }
QLabel[headline="true"] { font-size: 16pt; font-weight: 600; }
QFrame[problem="true"] { background: $bad_ground; border: none; border-radius: 6px; }
QProgressBar { background: $track; border: none; border-radius: 3px; max-height: 6px; min-height: 6px; }
QProgressBar::chunk { background: $accent; border-radius: 3px; }
""")


# Fusion outlines a box with a darker window colour: on a dark window that cannot be seen.
_DARK_FUSION = Template("""
QLineEdit, QPlainTextEdit { border: 1px solid $outline; border-radius: 3px; padding: 1px 3px; }
QLineEdit:focus, QPlainTextEdit:focus { border-color: $accent; }
QAbstractSpinBox QLineEdit, QComboBox QLineEdit, QAbstractItemView QLineEdit { border: none; padding: 0; }
QCheckBox::indicator { width: 13px; height: 13px; border: 1px solid $muted; border-radius: 3px; }
QCheckBox::indicator:unchecked { background: $track; }
QCheckBox::indicator:checked { background: $accent; border-color: $accent; image: url("$tick"); }
QCheckBox::indicator:disabled { border-color: $line; }
QCheckBox:focus { color: $accent; }
""")


def style_sheet(chosen: Colours) -> str:
    """Return the sheet for these colours, on top of the style Qt uses on this desktop."""
    names = {name: getattr(chosen, name) for name in Colours.__slots__ if name != "slots"}
    sheet = _SHEET.substitute(names)
    if chosen is DARK and QApplication.style().name() == "fusion":
        sheet += _DARK_FUSION.substitute(names, tick=_TICK.as_posix())
    return sheet
