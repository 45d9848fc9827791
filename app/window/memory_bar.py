"""Where the memory went: each slot, other programs, free; as a bar and in numbers."""

from __future__ import annotations

import html
from typing import NamedTuple

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QApplication, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.texts import common as text
from app.texts import window as text_window
from app.views.memory import PoolShares
from app.window.theme import Colours, colours
from app.window.widgets import ElidedLabel, label, set_text

HEIGHT = 12
GAP = 1.5


class MemoryBar(QWidget):
    """A bar of parts on the ground of what is free. `parts` are (share of the whole 0..1, colour)."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.parts: tuple[tuple[float, str], ...] = ()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(200, HEIGHT)

    def show_parts(self, parts: tuple[tuple[float, str], ...]) -> None:
        if parts != self.parts:
            self.parts = parts
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(0, 0, self.width(), HEIGHT), HEIGHT / 2, HEIGHT / 2)
        painter.setClipPath(outline)
        painter.fillRect(self.rect(), QColor(colours(QApplication.palette()).track))
        left = 0.0
        for share, colour in self.parts:
            width = self.width() * share
            # The gap tells neighbours apart where their colours do not.
            painter.fillRect(QRectF(left, 0, max(1.0, width - GAP), HEIGHT), QColor(colour))
            left += width
        painter.end()


class MemoryLine(QWidget):
    """One memory pool: name, bar and numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.caption = ElidedLabel("title")
        self.number = label("muted")
        self.numbers = label("muted")
        self.bar = MemoryBar()
        self.legend = QLabel(textFormat=Qt.TextFormat.RichText, wordWrap=True)
        self.legend.setProperty("muted", "true")
        self._shown: tuple[PoolShares, Colours] | None = None
        top = QHBoxLayout()
        top.addWidget(self.number)
        top.addWidget(self.caption, 1)
        top.addWidget(self.numbers)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(2, 0, 2, 0)
        whole.setSpacing(4)
        whole.addLayout(top)
        whole.addWidget(self.bar)
        whole.addWidget(self.legend)

    def show_pool(self, pool: PoolShares) -> None:
        chosen = colours(QApplication.palette())
        if (pool, chosen) == self._shown:
            return
        self._shown = (pool, chosen)
        entries = parts_of(pool, chosen)
        number = "" if pool.number is None else text.gpus([pool.number])
        set_text(self.number, number)
        self.number.setVisible(bool(number))
        self.caption.show_text(pool.name if pool.is_gpu else text_window.RAM_NAME)
        set_text(self.numbers, text_window.free_of(pool.free, pool.total))
        self.bar.show_parts(tuple((part.size / max(1, pool.total), part.colour) for part in entries))
        set_text(self.legend, "&ensp; ".join(_swatch(part) for part in entries))
        self.legend.setVisible(bool(entries))
        spoken = [f"{part.name} {part.words}" for part in entries]
        self.bar.setAccessibleName(f"{number} {self.caption.full}".strip())
        self.bar.setAccessibleDescription(", ".join([*spoken, self.numbers.text()]))
        self.legend.setAccessibleName(", ".join(spoken))


class Part(NamedTuple):
    """One part of a bar, and its entry in the legend; `words` is its size."""

    name: str
    size: int
    words: str
    colour: str


def parts_of(pool: PoolShares, chosen: Colours) -> list[Part]:
    """Return the parts from left to right, without what is free and without parts of nothing."""
    entries = [
        Part(s.name or text_window.ALL_SLOTS, s.size, text.held(s.size, s.estimated), chosen.slot(s.colour))
        for s in pool.shares
    ]
    others = text.held(pool.others, pool.estimated)
    entries.append(Part(text_window.OTHER_APPS, pool.others, others, chosen.others))
    return [part for part in entries if part.size >= 1 << 20]


def _swatch(part: Part) -> str:
    words = html.escape(f"{text.elide_middle(part.name, 28)} {part.words}").replace(" ", "&nbsp;")
    return f'<span style="color:{part.colour}">■</span>&nbsp;{words}'
