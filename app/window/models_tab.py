"""The Models tab: every model, what it needs, and where to load it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, Qt, QUrl, Signal, Slot
from PySide6.QtGui import (
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QKeySequence,
    QShortcut,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.link.link import Link
from app.texts import common as text
from app.texts import discover
from app.texts import models as words
from app.views.menu import Action, Command
from app.views.models import ModelRow, rows, shown_of, targets
from app.window.deletion_question import DeletionQuestion
from app.window.download_list import DownloadList
from app.window.fit_ways_line import FitWaysLine
from app.window.models_details import ModelDetails
from app.window.models_folders import FolderAdder
from app.window.models_list import EmptyPage, ModelList
from app.window.models_table import ROW, ModelFilter, ModelTable
from app.window.pull_dialog import PullDialog
from app.window.widgets import accept_as_copy, label, set_flag, set_text, wrapping_label
from router.state import Snapshot

HUGGING_FACE = ("huggingface.co", "hf.co")


class ModelsTab(QWidget):
    """Signals:
    chosen: (Command) load a model into a slot, delete one, or what is wanted of a download.
    """

    chosen = Signal(object)

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link
        self._snapshot = Snapshot()
        self._seen: object = None
        self._selected: str | None = None
        self.setAcceptDrops(True)
        self.folders = FolderAdder(link, self)
        self.search = QLineEdit(placeholderText=words.SEARCH_MODELS, clearButtonEnabled=True)
        self.search.setAcceptDrops(False)  # a file goes to the tab, not into the search
        self.search.setAccessibleName(words.SEARCH_MODELS)
        self.count = label("muted")
        self.add_folder = QPushButton(words.ADD_FOLDER)
        self.add_folder.setToolTip(words.ADD_FOLDER_HINT)
        self.download = QPushButton(discover.GET_MODELS)
        self.download.setToolTip(discover.GET_MODELS_HINT)
        self.downloads = DownloadList()
        self.pull_dialog: PullDialog | None = None
        self.question: DeletionQuestion | None = None
        self.table = ModelTable(self)
        self.filter = ModelFilter(self.table)
        self.list = ModelList(self.filter)
        self.empty = EmptyPage()
        self.pages = QStackedWidget()
        self.details = ModelDetails()
        self.ways = FitWaysLine(link)
        self.menu = QMenu(self)
        self.context_menu = QMenu(self)
        self.notice = wrapping_label("muted")
        self._lay_out()
        self._connect()
        self.tell("", False)

    @Slot(object)
    def show_snapshot(self, snapshot: Snapshot) -> None:
        """Show this snapshot, now or when the tab is next looked at."""
        self._snapshot = snapshot
        if self.pull_dialog is not None:
            self.pull_dialog.show_snapshot(snapshot)
        if self.isVisible():
            self._refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._refresh()

    @property
    def current(self) -> ModelRow | None:
        row: ModelRow | None = self.list.currentIndex().data(ROW)
        return row

    def select(self, model_id: str) -> None:
        """Make this model the current one, if the search shows it."""
        for number in range(self.filter.rowCount()):
            index = self.filter.index(number, 0)
            if index.data(ROW).model.id == model_id:
                flags = QItemSelectionModel.SelectionFlag
                self.list.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
                return

    @Slot(str, bool)
    def tell(self, sentence: str, failed: bool) -> None:
        set_text(self.notice, sentence)
        set_flag(self.notice, "failed", "true" if failed else "false")
        self.notice.setVisible(bool(sentence))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        accept_as_copy(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        if accept_as_copy(event):
            self.take(event.mimeData().urls())

    def take(self, urls: Sequence[QUrl]) -> None:
        """Add what was dropped on the window, wherever; what cannot be added is said."""
        local = [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
        pages = [url for url in urls if url.host().removeprefix("www.") in HUGGING_FACE]
        if pages and not local:
            self.ask_what_to_download()
            assert self.pull_dialog is not None
            self.pull_dialog.field.setText(pages[0].toString())
        elif len(local) < len(urls):
            self.tell(words.WEB_DROPPED, True)
        if local:
            self.folders.drop(local)

    def ask_what_to_download(self) -> None:
        """Show which models run well here, and ask which to fetch from Hugging Face."""
        dialog = PullDialog(self._link, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.chosen.connect(self.chosen)
        dialog.finished.connect(partial(self._on_pull_finished, dialog))
        self.pull_dialog = dialog
        dialog.open()
        dialog.suggest()

    def _on_pull_finished(self, dialog: PullDialog, _result: int) -> None:
        if self.pull_dialog is dialog:
            self.pull_dialog = None

    def _refresh(self) -> None:
        self.downloads.show_snapshot(self._snapshot)
        seen = shown_of(self._snapshot)
        if seen == self._seen:
            return
        self._seen = seen
        self.table.show_rows(rows(self._snapshot))
        self._on_filtered()

    def _on_searched(self, search: str) -> None:
        self.filter.search(search)
        self._on_filtered()

    def _on_filtered(self) -> None:
        """Select the person's model again, or the first: the rows may be others now."""
        shown, total = self.filter.rowCount(), self.table.rowCount()
        self.pages.setCurrentWidget(self.list if shown else self.empty)
        self.empty.explain(self.search.text() if total else "")
        left_out = self._snapshot.left_out
        set_text(self.count, words.with_others(words.counted(shown, total) if total else "", len(left_out)))
        self.count.setToolTip("\n".join(file.reason for file in left_out))
        if self._selected is not None and (self.current is None or self.current.model.id != self._selected):
            self.select(self._selected)
        if shown and not self.list.currentIndex().isValid():
            self.list.setCurrentIndex(self.filter.index(0, 0))
        self._show_current()

    def _on_current(self, index: QModelIndex) -> None:
        if index.isValid():
            self._selected = index.data(ROW).model.id
        self._show_current()

    def _show_current(self) -> None:
        row = self.current
        self.details.show_model(row, self._snapshot)
        self.ways.show_model(row.model if row is not None else None, self._snapshot)

    def _on_activated(self) -> None:
        """Enter or a double click: choose the slot, right at the row."""
        if self.details.load.isEnabled():
            self.menu.popup(self.list.menu_position())

    def _on_context_menu(self, position: QPoint) -> None:
        if self.current is None:
            return
        menu = self.context_menu
        self._fill(menu)
        menu.addSeparator()
        menu.addAction(words.COPY_ID, self._copy_id)
        menu.addAction(words.SHOW_FILE, self._show_file).setEnabled(self.current.model.file is not None)
        if self.current.model.fetched is not None:
            menu.addAction(words.DELETE_ASK, self._ask_to_delete)
        menu.popup(self.list.viewport().mapToGlobal(position))

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        row = self.current
        if row is None:
            return
        for target in targets(self._snapshot, row.model):
            shown = words.load_in(target.slot) + (f" ({target.reason})" if target.reason else "")
            command = Command(Action.LOAD, target.slot, row.model.id)
            action = menu.addAction(text.qt_label(shown))
            action.setCheckable(target.loaded)
            action.setChecked(target.loaded)
            action.setEnabled(target.enabled and row.model.problem is None)
            action.triggered.connect(lambda _on=False, command=command: self.chosen.emit(command))

    def _copy_id(self) -> None:
        if (row := self.current) is not None:
            QGuiApplication.clipboard().setText(row.model.id)
            self.tell(words.copied(row.model.id), False)

    def _show_file(self) -> None:
        row = self.current
        if row is None or row.model.file is None:
            return
        folder = Path(row.model.file).parent
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.tell(words.no_file_manager(folder), True)

    def _ask_to_delete(self) -> None:
        row = self.current
        if row is None or (fetched := row.model.fetched) is None:
            return
        others = [m.id for m in self._snapshot.models if m.fetched == fetched and m.id != row.model.id]
        command = Command(Action.DELETE_MODEL, model=row.model.id)
        self.question = DeletionQuestion(
            words.delete_question(f"{row.name} ({row.size})"),
            words.delete_consequence(fetched, others),
            words.DELETE,
            lambda: self.chosen.emit(command),
            self,
        )
        self.question.open()

    def _choose_folder(self) -> None:
        dialog = QFileDialog(self, words.CHOOSE_FOLDER)
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filesSelected.connect(lambda chosen: self.folders.add(map(Path, chosen)))
        dialog.open()

    def _connect(self) -> None:
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        find.activated.connect(self.search.setFocus)
        self.search.textChanged.connect(self._on_searched)
        self.search.returnPressed.connect(self.list.setFocus)
        self.add_folder.clicked.connect(self._choose_folder)
        self.empty.add_folder.clicked.connect(self._choose_folder)
        self.download.clicked.connect(self.ask_what_to_download)
        self.empty.download.clicked.connect(self.ask_what_to_download)
        self.downloads.chosen.connect(self.chosen)
        self.ways.chosen.connect(self.chosen)
        self.empty.clear_search.clicked.connect(self.search.clear)
        self.list.selectionModel().currentChanged.connect(self._on_current)
        self.list.activated.connect(self._on_activated)
        self.list.customContextMenuRequested.connect(self._on_context_menu)
        self.details.load.setMenu(self.menu)
        self.menu.aboutToShow.connect(lambda: self._fill(self.menu))
        self.details.copy.clicked.connect(self._copy_id)
        self.details.reveal.clicked.connect(self._show_file)
        self.details.delete.clicked.connect(self._ask_to_delete)
        self.folders.reported.connect(self.tell)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self.search, 1)
        top.addWidget(self.count)
        top.addWidget(self.download)
        top.addWidget(self.add_folder)
        self.pages.addWidget(self.list)
        self.pages.addWidget(self.empty)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        whole.addLayout(top)
        whole.addWidget(self.notice)
        whole.addWidget(self.downloads)
        whole.addWidget(self.pages, 1)
        whole.addWidget(self.details)
        whole.addWidget(self.ways)
