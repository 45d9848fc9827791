from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent, QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.texts import models as words
from app.views.menu import Action, Command, order_of
from app.window.main import MainWindow
from app.window.models_tab import ModelsTab
from app.window.models_table import FIT, LOADED, NAME, SIZE
from router.base.errors import ShuttingDown
from router.config.change import ConfigChange
from router.config.schema import Kind
from router.orders.kinds import DeleteModel
from router.state import LeftOutFile, Measured, ModelStatus, SlotState, Snapshot
from tests.app.config_link import ConfigLink
from tests.app.fake_service import EMBED, GB, GEMMA, LLAMA, QWEN, StoreLink, first_snapshot
from tests.app.running import until_processed
from tests.app.test_actions import Opened


@pytest.fixture
def link() -> ConfigLink:
    return ConfigLink()


@pytest.fixture
def tab(qtbot: QtBot, link: ConfigLink) -> ModelsTab:
    made = ModelsTab(link)  # type: ignore[arg-type]
    qtbot.addWidget(made)
    made.resize(900, 500)
    made.show_snapshot(first_snapshot())
    made.show()
    return made


def shown(tab: ModelsTab, column: int = NAME) -> list[str]:
    return [tab.filter.index(row, column).data() for row in range(tab.filter.rowCount())]


def many(count: int) -> Snapshot:
    models = tuple(
        ModelStatus(f"model-{n}", f"Model {n}", Kind.CHAT, size_bytes=(n + 1) * GB // 10, context_length=4096)
        for n in range(count)
    )
    slots = (replace(first_snapshot().slots[0], choices=tuple(m.id for m in models)),)
    return replace(first_snapshot(), models=models, slots=slots)


def test_files_that_are_no_models_are_counted_with_their_reasons(tab: ModelsTab) -> None:
    """Row 11: what is not offered is told where a person looks for it."""
    assert tab.count.toolTip() == ""
    left_out = (
        LeftOutFile("/m/d.gguf", "d.gguf is a draft."),
        LeftOutFile("/m/v.gguf", "v.gguf is a vocoder."),
    )
    tab.show_snapshot(replace(first_snapshot(), left_out=left_out))
    assert tab.count.text() == "4 models, 2 other files"
    assert tab.count.toolTip() == "d.gguf is a draft.\nv.gguf is a vocoder."
    tab.show_snapshot(replace(first_snapshot(), models=(), slots=(), left_out=left_out[:1]))
    assert tab.count.text() == "1 other file"


def test_a_note_is_shown_with_its_model(tab: ModelsTab) -> None:
    """Row 9: a projector that may belong to several models."""
    assert tab.details.note.isHidden()
    noted = tuple(replace(model, note="No images.") for model in first_snapshot().models)
    tab.show_snapshot(replace(first_snapshot(), models=noted))
    assert (tab.details.note.text(), tab.details.note.isHidden()) == ("No images.", False)


def test_the_last_measurement_of_a_model_is_told(tab: ModelsTab) -> None:
    tab.select(QWEN)
    assert tab.details.measured.isHidden()
    at = time.mktime((2026, 11, 8, 12, 0, 0, 0, 0, -1))
    snapshot = first_snapshot()
    models = tuple(
        replace(m, measured=Measured(812.4, 9.26, at)) if m.id == QWEN else m for m in snapshot.models
    )
    tab.show_snapshot(replace(snapshot, models=models))
    assert tab.details.measured.text() == "Measured 8 Nov 2026: reads 812, writes 9.3 tokens/s"
    assert not tab.details.measured.isHidden()


def test_lists_every_model_by_name(tab: ModelsTab) -> None:
    assert shown(tab) == ["BGE-M3", "Gemma-27B & vision", "Llama-70B Q4", "Qwen3-30B Q4_K_M"]
    assert shown(tab, SIZE) == ["1 GB", "16.1 GB", "–", "17.8 GB"]
    assert shown(tab, LOADED) == ["–", "–", "–", "primary"]
    assert shown(tab, FIT) == ["≈ fits", "≈ tight", "cannot be loaded", "≈ fits"]  # the last one is loaded
    assert tab.count.text() == "4 models"


def test_sorts_by_the_numbers_behind_the_texts(tab: ModelsTab) -> None:
    tab.list.sortByColumn(SIZE, Qt.SortOrder.DescendingOrder)
    assert shown(tab, SIZE) == ["17.8 GB", "16.1 GB", "1 GB", "–"]
    tab.list.sortByColumn(FIT, Qt.SortOrder.AscendingOrder)
    assert shown(tab)[0] == "BGE-M3" and shown(tab)[-1] == "Llama-70B Q4"


def test_the_search_narrows_and_says_so(tab: ModelsTab) -> None:
    QTest.keyClicks(tab.search, "qwen q4")
    assert shown(tab) == ["Qwen3-30B Q4_K_M"]
    assert tab.count.text() == "1 of 4 models"
    assert tab.details.title.text() == "Qwen3-30B Q4_K_M"
    QTest.keyClicks(tab.search, "xyz")
    assert tab.pages.currentWidget() is tab.empty
    assert "xyz" in tab.empty.title.text()
    tab.empty.clear_search.click()
    assert tab.pages.currentWidget() is tab.list
    assert len(shown(tab)) == 4


def test_without_models_it_explains_what_to_do(tab: ModelsTab) -> None:
    tab.show_snapshot(Snapshot())
    assert tab.empty.title.text() == words.NO_MODELS_TITLE
    assert tab.empty.add_folder.isVisible() and not tab.empty.clear_search.isVisible()
    assert not tab.details.load.isEnabled()


def test_load_in_lists_every_slot_and_why_not(tab: ModelsTab, qtbot: QtBot) -> None:
    tab.select(GEMMA)
    tab.menu.aboutToShow.emit()
    primary, embed = tab.menu.actions()
    assert (primary.text(), primary.isEnabled()) == ("Load in primary", True)
    assert (embed.text(), embed.isEnabled()) == ("Load in embed (only for embedding models)", False)
    with qtbot.waitSignal(tab.chosen) as caught:
        primary.trigger()
    assert caught.args == [Command(Action.LOAD, "primary", GEMMA)]


def test_what_is_loaded_is_marked(tab: ModelsTab) -> None:
    tab.select(QWEN)
    tab.menu.aboutToShow.emit()
    primary = tab.menu.actions()[0]
    assert primary.isChecked() and not primary.isEnabled()


def test_a_broken_model_says_why_and_cannot_be_loaded(tab: ModelsTab) -> None:
    tab.select(LLAMA)
    assert tab.details.problem.text() == "the file llama-70b.gguf is missing"
    assert tab.details.problem.isVisible()
    assert not tab.details.load.isEnabled()
    tab.select(EMBED)
    assert not tab.details.problem.isVisible()


def test_keys_alone_are_enough(tab: ModelsTab, qtbot: QtBot) -> None:
    tab.search.setFocus()
    QTest.keyClicks(tab.search, "gemma")
    QTest.keyClick(tab.search, Qt.Key.Key_Return)
    QTest.keyClick(tab.list, Qt.Key.Key_Return)
    assert tab.menu.isVisible()
    with qtbot.waitSignal(tab.chosen) as caught:
        QTest.keyClick(tab.menu, Qt.Key.Key_Down)
        QTest.keyClick(tab.menu, Qt.Key.Key_Return)
    assert caught.args == [Command(Action.LOAD, "primary", GEMMA)]


def test_the_context_menu_offers_the_same_and_more(tab: ModelsTab) -> None:
    tab.select(GEMMA)
    tab.list.customContextMenuRequested.emit(tab.list.visualRect(tab.list.currentIndex()).center())
    offered = [action.text() for action in tab.context_menu.actions() if action.text()]
    assert offered[0] == "Load in primary"
    assert offered[-2:] == [words.COPY_ID, words.SHOW_FILE]
    tab.context_menu.close()


def test_the_id_is_copied_and_that_is_confirmed(tab: ModelsTab) -> None:
    tab.select(EMBED)
    tab.details.copy.click()
    assert QGuiApplication.clipboard().text() == EMBED
    assert tab.notice.text() == f"Copied {EMBED}"


@pytest.fixture
def file_manager() -> Iterator[Opened]:
    opened = Opened()
    QDesktopServices.setUrlHandler("file", opened, "open")  # type: ignore[arg-type]
    yield opened
    QDesktopServices.unsetUrlHandler("file")


def test_a_model_s_folder_is_shown(tab: ModelsTab, file_manager: Opened, tmp_path: Path) -> None:
    assert not tab.details.reveal.isEnabled()  # BGE-M3 has no file here
    models = tuple(replace(m, file=str(tmp_path / "a b.gguf")) for m in first_snapshot().models)
    tab.show_snapshot(replace(first_snapshot(), models=models))
    tab.details.reveal.click()
    assert file_manager.urls == [tmp_path.as_posix()]


def test_a_snapshot_changes_rows_in_place(tab: ModelsTab) -> None:
    tab.select(GEMMA)
    resets: list[None] = []
    tab.table.modelReset.connect(lambda: resets.append(None))
    primary, embed = first_snapshot().slots
    turned = replace(primary, model=GEMMA, loaded=(GEMMA,))
    tab.show_snapshot(replace(first_snapshot(), slots=(turned, embed)))
    assert shown(tab, LOADED) == ["–", "primary", "–", "–"]
    assert resets == [] and tab.current is not None and tab.current.model.id == GEMMA
    tab.show_snapshot(replace(first_snapshot(), slots=(replace(turned, state=SlotState.LOADING), embed)))
    assert shown(tab, LOADED)[1] == "–"


def test_the_selection_survives_models_that_come_and_go(tab: ModelsTab) -> None:
    tab.select(QWEN)
    tab.show_snapshot(replace(first_snapshot(), models=first_snapshot().models[:2]))
    assert tab.current is not None and tab.current.model.id == QWEN
    tab.show_snapshot(replace(first_snapshot(), models=first_snapshot().models[1:]))
    assert tab.current is not None


def test_a_hidden_tab_catches_up_when_it_is_shown(tab: ModelsTab) -> None:
    tab.hide()
    tab.show_snapshot(many(7))
    assert len(shown(tab)) == 4
    tab.show()
    assert len(shown(tab)) == 7


def test_500_models_stay_fast(tab: ModelsTab) -> None:
    """Far below what would be felt, with room for a slow machine; benchmarks measure properly."""
    began = time.process_time()
    tab.show_snapshot(many(500))
    QTest.keyClicks(tab.search, "model 49")
    tab.list.sortByColumn(SIZE, Qt.SortOrder.DescendingOrder)
    tab.grab()
    assert time.process_time() - began < 2
    assert shown(tab)[0] == "Model 499"


def test_screen_readers_hear_names_and_no_dashes(tab: ModelsTab) -> None:
    role = Qt.ItemDataRole.AccessibleTextRole
    assert tab.list.accessibleName() == "Models"
    assert tab.search.accessibleName() == "Search models"
    assert tab.filter.index(0, LOADED).data(role) == "Loaded in: none"
    assert words.ESTIMATE in tab.filter.index(0, FIT).data(role)


# -- folders -----------------------------------------------------------------------------------------------


async def test_a_folder_is_added_to_those_there_are(tab: ModelsTab, link: ConfigLink, tmp_path: Path) -> None:
    tab.add_folder.click()
    dialog = tab.findChild(QFileDialog)
    assert dialog is not None and dialog.isModal()
    dialog.filesSelected.emit([str(tmp_path)])
    dialog.reject()
    await until_processed(tab.notice.isVisible)
    assert link.asked == [[ConfigChange(("model_dirs",), ["~/models", "/data/gguf", str(tmp_path)])]]
    assert tab.notice.text().startswith(f"Added {tmp_path}")


def drop(tab: QWidget, *dropped: Path | str) -> Qt.DropAction | None:
    """Drag these onto the widget; as what it took them, None: not at all. The source would rather move them."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(one)) if isinstance(one, Path) else QUrl(one) for one in dropped])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    actions = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction
    entered = QDragEnterEvent(tab.rect().center(), actions, data, buttons, keys)
    entered.setDropAction(Qt.DropAction.MoveAction)
    entered.ignore()
    tab.dragEnterEvent(entered)
    if not entered.isAccepted():
        return None
    event = QDropEvent(QPointF(tab.rect().center()), actions, data, buttons, keys)
    event.setDropAction(Qt.DropAction.MoveAction)
    tab.dropEvent(event)
    assert event.isAccepted() and event.dropAction() == entered.dropAction()
    return event.dropAction()


async def answer(tab: ModelsTab, button: str) -> None:
    await until_processed(lambda: tab.folders.question is not None)
    box = tab.folders.question
    assert box is not None
    next(b for b in box.buttons() if b.text() == button).click()


async def test_of_a_dropped_file_the_person_says_whether_its_folder_is_meant(
    tab: ModelsTab, link: ConfigLink, tmp_path: Path
) -> None:
    """Row 41: it is never moved; one file, its folder, or nothing."""
    file = tmp_path / "a.GGUF"
    file.touch()
    assert drop(tab, file) is Qt.DropAction.CopyAction
    await answer(tab, words.CANCEL)
    assert drop(tab, file) is Qt.DropAction.CopyAction
    await answer(tab, words.ONLY_FILE)
    await until_processed(lambda: tab.notice.text().startswith("Added a.GGUF"))
    assert link.asked == [[ConfigChange(("models", "a"), {"file": str(file)})]]
    drop(tab, file)
    await until_processed(lambda: "already" in tab.notice.text())
    (tmp_path / "b.gguf").touch()
    drop(tab, tmp_path / "b.gguf")
    await answer(tab, words.WHOLE_FOLDER)
    await until_processed(lambda: tab.notice.text().startswith(f"Added {tmp_path}"))
    assert link.asked[1:] == [[ConfigChange(("model_dirs",), ["~/models", "/data/gguf", str(tmp_path)])]]


async def test_several_files_folders_and_others_at_once(
    tab: ModelsTab, link: ConfigLink, tmp_path: Path
) -> None:
    """Row 41."""
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
    for name in ("a.gguf", "b.GGUF", "notes.txt"):
        (first / name).touch()
    (second / "inside.gguf").touch()
    told: list[str] = []
    tab.folders.reported.connect(lambda sentence, _failed: told.append(sentence))
    drop(tab, *(first / name for name in ("a.gguf", "b.GGUF", "notes.txt")), second, second / "inside.gguf")
    await answer(tab, words.ONLY_FILES)
    await until_processed(lambda: len(link.asked) == 3)
    assert [asked[0].path for asked in link.asked] == [("model_dirs",), ("models", "a"), ("models", "b")]
    assert any("notes.txt" in sentence for sentence in told)


async def test_without_model_dirs_the_usual_folders_stay(
    tab: ModelsTab, link: ConfigLink, tmp_path: Path
) -> None:
    """Row 41: programs' folders that appear later are still looked at."""
    link.text = None
    drop(tab, tmp_path)
    await until_processed(lambda: bool(link.asked))
    assert link.asked == [[ConfigChange(("model_dirs",), ["default", str(tmp_path)])]]


async def test_other_files_are_refused_with_a_sentence(
    tab: ModelsTab, link: ConfigLink, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").touch()
    assert drop(tab, tmp_path / "notes.txt")
    await until_processed(tab.notice.isVisible)
    assert tab.notice.text() == words.NOTHING_DROPPED
    assert tab.notice.property("failed") == "true"
    assert not drop(tab)
    drop(tab, "https://example.com/a.gguf")
    assert tab.notice.text() == words.WEB_DROPPED
    drop(tab, "https://huggingface.co/org/repo-GGUF")
    assert tab.pull_dialog is not None
    assert tab.pull_dialog.field.text() == "https://huggingface.co/org/repo-GGUF"
    assert link.reads == 0


async def test_a_file_can_be_dropped_on_any_part_of_the_window(qtbot: QtBot, tmp_path: Path) -> None:
    """Row 41."""
    (tmp_path / "a.gguf").touch()
    for first_run in (False, True):
        window = MainWindow(StoreLink(first_snapshot()), first_run=first_run)
        window.may_hide = True
        qtbot.addWidget(window)
        window.show()
        for index in range(0 if first_run else window.tabs.count()):
            window.tabs.setCurrentIndex(index)
            takers = [w for w in window.tabs.currentWidget().findChildren(QLineEdit) if w.isVisible()]
            for widget in takers:
                data = QMimeData()
                data.setUrls([QUrl.fromLocalFile(str(tmp_path))])
                event = QDragEnterEvent(
                    QPoint(2, 2),
                    Qt.DropAction.CopyAction,
                    data,
                    Qt.MouseButton.LeftButton,
                    Qt.KeyboardModifier(0),
                )
                event.ignore()
                if widget.acceptDrops():
                    widget.dragEnterEvent(event)
                assert not event.isAccepted(), widget.accessibleName()
        assert drop(window, tmp_path / "a.gguf") is Qt.DropAction.CopyAction
        assert window.tabs.currentWidget() is window.models and window.models.isVisible()
        await answer(window.models.content, words.CANCEL)


async def test_a_refusal_is_told_in_the_router_s_words(
    tab: ModelsTab, link: ConfigLink, tmp_path: Path
) -> None:
    link.error = ShuttingDown("hal0 is stopping.")
    drop(tab, tmp_path)
    await until_processed(tab.notice.isVisible)
    assert tab.notice.text() == "hal0 is stopping."


async def test_a_bug_is_no_click_that_did_nothing(tab: ModelsTab, link: ConfigLink, tmp_path: Path) -> None:
    link.error = ZeroDivisionError()
    drop(tab, tmp_path)
    await until_processed(lambda: tab.notice.text() == words.UNEXPECTED)


def test_what_hal0_fetched_is_deleted_after_a_question(tab: ModelsTab) -> None:
    sent: list[Command] = []
    tab.chosen.connect(sent.append)
    tab.select(QWEN)
    assert tab.details.delete.isHidden(), "hal0 did not fetch it"
    fetched = "org/qwen-GGUF:Q4_K_M"
    qwen = next(model for model in first_snapshot().models if model.id == QWEN)
    ours = (replace(qwen, fetched=fetched), replace(qwen, id="fast", fetched=fetched))
    tab.show_snapshot(replace(first_snapshot(), models=ours))
    tab.details.delete.click()
    assert tab.question is not None and tab.question.isVisible() and sent == []
    assert qwen.display_name in tab.question.text()
    assert fetched in tab.question.informativeText() and "fast" in tab.question.informativeText()
    assert tab.question.defaultButton() is tab.question.no
    tab.question.no.click()
    tab.details.delete.click()
    tab.question.yes.click()
    assert sent == [Command(Action.DELETE_MODEL, model=QWEN)]
    assert order_of(sent[0]) == DeleteModel(QWEN)
