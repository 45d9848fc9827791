"""What runs well here, a search, one click, and the way from there to a first answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.texts import discover as texts
from app.views.discover import Stage, arrival, finding_rows, preselected, slot_for
from app.views.menu import Action, Command, menu_spec
from app.window.first_run_page import FirstRunPage
from app.window.main import MainWindow
from app.window.models_tab import ModelsTab
from app.window.pull_dialog import PullDialog
from router.base.errors import PullFailed
from router.config.schema import Kind
from router.memory.forecast.needs import Fit
from router.state import DownloadState, DownloadStatus, Progress, SlotState, Snapshot
from router.wire.hub_offer import OfferedFit
from router.wire.hub_search import Findings, FoundRepository, Suggestion
from tests.app import scenes
from tests.app.fake_service import StoreLink
from tests.app.running import run_qt, until

GB = 1 << 30
Q4 = f"{scenes.REPO}:Q4_K_M"


def room(fits: str = "fits") -> OfferedFit:
    return OfferedFit(6 * GB, 40960, 40960, 20 * GB, 24 * GB, True, fits, 3 * GB)


SMALL = Suggestion("org/small-GGUF:Q8_0", "chat", 639_000_000, "Apache-2.0", "Quick.", room())
LARGE = Suggestion(Q4, "chat", 17_300_000_000, "Apache-2.0", "Knows a lot.", room("tight"), best=True)
EMBED = Suggestion("org/embed-GGUF:Q8_0", "embedding", 146_000_000, "MIT", "Finds texts.", room())
GATED = FoundRepository("meta/llama-GGUF", 5000, 9, True, "llama3", 8_000_000_000, "llama", 131072, ("Q4_K_M",))
OPEN = FoundRepository("org/open-GGUF", 400, 2, False, "mit", 135_000_000, "llama", 2048, ("Q4_1", "Q8_0"))
FOUND = Findings((SMALL, LARGE, EMBED), (GATED, OPEN), "https://hub.example")
Scene = Callable[[PullDialog, StoreLink], Awaitable[None]]


def play(app: QApplication, scene: Scene, snapshot: Snapshot | None = None) -> None:
    async def run() -> None:
        link = StoreLink(snapshot or scenes.ready())
        link.offered, link.findings = scenes.offer(), FOUND
        dialog = PullDialog(link)
        dialog.open()
        dialog.suggest()
        await until(lambda: dialog.found.topLevelItemCount() == 3, "the suggestions")
        await scene(dialog, link)
        dialog.close()

    run_qt(app, run())


def choose(dialog: PullDialog, number: int) -> None:
    item = dialog.found.topLevelItem(number)
    assert item is not None
    dialog.found.setCurrentItem(item)


def test_one_click_fetches_a_suggestion_and_leads_to_trying_it(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, link: StoreLink) -> None:
        tried: list[Command] = []
        dialog.chosen.connect(tried.append)
        assert dialog.message.text() == texts.EXPLAIN and not dialog.start.isEnabled()
        choose(dialog, 1)
        assert dialog.start.isEnabled(), "as it stands, before anybody was asked"
        assert dialog.about.text().splitlines()[0] == "Knows a lot."
        assert dialog.about.text().splitlines()[1].startswith("Memory: tight with all 40960 tokens")
        assert dialog.load.text() == "Load it into primary when it has come" and dialog.load.isChecked()
        await until(dialog.choices.isVisible, "its quantisations")
        assert dialog.choices.reference == Q4
        dialog.start.click()
        await until(dialog.arrival.isVisible, "the way there")
        assert ("download", "start", Q4, "primary") in link.calls
        assert not dialog.found.isVisible() and not dialog.start.isVisible()
        status = DownloadStatus(Q4, DownloadState.RUNNING, "downloading", "m", 40, 100, slot="primary")
        for seen in (status, replace(status, state=DownloadState.DONE, step=None, model="qwen")):
            link.store.update(downloads=(seen,))
            dialog.show_snapshot(link.snapshot)
        assert "is being loaded into primary" in dialog.arrival.message.text()
        slot = link.snapshot.slot("primary")
        assert slot is not None
        link.store.update_slot(replace(slot, loaded=("qwen",), state=SlotState.READY))
        dialog.show_snapshot(link.snapshot)
        assert dialog.arrival.message.text() == "qwen is ready in primary."
        QTest.keyClick(dialog, Qt.Key.Key_Return)
        assert tried == [Command(Action.TRY, "primary")]
        dialog.arrival.back.click()
        assert dialog.found.isVisible() and dialog.field.isVisible()

    play(qapp, scene)


def test_words_search_and_a_gated_repository_says_so(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, link: StoreLink) -> None:
        QTest.keyClicks(dialog.field, "llama")
        QTest.keyClick(dialog.field, Qt.Key.Key_Return)
        assert dialog.message.text() == texts.ASKING, "something is said while it is waited for"
        await until(lambda: dialog.found.topLevelItemCount() == 5, "what was found")
        assert ("search", "llama") in link.calls and not dialog.message.isVisible()
        choose(dialog, 3)
        assert dialog.about.text() == (
            "meta/llama-GGUF is gated: accept its terms at https://hub.example/meta/llama-GGUF in your browser "
            "before you fetch it."
        )
        assert not dialog.start.isEnabled(), "nobody has said which quantisation"
        await until(lambda: ("offer", "meta/llama-GGUF") in link.calls, "the question")

    play(qapp, scene)


def test_without_a_network_the_suggestions_stay_and_one_sentence_says_why(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, link: StoreLink) -> None:
        link.search_error = PullFailed("https://hub.example could not be reached; check the network.")
        dialog.field.setText("llama")
        dialog.check.click()
        await until(lambda: dialog.message.property("failed") == "true", "the sentence")
        assert dialog.message.text() == link.search_error.message
        assert dialog.found.topLevelItemCount() == 3 and dialog.found.isVisible()

    play(qapp, scene)


def test_an_embedding_model_is_loaded_where_embeddings_are_made(qapp: QApplication) -> None:
    async def scene(dialog: PullDialog, link: StoreLink) -> None:
        choose(dialog, 2)
        assert not dialog.load.isVisible(), "there is no such slot"

    play(qapp, scene, replace(scenes.ready(), slots=(scenes.PRIMARY,)))


def test_rows_tell_size_fit_and_licence_and_mark_the_best() -> None:
    rows = [(row.name, row.purpose, row.size, row.fit, row.licence, row.fits) for row in finding_rows(FOUND)]
    assert rows == [
        ("small Q8_0", "chat", "639 MB", "≈ fits", "Apache-2.0", Fit.FITS),
        (
            "Qwen3-30B-A3B-Instruct-2507 Q4_K_M (suggested)",
            "chat",
            "17.3 GB",
            "≈ tight",
            "Apache-2.0",
            Fit.TIGHT,
        ),
        ("embed Q8_0", "embeddings", "146 MB", "≈ fits", "MIT", Fit.FITS),
        ("meta/llama-GGUF (gated)", "llama", "8 B", "–", "llama3", None),
        ("org/open-GGUF", "llama", "135 M", "–", "mit", None),
    ]


def test_the_best_quantisation_is_the_usual_one_unless_it_is_too_large() -> None:
    offer = scenes.offer()
    assert preselected(offer) == Q4
    assert preselected(replace(offer, chosen=f"{scenes.REPO}:BF16")) == Q4, "the largest that fits"
    tight = tuple(model for model in offer.models if model.label in ("Q5_K_M", "BF16"))
    assert preselected(replace(offer, models=tight, chosen=f"{scenes.REPO}:BF16")) == f"{scenes.REPO}:Q5_K_M"
    assert preselected(replace(offer, chosen=None)) is None


def test_the_slot_is_one_that_holds_nothing_of_the_persons() -> None:
    held = replace(scenes.PRIMARY, name="held")
    demo = replace(scenes.PRIMARY, name="demo", model="hal0-demo", loaded=("hal0-demo",))
    snapshot = replace(scenes.ready(), slots=(held, demo))
    assert slot_for(snapshot, Kind.CHAT) == "demo"
    assert slot_for(replace(snapshot, slots=(held,)), Kind.CHAT) == "held"
    assert slot_for(snapshot, Kind.EMBEDDING) == ""


@pytest.mark.parametrize(
    ("status", "stage", "share"),
    [
        (DownloadStatus(Q4, DownloadState.QUEUED, total_bytes=9), Stage.COMING, None),
        (DownloadStatus(Q4, DownloadState.RUNNING), Stage.COMING, None),
        (DownloadStatus(Q4, DownloadState.RUNNING, "downloading", "m", 1, 4), Stage.COMING, 0.25),
        (DownloadStatus(Q4, DownloadState.PAUSED, done_bytes=1, total_bytes=2), Stage.STOPPED, 0.5),
        (DownloadStatus(Q4, DownloadState.FAILED, error="The disk is full."), Stage.FAILED, None),
        (DownloadStatus(Q4, DownloadState.DONE, model="m"), Stage.HERE, 1.0),
        (DownloadStatus(Q4, DownloadState.DONE, model="m", slot="gone"), Stage.HERE, 1.0),
        (
            DownloadStatus(Q4, DownloadState.DONE, model="m", slot="primary", error="No room."),
            Stage.FAILED,
            None,
        ),
        (DownloadStatus(Q4, DownloadState.DONE, model="m", slot="primary"), Stage.LOADING, 0.5),
    ],
)
def test_each_step_of_the_way_is_told(status: DownloadStatus, stage: Stage, share: float | None) -> None:
    loading = replace(scenes.PRIMARY, loaded=(), progress=Progress(SlotState.LOADING, 0.5, 0.0))
    found = arrival(replace(scenes.ready(), slots=(loading,), downloads=(status,)), Q4)
    assert found is not None and (found.stage, found.share) == (stage, share)
    assert found.message
    assert arrival(scenes.ready(), Q4) is None


def test_every_place_without_models_leads_there(qapp: QApplication) -> None:
    async def scene() -> None:
        link = StoreLink(replace(scenes.ready(), models=()))
        link.findings = FOUND
        window = MainWindow(link, first_run=True)
        window.show()
        assert isinstance(window.first_run, FirstRunPage)
        asked: list[Command] = []
        window.chosen.connect(asked.append)
        assert window.first_run.get_models.isVisible()
        window.first_run.get_models.click()
        assert asked == [Command(Action.GET_MODELS)]
        window.get_models()
        tab = window.models.content
        assert isinstance(tab, ModelsTab) and tab.pull_dialog is not None
        dialog = tab.pull_dialog
        await until(lambda: dialog.found.topLevelItemCount() == 3, "the suggestions")
        dialog.close()
        assert tab.pull_dialog is None
        window.end()

    run_qt(qapp, scene())


def test_the_tray_leads_there_also_from_a_slot_without_models() -> None:
    empty = replace(scenes.PRIMARY, choices=())
    rows = menu_spec(replace(scenes.ready(), slots=(empty,)), 0.0).rows
    assert any(row.command == Command(Action.GET_MODELS) and row.enabled for row in rows)
    (slot,) = (row for row in rows if row.key == "slot:primary")
    (entry,) = (row for row in slot.rows if row.key == "no-models")
    assert entry.enabled and entry.command == Command(Action.GET_MODELS)
