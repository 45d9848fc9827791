"""The icons, from resources/icons. The tray's say their state by shape, in tones seen on any panel."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import resources

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from app.views.menu import IconState

TRAY_SIZES = (16, 20, 22, 24, 32, 44, 48, 64)
APP_SIZES = (16, 24, 32, 48, 64, 128, 256)
SWITCHING_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Tones:
    """`ink` draws what is loaded, `quiet` what is not, `alert` the error, `paper` what is cut out of it."""

    ink: str
    quiet: str
    alert: str
    paper: str = "#ffffff"


# Nobody can ask what colour a panel has; a dark one often goes with a light desktop. So these are middle tones,
# about 3:1 against white and against black, without a rim: a rim makes a solid disc look hollow.
ON_LIGHT = Tones(ink="#2f7be8", quiet="#868f9e", alert="#e5484d")
ON_DARK = Tones(ink="#5499ff", quiet="#9aa3b2", alert="#f2555a")
TEMPLATE = Tones(ink="#000000", quiet="#000000", alert="#e5484d")  # macOS colours a template itself


class TrayIcons:
    """All tray icons for one colour scheme, rendered once; `frames` has more than one entry while switching."""

    def __init__(self, scheme: Qt.ColorScheme) -> None:
        self._frames = {state: _frames(state, scheme) for state in IconState}

    def frames(self, state: IconState) -> tuple[QIcon, ...]:
        return self._frames[state]


def app_icon() -> QIcon:
    """Return hal0's own icon, for windows and the task bar."""
    svg = _read("hal0.svg")
    return _icon(svg, APP_SIZES, turn=0)


def _frames(state: IconState, scheme: Qt.ColorScheme) -> tuple[QIcon, ...]:
    svg = _paint(_read(f"tray-{state}.svg"), _tones(scheme))
    count = SWITCHING_FRAMES if state is IconState.SWITCHING else 1
    icons = tuple(_icon(svg, TRAY_SIZES, turn=360 * n // count) for n in range(count))
    if sys.platform == "darwin" and state is not IconState.ERROR:
        for icon in icons:
            icon.setIsMask(True)
    return icons


def _tones(scheme: Qt.ColorScheme) -> Tones:
    if sys.platform == "darwin":
        return TEMPLATE
    return ON_LIGHT if scheme is Qt.ColorScheme.Light else ON_DARK


def _read(name: str) -> str:
    return resources.files("resources").joinpath("icons", name).read_text(encoding="utf-8")


def _paint(svg: str, tones: Tones) -> str:
    """Replace the names of the tones in the drawing by their colours."""
    for name in Tones.__slots__:
        svg = svg.replace(f'"{name.upper()}"', f'"{getattr(tones, name)}"')
    return svg


def _icon(svg: str, sizes: tuple[int, ...], turn: int) -> QIcon:
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    if not renderer.isValid():
        raise ValueError("an icon in resources/icons is not a valid SVG")
    icon = QIcon()
    for size in sizes:
        icon.addPixmap(_pixmap(renderer, size, turn))
    return icon


def _pixmap(renderer: QSvgRenderer, size: int, turn: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(size / 2, size / 2)
    painter.rotate(turn)
    renderer.render(painter, QRectF(-size / 2, -size / 2, size, size))
    painter.end()
    return pixmap
