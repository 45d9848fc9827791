"""The loop that keeps a forecast and a context ready for every model, without getting in anybody's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import psutil

from router.catalog.model import Model
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.sizing import Sizing
from router.memory.measure.pools import Measured
from router.state import SlotState, SlotStatus, Snapshot, StateStore

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.05


class ForecastLoop:
    """Asks about one model at a time, and about none while any slot is switching."""

    def __init__(
        self,
        forecasts: LaunchForecasts,
        sizing: Sizing,
        store: StateStore,
        models: Callable[[], Mapping[str, Model]],
        measured: Callable[[], Measured | None],
        publish: Callable[[], None],
    ) -> None:
        """`models`: all there are now. `measured`: the last look at the memory. `publish` is called after each
        new answer."""
        self._forecasts = forecasts
        self._store = store
        self._models = models
        self._last_look = measured
        self._publish = publish
        self._measured: dict[str, tuple[int, int]] = {}
        self._sizing = sizing
        self._sized_at: Measured | None = None
        self._sized_for: tuple[object, ...] = ()
        self._answers = 0
        self._shown: list[tuple[str, int]] = []
        self._ram = psutil.virtual_memory().total

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            measured = self._last_look()
            if measured is not None:
                self._notice_devices(measured)
            model = self._next() if measured is not None else None
            try:
                await (self._idle(measured) if model is None else self._ask(model))
            except Exception:
                # One forecast is missing; the router itself is not affected, and the next model may work.
                log.exception("no forecast for %s", model.id if model else "what is loaded")
            waits = model is None and measured is not None
            await asyncio.sleep(LOOK_SECONDS if waits else PAUSE_SECONDS)

    def _notice_devices(self, measured: Measured) -> None:
        self._forecasts.forecaster.use_devices(measured.pools)
        shown = [(device.name, device.total) for device in self._store.snapshot.memory]
        before, self._shown = self._shown, shown
        if before and shown != before:
            self._publish()  # what a model takes is published per device

    async def _ask(self, model: Model) -> None:
        launched = self._forecasts.as_launched(model)
        before = self._forecasts.forecaster.known(launched)
        if await self._forecasts.forecaster.forecast(launched) != before:
            self._answers += 1
            self._publish()

    def _next(self) -> Model | None:
        if self._is_switching():
            return None
        now = asyncio.get_running_loop().time()
        due = self._forecasts.forecaster.is_due
        ordered = self._ordered()
        return next((model for model in ordered if due(self._forecasts.as_launched(model), now)), None)

    def _ordered(self) -> list[Model]:
        models = self._models()
        return [models[name] for name in likely_first(self._store.snapshot, models)]

    def _is_switching(self) -> bool:
        return any(slot.state.switching for slot in self._store.snapshot.slots)

    async def _idle(self, measured: Measured | None) -> None:
        """Use the time when everything has been asked about: learn, and choose contexts."""
        await self._learn()
        if measured is not None and self._may_change_contexts(measured):
            await self._size_all(measured)

    # -- contexts --------------------------------------------------------------------------------------

    def _may_change_contexts(self, measured: Measured) -> bool:
        moved = self._sized_at is None or self._sizing.has_moved(self._sized_at, measured)
        return moved or self._sized_for != self._circumstances()

    def _circumstances(self) -> tuple[object, ...]:
        """Return what contexts depend on besides what is free."""
        snapshot = self._store.snapshot
        slots = tuple((s.name, s.pid, s.model, s.pinned, s.choices) for s in snapshot.slots)
        return self._answers, snapshot.headroom, slots

    async def _size_all(self, measured: Measured) -> None:
        circumstances = self._circumstances()
        for model in self._ordered():
            if self._is_switching():
                return
            if await self._sizing.size(model, measured):
                self._publish()
            await asyncio.sleep(0)  # there may be hundreds
        self._sized_at, self._sized_for = measured, circumstances

    # -- learning --------------------------------------------------------------------------------------

    async def _learn(self) -> None:
        """Learn from GPUs only: of RAM, a process holds what it touched, file pages included."""
        snapshot = self._store.snapshot
        for slot in snapshot.slots:
            model = self._models().get(slot.model or "")
            measured = self._settled(slot, on_gpus(slot, snapshot, self._ram))
            if model is not None and measured is not None:
                launched = self._forecasts.as_placed(model, slot.context_length)
                before = self._forecasts.forecaster.known(launched)
                if await self._forecasts.forecaster.learn(launched, measured) != before:
                    self._publish()

    def _settled(self, slot: SlotStatus, measured: int) -> int | None:
        """Return the slot's bytes once two looks at the same ready engine have found the same."""
        if slot.state is not SlotState.READY or slot.pid is None or not measured:
            self._measured.pop(slot.name, None)
            return None
        now = slot.pid, measured
        before, self._measured[slot.name] = self._measured.get(slot.name), now
        return measured if before == now else None


def on_gpus(slot: SlotStatus, snapshot: Snapshot, ram: int) -> int:
    """Return the bytes the slot was measured to hold on GPUs; 0 where that is not told or not known apart from
    its RAM.

    A GPU with as many bytes as the computer (`ram`) has none of its own.
    """
    if slot.memory_estimated:
        return 0
    pairs = zip(slot.memory_by_device, snapshot.memory, strict=False)
    return sum(held for held, device in pairs if device.is_gpu and device.total != ram)


def likely_first(snapshot: Snapshot, models: Iterable[str]) -> list[str]:
    """Return `models`, those that slots hold before those that they may hold before the others."""
    held = [slot.serving for slot in snapshot.slots if slot.serving]
    may = [name for slot in snapshot.slots for name in slot.choices]
    there = set(models)
    return [name for name in dict.fromkeys([*held, *may, *models]) if name in there]
