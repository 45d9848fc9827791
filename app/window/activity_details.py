"""One request in the Activity tab: why it failed, where its time went, and what else is known of it."""

from __future__ import annotations

import html

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QVBoxLayout, QWidget

from app.texts import activity as words
from app.views.activity import Span, facts, spans
from app.window.memory_bar import MemoryBar
from app.window.theme import colours
from app.window.widgets import Scroller, set_text, wrapping_label
from router.activity.record import Record

HEIGHT = 140


class RequestDetails(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.record: Record | None = None
        self.problem = QFrame()
        self.problem.setProperty("problem", "true")
        self.error = wrapping_label("failed")
        box = QVBoxLayout(self.problem)
        box.setContentsMargins(10, 6, 8, 6)
        box.addWidget(self.error)
        self.bar = MemoryBar()
        self.bar.setAccessibleName(words.TIMELINE)
        self.legend = QLabel(textFormat=Qt.TextFormat.RichText, wordWrap=True)
        self.facts = QLabel(textFormat=Qt.TextFormat.RichText, wordWrap=True)
        self.facts.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.hint = wrapping_label("muted")
        self.hint.setText(words.CHOOSE)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2, 0, 8, 0)
        column.setSpacing(6)
        for part in (self.hint, self.problem, self.bar, self.legend, self.facts):
            column.addWidget(part)
        column.addStretch(1)
        area = Scroller(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        self.setMaximumHeight(HEIGHT)
        self.show_record(None)

    def show_record(self, record: Record | None) -> None:
        """Show this request; None: none is chosen."""
        self.record = record
        self.hint.setVisible(record is None)
        for part in (self.bar, self.legend, self.facts):
            part.setVisible(record is not None)
        self.problem.setVisible(record is not None and bool(record.error))
        if record is None:
            return
        set_text(self.error, f"{record.error} ({record.code})" if record.code else record.error)
        self._show_spans(spans(record))
        known = facts(record)
        rows = (f"<b>{html.escape(name)}</b>&nbsp;{html.escape(value)}" for name, value in known)
        set_text(self.facts, "&emsp; ".join(rows))
        self.facts.setAccessibleName(", ".join(f"{name}: {value}" for name, value in known))

    def _show_spans(self, found: tuple[Span, ...]) -> None:
        palette = colours(QApplication.palette())
        coloured = [(span, palette.slot(place)) for place, span in enumerate(found)]
        self.bar.show_parts(tuple((span.share, colour) for span, colour in coloured))
        spoken = [f"{span.name} {words.span(span.seconds)}" for span in found]
        self.bar.setAccessibleDescription(", ".join(spoken))
        self.legend.setAccessibleName(", ".join(spoken))
        swatches = (
            f'<span style="color:{colour}">■</span>&nbsp;{html.escape(said).replace(" ", "&nbsp;")}'
            for (_span, colour), said in zip(coloured, spoken, strict=True)
        )
        set_text(self.legend, "&ensp; ".join(swatches))
