"""Has the files of models that are about to be loaded read: one by one, until nobody waits for them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final

from router.base.names import shown
from router.catalog.model import Model
from router.config.sizes import file_size
from router.memory.measure.ram import RamSource
from router.readahead.files import weight_files
from router.readahead.plan import room
from router.readahead.reader import Done, read_ahead
from router.readahead.wanted import Wanted, wanted_by
from router.state import Snapshot, StateStore

log = logging.getLogger(__name__)

_STUCK_SECONDS: Final = 1.0
"""Seconds to wait for a cancelled reader at the end: a disk that does not answer holds nobody up."""


class ReadAhead:
    """Belongs to the loop. `hint` and snapshots only change what is wanted; `run` has it read."""

    def __init__(
        self, store: StateStore, models: Callable[[], Mapping[str, Model]], allowed: Callable[[], bool]
    ) -> None:
        """Read the files of `models`: those that can be launched, by id. `allowed`: whether to read for
        switches and hints."""
        self._store = store
        self._models = models
        self._allowed = allowed
        self._switches: tuple[Wanted, ...] = ()
        self._hint: Wanted | None = None
        self._guess: Wanted | None = None
        self._on_read: Callable[[], None] = lambda: None
        self._done: set[Wanted] = set()
        self._now: tuple[Wanted, threading.Event] | None = None
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Read what is wanted until cancelled."""
        unsubscribe = self._store.subscribe(self._on_change)
        self._on_change(self._store.snapshot)
        try:
            while True:
                self._wake.clear()
                if (wanted := self._next()) is None:
                    await self._wake.wait()
                else:
                    await self._read(wanted)
        finally:
            unsubscribe()

    @property
    def busy(self) -> bool:
        """Whether something is being read, or is going to be."""
        return self._now is not None or self._next() is not None

    def hint(self, model: str) -> None:
        """Note that somebody may ask for this model soon. Switches go first; a newer hint takes the place of an
        older one."""
        if self._hint is None or self._hint.model != model:
            self._hint = Wanted(model)
            self._changed()

    @property
    def guessing(self) -> bool:
        """Whether a guess is to be read, or is being read."""
        return self._guess is not None

    def guess(self, model: str, on_read: Callable[[], None]) -> None:
        """Read a model that may be asked for some day, while nobody needs the disk. `on_read`: once it is."""
        self._guess, self._on_read = Wanted(model, idle=True), on_read
        self._changed()

    def forget_guess(self) -> None:
        """Forget the guess: somebody needs the disk."""
        self._guess = None
        self._changed()

    def _on_change(self, snapshot: Snapshot) -> None:
        switches = wanted_by(snapshot)
        if switches != self._switches:
            self._switches = switches
            self._done.intersection_update(switches)
            if switches:
                self._hint = None  # what it hinted at has been asked for, or it is useless now
            self._changed()

    def _changed(self) -> None:
        if self._now is not None:
            reading, cancelled = self._now
            if (reading.model, reading.idle) not in [(wanted.model, wanted.idle) for wanted in self._all()]:
                cancelled.set()
        self._wake.set()

    def _all(self) -> tuple[Wanted, ...]:
        """Return all that is wanted: hints only when there is nothing better to do, and guesses when there is
        nothing else."""
        if self._switches:
            return self._switches
        hope = self._hint or self._guess
        return () if hope is None else (hope,)

    def _next(self) -> Wanted | None:
        return next((wanted for wanted in self._all() if wanted not in self._done), None)

    async def _read(self, wanted: Wanted) -> None:
        cancelled = threading.Event()
        self._now = (wanted, cancelled)
        try:
            model = self._models().get(wanted.model)
            if model is not None and (wanted.idle or self._allowed()):
                done = await self._on_a_thread(model, cancelled, idle=wanted.idle)
                _tell(wanted, done, cancelled)
                if wanted is self._guess and done.read and not cancelled.is_set():
                    self._on_read()
        except Exception:
            log.exception("%s could not be read ahead", shown(wanted.model))  # a switch manages without
        finally:
            self._now = None
        if not cancelled.is_set():
            self._done.update(other for other in self._switches if other.model == wanted.model)
        if self._hint is not None and self._hint.model == wanted.model:
            self._hint = None
        if self._guess is wanted:
            self._guess = None

    async def _on_a_thread(self, model: Model, cancelled: threading.Event, *, idle: bool) -> Done:
        """Read on a separate thread: its priority is lowered, and no other work is to wait behind a slow
        disk."""
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Done] = loop.create_future()
        engines = [slot.pid for slot in self._store.snapshot.slots if slot.pid is not None]

        def left() -> int:
            (ram,) = RamSource().read(engines)
            return room(ram.total, ram.used)

        def work() -> None:
            done, failed = None, None
            try:
                done = read_ahead(weight_files(model), left, cancelled, idle=idle)
            except Exception as error:  # noqa: BLE001 - raised again where it is waited for
                failed = error
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(_settle, outcome, done, failed)

        threading.Thread(target=work, name="read ahead", daemon=True).start()
        try:
            return await asyncio.shield(outcome)
        except asyncio.CancelledError:
            cancelled.set()
            await asyncio.wait([outcome], timeout=_STUCK_SECONDS)
            raise


def _settle(outcome: asyncio.Future[Done], done: Done | None, failed: Exception | None) -> None:
    if failed is not None:
        outcome.set_exception(failed)
    elif done is not None:
        outcome.set_result(done)


def _tell(wanted: Wanted, done: Done, cancelled: threading.Event) -> None:
    if done.wanted:
        end = "; it is not needed any more" if cancelled.is_set() else ""
        read, all_of_it = file_size(done.read), file_size(done.wanted)
        log.info(
            "read ahead for %s: %s of %s in %.1f s%s", shown(wanted.model), read, all_of_it, done.seconds, end
        )
