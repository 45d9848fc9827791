"""Where the memory went: hal0's slots, other programs, free."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app import text
from app.theme import colours
from app.window.parts import label, set_text
from router.state import DeviceMemory

HEIGHT = 10


class MemoryBar(QWidget):
    """A bar of two parts on the ground of what is free; `ours` and `others` are shares, 0..1."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.ours = 0.0
        self.others = 0.0

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(200, HEIGHT)

    def show_shares(self, ours: float, others: float) -> None:
        if (ours, others) != (self.ours, self.others):
            self.ours, self.others = ours, others
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        chosen = colours(self.palette())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(0, 0, self.width(), HEIGHT), HEIGHT / 2, HEIGHT / 2)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), QColor(chosen.quiet_ground))
        ours = self.width() * self.ours
        painter.fillRect(QRectF(0, 0, ours, HEIGHT), QColor(chosen.accent))
        painter.fillRect(QRectF(ours, 0, self.width() * self.others, HEIGHT), QColor(chosen.others))
        painter.end()


class MemoryLine(QWidget):
    """One memory pool: name, bar and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.caption = label("muted")
        self.numbers = label("muted")
        self.bar = MemoryBar()
        top = QHBoxLayout()
        top.addWidget(self.caption, 1)
        top.addWidget(self.numbers)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(2, 0, 2, 0)
        whole.setSpacing(5)
        whole.addLayout(top)
        whole.addWidget(self.bar)

    def show_device(self, device: DeviceMemory) -> None:
        set_text(self.caption, text.elide_middle(device.name, 48))
        set_text(self.numbers, text.memory_split(device))
        total = max(1, device.total)
        ours = min(device.used_by_slots, device.used, total)
        self.bar.show_shares(ours / total, min(max(0, device.used - ours), total - ours) / total)
        self.bar.setAccessibleName(f"{device.name}: {text.memory_split(device)}")
