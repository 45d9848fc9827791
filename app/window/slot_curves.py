"""The last hour of a slot, small: how fast it answered, and the memory it held."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QApplication, QHBoxLayout, QSizePolicy, QWidget

from app.texts import activity as words
from app.views.slot_history import Curves
from app.window.theme import colours
from app.window.widgets import label, set_text

HEIGHT = 20
LEAST_WIDTH = 40


class Sparkline(QWidget):
    """A line from left to right, as high as the greatest figure. `figures`: None leaves a gap."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.figures: Sequence[float | None] = ()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(120, HEIGHT)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(LEAST_WIDTH, HEIGHT)

    def show_figures(self, figures: Sequence[float | None]) -> None:
        if figures != self.figures:
            self.figures = figures
            self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        chosen = colours(QApplication.palette())
        painter = QPainter(self)
        ground = self.height() - 1.0
        painter.setPen(QPen(QColor(chosen.line), 1))
        painter.drawLine(QPointF(0, ground), QPointF(self.width(), ground))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        most = max((figure for figure in self.figures if figure is not None), default=0.0)
        if most > 0:
            line, area = QColor(chosen.accent), QColor(chosen.accent)
            area.setAlphaF(0.25)
            for run in runs(self.figures):
                self._draw(painter, run, most, ground, line, area)
        painter.end()

    def _draw(
        self,
        painter: QPainter,
        run: list[tuple[int, float]],
        most: float,
        ground: float,
        line: QColor,
        area: QColor,
    ) -> None:
        """Draw steps, as each figure is of a span of time."""
        step = self.width() / len(self.figures)
        outline = []
        for place, figure in run:
            high = ground - (ground - 2) * figure / most
            outline += [QPointF(place * step, high), QPointF((place + 1) * step, high)]
        right, left = QPointF(outline[-1].x(), ground), QPointF(outline[0].x(), ground)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(area)
        painter.drawPolygon(QPolygonF([*outline, right, left]))
        painter.setPen(QPen(line, 1.5))
        painter.drawPolyline(QPolygonF(outline))


class SlotCurves(QWidget):
    """Hidden until there is more to see than the card says anyway."""

    def __init__(self) -> None:
        super().__init__()
        self.speed, self.memory = Sparkline(), Sparkline()
        self.speed_most, self.memory_most = label("muted"), label("muted")
        self._shown: Curves | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for caption, curve in ((self.speed_most, self.speed), (self.memory_most, self.memory)):
            caption.setMinimumWidth(caption.fontMetrics().horizontalAdvance("≤ 888.8 GiB"))
            row.addWidget(caption)
            row.addWidget(curve, 1)
        self.hide()

    def show_curves(self, curves: Curves) -> None:
        if curves == self._shown:
            return
        self._shown = curves
        speeds = [speed for speed in curves.speeds if speed is not None]
        held = [size for size in curves.memory if size is not None]
        self.speed.show_figures(curves.speeds)
        self.memory.show_figures(curves.memory)
        for part in (self.speed, self.speed_most):
            part.setVisible(bool(speeds))
        for part in (self.memory, self.memory_most):
            part.setVisible(any(held))
        if speeds:
            set_text(self.speed_most, words.most_speed(max(speeds)))
            _explain(self.speed, words.SPEED_CURVE, words.speed_spoken(min(speeds), max(speeds)))
        if held:
            set_text(self.memory_most, words.most_memory(max(held)))
            _explain(self.memory, words.MEMORY_CURVE, words.memory_spoken(min(held), max(held)))
        self.setVisible(curves.tells)


def runs(figures: Sequence[float | None]) -> list[list[tuple[int, float]]]:
    """Return the parts without gaps, each figure with its place."""
    found: list[list[tuple[int, float]]] = [[]]
    for place, figure in enumerate(figures):
        if figure is not None:
            found[-1].append((place, figure))
        elif found[-1]:
            found.append([])
    return [run for run in found if run]


def _explain(curve: Sparkline, name: str, sentence: str) -> None:
    curve.setAccessibleName(name)
    curve.setAccessibleDescription(sentence)
    curve.setToolTip(sentence)
