"""The last lines an engine wrote."""

from __future__ import annotations

from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from app import text


class LogView(QWidget):
    """A window of its own with one slot's log, as it was when asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = QPlainTextEdit(readOnly=True)
        self.lines.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.lines.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        copy = QPushButton(text.COPY)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.lines.toPlainText()))
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(copy)
        whole = QVBoxLayout(self)
        whole.addWidget(self.lines)
        whole.addLayout(buttons)
        self.resize(820, 420)

    def show_log(self, slot: str, lines: list[str]) -> None:
        """Show `lines` of `slot`, the newest in view."""
        self.setWindowTitle(text.log_title(slot))
        self.lines.setAccessibleName(text.log_title(slot))
        self.lines.setPlainText("\n".join(lines) or text.NO_LOG_LINES)
        self.lines.verticalScrollBar().setValue(self.lines.verticalScrollBar().maximum())
        self.show()
        self.raise_()
        self.activateWindow()
