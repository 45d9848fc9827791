"""Lets a load begin only when its memory is available. It records no promises itself: its caller reports
them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Final

from router.base.errors import MemoryInsufficient
from router.catalog.model import Model
from router.memory.admit.contexts import ladder_of, largest
from router.memory.admit.gate import Occupants, Verdict
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.ledger import claim
from router.memory.admit.placer import Choice, Fitting, Placer, Space
from router.memory.admit.placing import on_each
from router.memory.admit.plan import Amounts, Go, Short, missing
from router.memory.admit.prompt_cache import allowance, is_open
from router.memory.admit.refusal import did_not_return, does_not_fit, process_names
from router.memory.admit.sizing import Sizing
from router.memory.admit.suggest import suggest
from router.memory.admit.view import View
from router.memory.admit.ways import ways
from router.memory.forecast.needs import Forecast
from router.memory.measure.pools import Measured
from router.wire.fit_ways import FitWays

POLL_SECONDS: Final = 0.05
RETURN_SECONDS: Final = 5.0
"""Seconds to wait: drivers give memory back after the process is gone, usually within a second."""
SETTLED_SECONDS: Final = 0.3
"""Once no more has come back for so long, nothing more will."""
STEP: Final = 16 << 20


class MemoryGate:
    """The Gate of a computer whose memory can be read. Belongs to the loop."""

    def __init__(
        self,
        forecasts: LaunchForecasts,
        sizing: Sizing,
        measure: Callable[[Collection[int]], Awaitable[Measured]],
        headroom: Callable[[], int],
        publish: Callable[[], None],
    ) -> None:
        """Judge by `measure`: the exact current figures, with what those processes hold. `publish` is called
        when a model gets a context other than the published one."""
        self._forecasts = forecasts
        self._sizing = sizing
        self._measure = measure
        self._headroom = headroom
        self._publish = publish
        self._placer = Placer(forecasts)
        self._one_at_a_time = asyncio.Lock()
        self._present: set[int] = set()
        self._seen: dict[int, float] = {}

    def saw(self, pids: Collection[int]) -> None:
        """Note that these engines exist now. When one of them goes, loads wait a moment for its memory."""
        self._present = set(pids)
        self._seen |= dict.fromkeys(pids, asyncio.get_running_loop().time())

    async def judge(self, slot: str, model: Model, occupants: Occupants, *, force: bool = False) -> Verdict:
        """See Gate. Where everything is known and fits it costs one look at the memory."""
        async with self._one_at_a_time:
            told = self._forecasts.chosen(model)
            if self._forecasts.known(model) is None or (model.context_open and told is None):
                view = await self._look(slot, occupants)  # the answers depend on which GPUs there are
                await self._sizing.size(model, view.measured)
            context = self._forecasts.chosen(model)  # None: its flags set it
            forecast = await self._forecasts.forecast(model, context)
            view = await self._look_when_settled(slot, model, occupants, forecast)
            choice = await self._placer.choose(model, context, forecast, Space.of(view))
            if isinstance(choice.outcome, Short) and context is not None:
                context, forecast = await self._largest(model, context, view)
                view = await self._look(slot, occupants)
                choice = await self._placer.choose(model, context, forecast, Space.of(view))
            outcome = choice.outcome
            if isinstance(outcome, Short) and force:
                outcome = view.plan(view.need(forecast), force=True)
            if isinstance(outcome, Go):
                self._note(model, context, choice, news=context != told)
                return Verdict(outcome.beside, outcome.evict, context, choice.placement)
        raise await self._refusal(model, forecast, view)

    def _note(self, model: Model, context: int | None, choice: Choice, *, news: bool) -> None:
        """Publish what the model is launched with, if that is `news` or it goes elsewhere than was told."""
        if context is not None:
            self._forecasts.choose(model, context)
        if self._forecasts.place(model, choice.placement) or news:
            self._publish()

    async def ways(self, slot: str, model: Model, occupants: Occupants, others: Iterable[Model]) -> FitWays:
        """Return whether `model` would go into `slot` now and, if not, what would help; nothing is promised.
        `others`: the models one of which may fit in its place."""
        view = await self._look(slot, occupants)
        least = model.with_context(ladder_of(model)[-1]) if model.context_open else model
        forecast, fitting = await self._forecasts.forecast(least), Fitting(self._placer, view)
        if forecast is None or await fitting.goes(least, forecast):
            return FitWays(True)
        suggestion = await suggest(self._forecasts, model, fitting)
        return FitWays(False, await ways(self._forecasts, model, fitting, suggestion, others))

    async def wait_for_room(
        self, slot: str, model: Model, context: int | None, occupants: Occupants, *, force: bool = False
    ) -> None:
        """See Gate. Half of the headroom may be gone by now: other programs move, too."""
        forecast = await self._forecasts.forecast(model, context)
        loop = asyncio.get_running_loop()
        began = loop.time()
        before: Amounts | None = None
        while True:
            view = await self._look(slot, occupants, loading=True)
            need = view.need(forecast)
            waited = loop.time() - began
            if need is None or not any(missing(need, view.room, view.headroom // 2)):
                return
            if force and before == view.room and waited > SETTLED_SECONDS:
                return
            if waited > RETURN_SECONDS:
                if force or not any(missing(need, view.room, 0)):
                    return
                names = await asyncio.to_thread(process_names, view.measured.pools)
                raise did_not_return(model.id, need, view, names)
            before = view.room
            await asyncio.sleep(POLL_SECONDS)

    async def prompt_cache(self, slot: str, model: Model, occupants: Occupants) -> int | None:
        """See Gate. What the load itself will take counts as taken, and what other engines may come to keep."""
        if not is_open(model):
            return None
        view = await self._look(slot, occupants)
        promised = sum(occupant.prompt_cache for occupant, _claim in view.charged)
        return allowance(view.room[-1] - view.headroom - promised, view.measured.pools[-1].total)

    async def _look_when_settled(
        self, slot: str, model: Model, occupants: Occupants, forecast: Forecast | None
    ) -> View:
        """Look; where that is not enough and an engine was stopped just now, look again once its memory is
        back."""
        loop = asyncio.get_running_loop()
        view = await self._look(slot, occupants)
        grew_at = loop.time()
        while (
            not await self._passes(model, view, forecast)
            and loop.time() - grew_at < SETTLED_SECONDS
            and self._is_leaving()
        ):
            await asyncio.sleep(POLL_SECONDS)
            before, view = view, await self._look(slot, occupants)
            if any(now - then > STEP for then, now in zip(before.room, view.room, strict=True)):
                grew_at = loop.time()
        return view

    def _is_leaving(self) -> bool:
        """Return whether an engine that was there at one of the last looks is gone."""
        now = asyncio.get_running_loop().time()
        self._seen = {pid: at for pid, at in self._seen.items() if now - at < RETURN_SECONDS}
        return any(pid not in self._present for pid in self._seen)

    async def _look(self, slot: str, occupants: Occupants, *, loading: bool = False) -> View:
        """Return what there is now. `loading`: the slot's own promise is the load that asks, and is not
        counted."""
        measured = await self._measure([o.pid for o in occupants() if o.pid is not None])
        self._forecasts.forecaster.use_devices(measured.pools)
        present = occupants()
        self.saw({o.pid for o in present if o.pid is not None})
        there = [o for o in present if not (loading and o.slot == slot and o.pid is None)]
        charged = [
            (o, claim(o.slot, o.pid, self._forecasts.known(o.model, o.context), measured)) for o in there
        ]
        return View(slot, measured, self._headroom(), charged)

    async def _largest(self, model: Model, below: int, view: View) -> tuple[int, Forecast | None]:
        """Return the largest context that fits, of those below what did not; the smallest if none does."""

        async def goes(context: int) -> bool:
            forecast = await self._forecasts.forecast(model, context)
            return isinstance((await self._placer.choose(model, context, forecast, space)).outcome, Go)

        space = Space.of(view)
        sizes = [size for size in ladder_of(model) if size < below]
        found = await largest(sizes, goes) or (sizes or [below])[-1]
        return found, await self._forecasts.forecast(model, found)

    async def _refusal(self, model: Model, forecast: Forecast | None, view: View) -> MemoryInsufficient:
        need = view.need(forecast) or ()
        placed = forecast is not None and self._placer.may(model, forecast, view.measured.pools)
        alone = on_each(forecast, view.measured.pools) if placed and forecast is not None else ()
        fitting = Fitting(self._placer, view)
        suggestion = await suggest(self._forecasts, model, fitting)
        found = await ways(self._forecasts, model, fitting, suggestion)
        return does_not_fit(model.id, need, view, suggestion, found, alone)

    async def _passes(self, model: Model, view: View, forecast: Forecast | None) -> bool:
        """Return whether it goes without evicting anybody."""
        if forecast is None:
            return True
        return await self._placer.goes(
            model, forecast, Space.empty(view.measured.pools, view.free, view.headroom)
        )
