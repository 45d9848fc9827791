"""Has a forecast ready for every model, without getting in anybody's way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Final

import psutil

from router.catalog.model import Model
from router.memory.forecast import Forecaster
from router.state import SlotState, SlotStatus, Snapshot, StateStore

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
PAUSE_SECONDS: Final = 0.05


class Foresight:
    """Asks about one model at a time, and about none while any slot is switching."""

    def __init__(
        self,
        forecaster: Forecaster,
        store: StateStore,
        models: Callable[[], Mapping[str, Model]],
        publish: Callable[[], None],
    ) -> None:
        """`models`: all there are now. `publish` is called after each new answer."""
        self._forecaster = forecaster
        self._store = store
        self._models = models
        self._publish = publish
        self._measured: dict[str, tuple[int, int]] = {}
        self._ram = psutil.virtual_memory().total

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            model = self._next()
            try:
                await (self._learn() if model is None else self._ask(model))
            except Exception:
                # A forecast less; the router itself is not concerned, and the next model may go better.
                log.exception("no forecast for %s", model.id if model else "what is loaded")
            await asyncio.sleep(LOOK_SECONDS if model is None else PAUSE_SECONDS)

    async def _ask(self, model: Model) -> None:
        before = self._forecaster.known(model)
        if await self._forecaster.forecast(model) != before:
            self._publish()

    def _next(self) -> Model | None:
        snapshot = self._store.snapshot
        if any(slot.state.switching for slot in snapshot.slots):
            return None
        models, now = self._models(), asyncio.get_running_loop().time()
        ordered = (models[name] for name in likely_first(snapshot, models))
        return next((model for model in ordered if self._forecaster.is_due(model, now)), None)

    async def _learn(self) -> None:
        """From a GPU only: of RAM, a process holds what it touched, file pages included."""
        snapshot = self._store.snapshot
        for slot in snapshot.slots:
            model = self._models().get(slot.model or "")
            measured = self._settled(slot, on_gpus(slot, snapshot, self._ram))
            if model is not None and measured is not None:
                before = self._forecaster.known(model)
                if await self._forecaster.learn(model, measured) != before:
                    self._publish()

    def _settled(self, slot: SlotStatus, measured: int) -> int | None:
        """The slot's bytes once two looks at the same ready engine found the same."""
        if slot.state is not SlotState.READY or slot.pid is None or not measured:
            self._measured.pop(slot.name, None)
            return None
        now = slot.pid, measured
        before, self._measured[slot.name] = self._measured.get(slot.name), now
        return measured if before == now else None


def on_gpus(slot: SlotStatus, snapshot: Snapshot, ram: int) -> int:
    """Bytes the slot was measured to hold of GPUs; 0 where that is not told or not known apart from its RAM.

    A GPU with as many bytes as the computer (`ram`) has none of its own.
    """
    if slot.memory_estimated:
        return 0
    pairs = zip(slot.memory_by_device, snapshot.memory, strict=False)
    return sum(held for held, device in pairs if device.is_gpu and device.total != ram)


def likely_first(snapshot: Snapshot, models: Iterable[str]) -> list[str]:
    """`models`, those that slots hold before those that they may hold before the others."""
    held = [slot.serving for slot in snapshot.slots if slot.serving]
    may = [name for slot in snapshot.slots for name in slot.choices]
    there = set(models)
    return [name for name in dict.fromkeys([*held, *may, *models]) if name in there]
