"""The logs: hal0's own and each engine's, followed while they are looked at."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QFontDatabase, QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from app.link.link import Link
from app.system.redact import redact
from app.texts import window as text_window
from app.views.log import KEPT_LINES, fresh, matching
from app.views.menu import Action, Command
from app.window.order_reader import OrderReader
from app.window.widgets import CopyButton, button, label, refill, set_text
from router.orders.kinds import ReadEngineLog, ReadLog
from router.orders.order import Order
from router.remote.names import all_slots
from router.state import Snapshot

POLL_MS = 500
FILTER_MS = 150


class LogsTab(QWidget):
    """Signals:
    chosen: (Command) copy the lines, or open the folder.
    """

    chosen = Signal(object)

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._reader = OrderReader(link, self)
        self._last_lines: list[str] = []
        self._lines: list[str] = []
        self.source = QComboBox()
        self.source.setAccessibleName(text_window.LOG_OF)
        self.source.setAccessibleDescription(text_window.LOG_OF)  # on Linux the name is the choice
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumContentsLength(18)
        self.source.addItem(text_window.ROUTER_LOG, "")
        self.filter = QLineEdit(placeholderText=text_window.FILTER_HINT, clearButtonEnabled=True)
        self.filter.setAccessibleName(text_window.FILTER)
        self.follow = QCheckBox(text_window.FOLLOW)
        self.follow.setChecked(True)
        self.copy = CopyButton(text_window.COPY_LOG)
        self.folder = button(text_window.OPEN_FOLDER)
        self.view = QPlainTextEdit(readOnly=True, undoRedoEnabled=False, maximumBlockCount=KEPT_LINES)
        self.view.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.view.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.view.setTabChangesFocus(True)
        self.view.setAccessibleName(text_window.LOGS_TAB)
        self.note = label("muted")
        self._poll = QTimer(self, interval=POLL_MS)
        self._typing = QTimer(self, singleShot=True, interval=FILTER_MS)
        self._connect()
        self._lay_out()

    @property
    def slot(self) -> str:
        """Whose log is shown; "" is hal0's own."""
        return str(self.source.currentData() or "")

    @property
    def following(self) -> bool:
        return self._poll.isActive()

    def show_snapshot(self, snapshot: Snapshot) -> None:
        names = [hosted.slot.name for hosted in all_slots(snapshot)]
        engines = ((name, text_window.engine_log(name)) for name in names)
        if refill(self.source, [("", text_window.ROUTER_LOG), *engines]):
            self._start_over()

    def show_log(self, slot: str) -> None:
        """Show the log of `slot`, or with "" hal0's own."""
        row = self.source.findData(slot)
        self.source.setCurrentIndex(max(0, row))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._follow_or_rest()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        super().hideEvent(event)
        self._poll.stop()

    def _follow_or_rest(self) -> None:
        if self.isVisible() and self.follow.isChecked():
            self._poll.start()
            self._ask()
            self._to_the_end()
        else:
            self._poll.stop()

    def _ask(self) -> None:
        self._reader.ask(ReadEngineLog(self.slot) if self.slot else ReadLog())

    def show_lines(self, slot: str, lines: list[str]) -> None:
        """Take the last lines of this log, oldest first; what was shown before is not drawn again."""
        if slot != self.slot:
            return  # the answer to an older question
        new = fresh(self._last_lines, lines)
        self._last_lines = lines
        if new is None:
            self._lines = []
            new = lines
            self.view.clear()
        added = [redact(line) for line in new]
        self._lines = [*self._lines, *added][-KEPT_LINES:]
        if shown := matching(added, self.filter.text()):
            self._append(shown)
        self._show_note()

    def _append(self, lines: list[str]) -> None:
        self.view.appendPlainText("\n".join(lines))
        if self.follow.isChecked():
            self._to_the_end()

    def _to_the_end(self) -> None:
        self.view.verticalScrollBar().setValue(self.view.verticalScrollBar().maximum())
        self.view.horizontalScrollBar().setValue(0)

    def _on_failed(self, question: Order[list[str]], reason: str) -> None:
        if _slot_of(question) == self.slot:
            set_text(self.note, text_window.LOG_GONE.format(reason=reason))
            self.note.show()

    def _show_note(self) -> None:
        if not self._lines:
            words = text_window.NO_LINES
        elif self.view.document().isEmpty():
            words = text_window.NO_MATCH.format(words=self.filter.text())
        else:
            words = ""
        set_text(self.note, words)
        self.note.setVisible(bool(words))

    def _refilter(self) -> None:
        self.view.setPlainText("\n".join(matching(self._lines, self.filter.text())))
        self._to_the_end()
        self._show_note()

    def _start_over(self) -> None:
        self._last_lines, self._lines = [], []
        self.view.clear()
        self.note.hide()
        if self.isVisible():
            self._ask()

    def _on_copy(self) -> None:
        selected = self.view.textCursor().selectedText().replace("\u2029", "\n")
        self.chosen.emit(Command(Action.COPY_TEXT, value=selected or self.view.toPlainText()))

    def _connect(self) -> None:
        self._reader.read.connect(lambda question, lines: self.show_lines(_slot_of(question), lines))
        self._reader.failed.connect(self._on_failed)
        self._poll.timeout.connect(self._ask)
        self._typing.timeout.connect(self._refilter)
        self.filter.textChanged.connect(self._typing.start)
        self.follow.toggled.connect(self._follow_or_rest)
        self.source.currentIndexChanged.connect(self._start_over)
        self.copy.clicked.connect(self._on_copy)
        self.folder.clicked.connect(lambda: self.chosen.emit(Command(Action.LOG_FOLDER)))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.source)
        top.addWidget(self.filter, 1)
        top.addWidget(self.follow)
        top.addWidget(self.copy)
        top.addWidget(self.folder)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 12, 10, 10)
        whole.addLayout(top)
        whole.addWidget(self.note, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addWidget(self.view, 1)
        self.note.hide()


def _slot_of(question: Order[list[str]]) -> str:
    """Return whose log was asked for; "" is hal0's own."""
    return question.slot if isinstance(question, ReadEngineLog) else ""
