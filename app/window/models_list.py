"""The table of models as a widget, and the page shown in its place while it is empty."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QTreeView, QVBoxLayout, QWidget

from app.texts import discover
from app.texts import models as words
from app.window.columns import hide_columns, lay_out_columns
from app.window.models_table import CONTEXT, FIT, KIND, LOADED, NAME, NEEDS, QUANTISATION, SIZE, ModelFilter
from app.window.widgets import label, wrapping_label

# The longest ordinary text of each column, which its width is made for; the name takes the rest.
_SAMPLES = {
    SIZE: "888.8 GB", QUANTISATION: "Q4_K_M_XL", NEEDS: "88.8 GiB", CONTEXT: "128k of 256k", KIND: "embedding",
    LOADED: "primary, x", FIT: "cannot be loaded",
}  # fmt: skip
PADDING = 22
# Below these widths (pixels at 100%) the name needs the room more than the columns.
_WIDTHS = {KIND: 880, QUANTISATION: 800, NEEDS: 640, CONTEXT: 520, LOADED: 520}
HELP_WIDTH = 400


class ModelList(QTreeView):
    def __init__(self, model: ModelFilter) -> None:
        super().__init__(sortingEnabled=True)
        self.setModel(model)
        self.sortByColumn(NAME, Qt.SortOrder.AscendingOrder)
        self.setAccessibleName(words.MODEL_LIST)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        titles = [f"{title}  " for title in words.COLUMNS]  # and room for the sorting arrow
        lay_out_columns(self, titles, _SAMPLES, NAME, PADDING)

    def menu_position(self) -> QPoint:
        """Global position right below the current row's name."""
        return self.viewport().mapToGlobal(self.visualRect(self.currentIndex()).bottomLeft())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        hide_columns(self, _WIDTHS, event.size().width())
        super().resizeEvent(event)


class EmptyPage(QWidget):
    """Why there is nothing to see, and what to do."""

    def __init__(self) -> None:
        super().__init__()
        self.title = label("title")
        self.help = wrapping_label("muted")
        self.help.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.help.setFixedWidth(HELP_WIDTH)
        self.download = QPushButton(discover.GET_MODELS)
        self.add_folder = QPushButton(words.ADD_FOLDER)
        self.clear_search = QPushButton(words.CLEAR_SEARCH)
        whole = QVBoxLayout(self)
        whole.setSpacing(12)
        whole.addStretch(1)
        for part in (self.title, self.help, self.download, self.add_folder, self.clear_search):
            whole.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(2)
        self.explain("")

    def explain(self, search: str) -> None:
        """`search`: what nothing matches; empty where there are no models at all."""
        self.title.setText(words.no_match(search) if search else words.NO_MODELS_TITLE)
        self.help.setText(words.NO_MATCH_HELP if search else words.NO_MODELS_HELP)
        # A layout that centres a wrapping label gives it the height of one line.
        self.help.setMinimumHeight(self.help.heightForWidth(HELP_WIDTH))
        self.clear_search.setVisible(bool(search))
        self.add_folder.setVisible(not search)
        self.download.setVisible(not search)
