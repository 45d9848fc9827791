"""Where the window stands, and how that is kept between starts. Positions are of the frame, sizes are not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

FRAME = QSize(16, 48)  # what a window manager puts around a window, at most
SIZE = QSize(760, 520)
MOST_HEIGHT = 720


def first_size(height: int, screen: QSize) -> QSize:
    """Return the size of a window that nobody has given one, whose content would like `height` pixels, within
    what there is of the screen."""
    return SIZE.expandedTo(QSize(0, min(MOST_HEIGHT, height))).boundedTo(screen - FRAME)


@dataclass(frozen=True, slots=True)
class WindowGeometry:
    """In pixels that do not depend on the screen's scale, as Qt counts."""

    x: int
    y: int
    width: int
    height: int
    maximised: bool = False

    def __str__(self) -> str:
        at = f"{self.width}x{self.height}{self.x:+d}{self.y:+d}"
        return f"{at} maximised" if self.maximised else at


def parse_geometry(text: str) -> WindowGeometry | None:
    """Return what `str(geometry)` wrote; None for anything else."""
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})([+-]\d{1,6})([+-]\d{1,6})( maximised)?", text)
    if found is None:
        return None
    width, height, x, y = (int(number) for number in found.groups()[:4])
    return WindowGeometry(x, y, width, height, bool(found[5]))


def clamped(geometry: WindowGeometry, screens: Sequence[QRect]) -> WindowGeometry:
    """`geometry` within the screen it is mostly on, else the first: a monitor may be gone, or smaller now."""
    if not screens:
        return geometry
    frame = QRect(QPoint(geometry.x, geometry.y), QSize(geometry.width, geometry.height) + FRAME)

    def shared(screen: QRect) -> int:
        both = screen.intersected(frame)
        return both.width() * both.height() if both.isValid() else 0

    screen = max(screens, key=shared)
    size = frame.size().boundedTo(screen.size())
    # Its right and bottom edges first, so that the title bar is what is seen where not all can be.
    x = max(screen.left(), min(geometry.x, screen.right() + 1 - size.width()))
    y = max(screen.top(), min(geometry.y, screen.bottom() + 1 - size.height()))
    inner = size - FRAME
    return replace(geometry, x=x, y=y, width=inner.width(), height=inner.height())


def geometry_of(window: QWidget) -> WindowGeometry:
    maximised = window.isMaximized() or window.isFullScreen()
    normal = window.normalGeometry() if maximised else window.geometry()
    at = normal.topLeft() if maximised else window.pos()
    return WindowGeometry(at.x(), at.y(), normal.width(), normal.height(), maximised)


def restore_geometry(window: QWidget, geometry: WindowGeometry) -> None:
    """Put a hidden window there, as far as today's screens allow."""
    fitting = clamped(geometry, [screen.availableGeometry() for screen in QGuiApplication.screens()])
    window.resize(fitting.width, fitting.height)
    window.move(fitting.x, fitting.y)
