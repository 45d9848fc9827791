"""Asking for a model, choosing a quantisation, starting it; its row in the Models tab."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.actions import Actions
from app.link.state_bridge import StateBridge
from app.texts import pull as words
from app.views.discover import Arrival, Stage
from app.views.downloads import download_rows
from app.views.quantisations import fit_words, quantisation_rows, verdict
from app.window.models_tab import ModelsTab
from app.window.pull_dialog import PullDialog
from app.window.quantisation_list import FIT
from router.base.errors import PullFailed
from router.memory.forecast.needs import Fit
from router.state import DownloadOrder, DownloadState
from tests.app import scenes
from tests.app.fake_service import StoreLink
from tests.app.running import run_qt, until

GATED = "org/x is gated: accept its terms at https://huggingface.co/org/x in your browser, and try again."
Scene = Callable[[PullDialog, StoreLink], Awaitable[None]]
Q4 = f"{scenes.REPO}:Q4_K_M"


def play(app: QApplication, scene: Scene) -> None:
    async def run() -> None:
        link = StoreLink(scenes.ready())
        link.offered = scenes.offer()
        dialog = PullDialog(link)
        dialog.load.setChecked(False)  # whoever wants it loaded stays: tests/app/test_discover.py
        dialog.open()
        await scene(dialog, link)
        dialog.close()

    run_qt(app, run())


def focused(dialog: QWidget) -> QWidget:
    found = dialog.focusWidget()
    assert found is not None
    return found


def test_with_the_keyboard_alone_a_model_is_asked_for_chosen_and_started(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, link: StoreLink) -> None:
        assert focused(dialog) is dialog.field and not dialog.start.isEnabled()
        QTest.keyClicks(dialog.field, f"  {scenes.REPO}  ")
        QTest.keyClick(dialog.field, Qt.Key.Key_Return)
        assert dialog.message.text() == words.ASKING
        await until(dialog.choices.isVisible, "the offer")
        assert link.calls == [("offer", scenes.REPO)]
        assert focused(dialog) is dialog.choices and dialog.choices.reference == Q4
        assert dialog.details.text().splitlines()[-1].startswith("Disk: 17.3 GB to fetch, 48.3 GB free")
        QTest.keyClick(dialog.choices, Qt.Key.Key_Down)
        assert dialog.choices.reference == f"{scenes.REPO}:Q5_K_M"
        QTest.keyClick(dialog.choices, Qt.Key.Key_Up)
        QTest.keyClick(dialog.choices, Qt.Key.Key_Return)
        await until(lambda: not dialog.isVisible(), "the end of the dialog")
        assert link.calls[1:] == [("download", "start", Q4)]

    play(qapp, scene)


def test_a_refusal_is_told_with_what_to_do_and_may_be_asked_again(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, link: StoreLink) -> None:
        link.offer_error = PullFailed(GATED)
        dialog.field.setText("org/x")
        dialog.check.click()
        await until(lambda: dialog.message.text() == GATED, "the reason")
        assert dialog.message.property("failed") == "true" and not dialog.choices.isVisible()
        link.offer_error = ValueError("a bug")
        dialog.check.click()
        await until(lambda: dialog.message.text() == words.UNEXPECTED, "the admission")
        link.offer_error = None
        dialog.check.click()
        await until(dialog.choices.isVisible, "the offer")
        assert not dialog.message.isVisible()
        link.download_error = PullFailed("The disk is full.")
        dialog.start.setFocus()
        dialog.start.click()
        await until(lambda: dialog.message.text() == "The disk is full.", "the second reason")
        assert dialog.isVisible() and dialog.start.isEnabled()
        assert dialog.focusWidget() is dialog.start, "Enter tries again, and does not close"

    play(qapp, scene)


def test_the_last_question_counts_and_leaving_ends_it(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, link: StoreLink) -> None:
        link.step = 0.05
        dialog.field.setText("org/first")
        dialog.check.click()
        await until(lambda: link.calls == [("offer", "org/first")], "the first question")
        first = dialog._task
        assert first is not None
        dialog.field.setText("org/second")
        dialog.check.click()
        await until(first.done, "its end")
        assert first.cancelled() and not dialog.choices.isVisible()
        await until(dialog.choices.isVisible, "the offer")
        dialog.check.click()
        second = dialog._task
        dialog.close_button.click()
        assert second is not None
        await until(second.done, "the end with the dialog")

    play(qapp, scene)


def test_what_cannot_be_started_says_why(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, _link: StoreLink) -> None:
        dialog.show_offer(scenes.offer())
        first = dialog.choices.topLevelItem(0)
        assert first is not None and first.text(FIT) == words.HERE
        dialog.choices.setCurrentItem(first)
        assert not dialog.start.isEnabled() and "on this computer already" in dialog.details.text()
        dialog.show_offer(replace(scenes.offer(), disk_free=3 << 30))
        assert not dialog.start.isEnabled() and "3.2 GB free" in dialog.doubt.text()
        dialog.show_offer(replace(scenes.offer(), warning="It is of an architecture nobody knows."))
        assert dialog.start.isEnabled() and dialog.doubt.text() == "It is of an architecture nobody knows."
        dialog.show_offer(replace(scenes.offer(), chosen=None))
        assert dialog.message.text() == words.SEVERAL and not dialog.start.isEnabled()

    play(qapp, scene)


def test_each_quantisation_has_its_size_and_whether_it_fits() -> None:
    rows = {row.reference.rpartition(":")[2]: row for row in quantisation_rows(scenes.offer())}
    assert [(row.label, row.size, row.fit, row.context) for row in rows.values()] == [
        ("IQ2_M", "9.5 GB", "already here", "–"),
        ("Q3_K_M", "13.7 GB", "≈ fits", "128k"),
        ("Q4_K_M (suggested)", "17.3 GB", "≈ fits", "64k"),
        ("Q5_K_M", "20.2 GB", "≈ tight", "4k"),
        ("Q8_0", "30.2 GB", "≈ short by 8.6 GiB", "4k"),
        ("BF16", "56.9 GB", "≈ short by 35.2 GiB", "4k"),
    ]
    assert [row.fits for row in rows.values()][3:5] == [Fit.TIGHT, Fit.SHORT]
    assert "22.8 GiB of 24 GiB VRAM free" in rows["Q4_K_M"].tip
    room = scenes.offer().models[2].room
    assert room is not None
    told = fit_words(replace(room, held=9 << 30))
    assert told.endswith("(needs about 22.1 GiB; 22.8 GiB of 24 GiB VRAM free once slots give back 9 GiB)")
    half = verdict(scenes.offer(), f"{scenes.REPO}:Q8_0")
    assert (
        half.goes_on
        and half.lines[0] == "1.2 GB of 30.2 GB are already here; the download continues from there."
    )


@pytest.mark.parametrize(
    ("state", "first", "second"),
    [
        (DownloadState.QUEUED, "Pause", "Remove"),
        (DownloadState.RUNNING, "Pause", "Remove"),
        (DownloadState.PAUSED, "Resume", "Remove"),
        (DownloadState.FAILED, "Try again", "Remove"),
        (DownloadState.DONE, None, "Dismiss"),
    ],
)
def test_each_state_of_a_download_offers_what_makes_sense(
    state: DownloadState, first: str | None, second: str
) -> None:
    found = scenes.one_download()
    (row,) = download_rows(replace(found, downloads=(replace(found.downloads[0], state=state),)))
    assert (row.first.label if row.first else None, row.second.label) == (first, second)
    assert row.moving is (state is not DownloadState.DONE)


def test_a_model_that_came_and_was_not_loaded_says_why() -> None:
    found = scenes.one_download()
    done = replace(found.downloads[0], state=DownloadState.DONE, slot="primary", model="qwen", error="No room.")
    (row,) = download_rows(replace(found, downloads=(done,)))
    assert row.message == "qwen has come, but was not loaded: No room."


def test_a_download_that_only_looks_around_has_no_share() -> None:
    found = scenes.one_download()
    asking = replace(found.downloads[0], step=None)
    checking = replace(asking, step="checking", done_bytes=5, total_bytes=10)
    rows = download_rows(replace(found, downloads=(asking, checking)))
    assert [(row.message, row.share) for row in rows] == [
        (words.ASKING, None),
        ("Checking Qwen3-30B-A3B-Instruct-2507-Q4_K_M.gguf", 0.5),
    ]


def test_the_rows_follow_the_snapshot_and_their_buttons_do_what_they_say(
    qapp: QApplication, tmp_path: Path
) -> None:
    async def scene() -> None:
        link = StoreLink(scenes.one_download())
        tab, bridge = ModelsTab(link), StateBridge(link)
        actions = Actions(link, tmp_path)
        tab.chosen.connect(actions.trigger)
        bridge.changed.connect(tab.show_snapshot)
        tab.show_snapshot(link.snapshot)
        tab.resize(800, 500)
        tab.show()
        card = tab.downloads.cards[Q4]
        assert (card.bar.value(), card.bar.maximum()) == (410, 1000)
        card.first.setFocus()
        QTest.keyClick(card.first, Qt.Key.Key_Space)
        await until(lambda: ("download", DownloadOrder.PAUSE.value, Q4) in link.calls, "the pause")
        paused = replace(link.snapshot.downloads[0], state=DownloadState.PAUSED, step=None, speed=None)
        link.store.update(downloads=(paused,))
        await until(lambda: card.first.text() == "Resume", "the row")
        assert card.message.text() == "Paused · 7.1 GB of 17.3 GB"
        assert card.first.accessibleName() == f"Resume {Q4}", "for those who do not see where it stands"
        assert tab.downloads.cards[Q4] is card, "it is changed in place, and keeps the focus"
        card.second.click()
        await until(lambda: ("download", DownloadOrder.REMOVE.value, Q4) in link.calls, "the removal")
        link.store.update(downloads=())
        await until(lambda: not tab.downloads.isVisible(), "the list to go")
        assert tab.downloads.cards == {}
        bridge.close()
        tab.close()

    run_qt(qapp, scene())


def test_the_tab_opens_the_dialog(qapp: QApplication) -> None:
    async def scene() -> None:
        link = StoreLink(replace(scenes.ready(), models=()))
        tab = ModelsTab(link)
        tab.show_snapshot(link.snapshot)
        tab.show()
        for opener in (tab.download, tab.empty.download):
            assert opener.isVisible()
            opener.click()
            dialog = tab.pull_dialog
            assert dialog is not None and dialog.isVisible()
            dialog.close()
        tab.close()

    run_qt(qapp, scene())


def test_while_a_model_comes_no_half_of_the_dialog_is_empty(qapp: QApplication) -> None:
    async def scene() -> None:
        dialog = PullDialog(StoreLink(scenes.ready()))
        dialog.show()
        before = dialog.height()
        dialog.show_coming(scenes.REPO, Arrival(Stage.COMING, "7 GB of 17 GB", 0.4))
        QApplication.processEvents()
        assert dialog.height() < before / 2
        dialog.arrival.back.click()
        assert dialog.height() == before
        dialog.close()

    run_qt(qapp, scene())
