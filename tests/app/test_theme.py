"""Contrast as WCAG 2.2 counts it: 4.5 to 1 for text, 3 to 1 for what is to be found without words."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QColor, QPalette

from app.window.theme import DARK, LIGHT, Colours
from tests.app.gallery import dark_palette

LIGHT_WINDOW = QColor("#efefef")  # Fusion's
THEMES = {"light": (LIGHT, LIGHT_WINDOW), "dark": (DARK, dark_palette().color(QPalette.ColorRole.Window))}


def luminance(colour: QColor) -> float:
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str | QColor, other: str | QColor) -> float:
    low, high = sorted((luminance(QColor(one)), luminance(QColor(other))))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", THEMES)
def test_words_can_be_read(name: str) -> None:
    chosen, window = THEMES[name]
    for tone in ("quiet", "good", "busy", "bad"):
        ground = getattr(chosen, f"{tone}_ground")
        assert contrast(getattr(chosen, tone), ground) >= 4.5, f"the chip of {tone}"
        assert contrast(getattr(chosen, tone), chosen.card) >= 4.5, f"{tone} on a card"
    assert contrast(chosen.muted, chosen.card) >= 4.5
    assert contrast(chosen.muted, window) >= 4.5
    assert contrast(chosen.bad, window) >= 4.5


@pytest.mark.parametrize("name", THEMES)
def test_bars_and_fields_can_be_found(name: str) -> None:
    chosen, window = THEMES[name]
    assert contrast(chosen.accent, chosen.track) >= 3
    for colour in (chosen.all_slots, *chosen.slots):
        assert contrast(colour, chosen.card) >= 3, colour
    if chosen is DARK:  # a light field's own frame is the style's
        assert contrast(chosen.outline, window) >= 3


def test_no_colour_is_left_to_chance() -> None:
    assert all(QColor(getattr(LIGHT, name)).isValid() for name in Colours.__slots__ if name != "slots")
