"""Models that hal0 fetched, deleted: which, and while who uses them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from router.base.errors import ModelNotFound, NotDeletable
from router.base.paths import Paths
from router.catalog.models import build_catalog
from router.config.default import with_downloads
from router.config.schema import Config, Kind
from router.hub import store
from router.hub.deletion import delete_model, user_of
from router.hub.local_models import with_references
from router.hub.names import RepoFile
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot, StateStore
from tests.router.catalog.files import write_gguf
from tests.router.engine.fake_engines import paths_in

OURS = "org/tiny-GGUF:Q4_K_M"
FETCHED = ModelStatus("tiny", "Tiny", Kind.CHAT, file="/m/tiny.gguf", fetched=OURS)
NAMED = replace(FETCHED, id="fast")
FOREIGN = ModelStatus("mine", "Mine", Kind.CHAT, file="/m/mine.gguf")
SLOT = SlotStatus("primary", Kind.CHAT)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return paths_in(tmp_path)


def fetch(paths: Paths, name: str = "tiny.gguf") -> Path:
    """As a download leaves it."""
    folder = store.final_folder(paths.downloads, "org/tiny-GGUF", "Q4_K_M")
    folder.mkdir(parents=True)
    file = write_gguf(folder / name)
    size = file.stat().st_size
    store.write_mark(store.Download("org/tiny-GGUF", "Q4_K_M", "c0", folder, (RepoFile(name, size, None),)))
    return file


def state_of(*slots: SlotStatus) -> StateStore:
    return StateStore(Snapshot(models=(FETCHED, NAMED, FOREIGN), slots=slots))


@pytest.mark.parametrize(
    ("slot", "used"),
    [
        (replace(SLOT, state=SlotState.READY, model="tiny", loaded=("tiny",)), "tiny"),
        (replace(SLOT, state=SlotState.READY, model="fast", loaded=("fast",)), "fast"),
        (replace(SLOT, state=SlotState.LOADING, model="mine", target="tiny"), "tiny"),
        (replace(SLOT, state=SlotState.READY, model="mine", loaded=("mine",), leaving=("tiny",)), "tiny"),
        (replace(SLOT, state=SlotState.STOPPING, model="tiny"), "tiny"),
        (replace(SLOT, state=SlotState.UNLOADED, model="tiny"), None),
        (replace(SLOT, state=SlotState.FAILED, model="tiny"), None),
        (replace(SLOT, state=SlotState.READY, model="mine", loaded=("mine",)), None),
    ],
)
def test_who_uses_it(slot: SlotStatus, used: str | None) -> None:
    """Under whichever name: two ids may mean one file."""
    other = replace(SLOT, name="other")
    found = user_of(OURS, state_of(other, slot).snapshot)
    assert found == (None if used is None else ("primary", used))


async def test_all_its_files_go_and_nothing_beside_them(paths: Paths) -> None:
    file = fetch(paths)
    beside = write_gguf(paths.downloads / "org" / "by-hand.gguf")
    assert await delete_model(NAMED, state_of(SLOT), paths) == OURS
    assert not file.parent.exists() and beside.is_file()
    with pytest.raises(ModelNotFound, match=r"not in .* any more"):
        await delete_model(NAMED, state_of(SLOT), paths)


async def test_what_is_in_use_or_not_ours_stays(paths: Paths) -> None:
    file = fetch(paths)
    busy = replace(SLOT, state=SlotState.LOADING, target="fast")
    with pytest.raises(NotDeletable, match="fast is in use in primary: unload primary, then delete it"):
        await delete_model(FETCHED, state_of(busy), paths)
    with pytest.raises(NotDeletable, match=r"hal0 did not fetch mine.*it lies at /m/mine.gguf"):
        await delete_model(FOREIGN, state_of(), paths)
    assert file.is_file()


def test_what_hal0_fetched_is_marked_as_that(paths: Paths) -> None:
    """By its mark: a file that a person has put into the same folder is theirs."""
    fetch(paths)
    write_gguf(paths.downloads / "org" / "other" / "by-hand.gguf")
    catalog = build_catalog(with_downloads(Config(), paths), None)
    marked = with_references(catalog, paths).models
    assert {model.id: model.fetched for model in marked.values()} == {"tiny": OURS, "by-hand": None}
