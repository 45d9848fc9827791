"""Carries out what the schedulers decide: owns seats, tickets and timers, and publishes each slot's status.

Everything here runs on the router's loop. A scheduler's effects are carried out at once; what takes time
(`router.slots.engine_tasks`) comes back as an event for the same scheduler.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial

from router.base.errors import BadModel, EngineFailed, RouterError, SlotNotFound
from router.base.resume import Resumed
from router.catalog.model import Model
from router.config.problems import did_you_mean
from router.config.schema import LimitsConfig, SlotConfig
from router.conversations.keeper import Conversations
from router.engine.command import engine_name
from router.engine.log import LogFiles
from router.engine.process import EngineProcess
from router.memory.admit.gate import Gate, Occupant, OpenGate
from router.slots.admission import Admissions
from router.slots.effects import AbortLeases, CheckModel, Done, Effect, Grant, Refuse, StartEngine, StopEngine
from router.slots.engine_tasks import EngineLauncher, EngineTasks, Event
from router.slots.lease import Lease, Ticket
from router.slots.one_load import LoadFlags
from router.slots.scheduler import SlotScheduler
from router.slots.seat import Seat
from router.state import DeviceMemory, SlotMemory, SlotState, StateStore

__all__ = ["EngineLauncher", "Supervisor"]

log = logging.getLogger(__name__)


class Supervisor:
    """The one owner of all engines."""

    def __init__(
        self,
        store: StateStore,
        launcher: EngineLauncher,
        log_files: LogFiles | None = None,
        gate: Gate | None = None,
        conversations: Conversations | None = None,
        look_at_clocks: Callable[[], object] = lambda: None,
    ) -> None:
        """`gate`: says whether a model's memory is available; None: nobody asks. `conversations`: keeps what
        engines have read; None: nobody does. `look_at_clocks`: calls `resumed` if that is due."""
        self._look_at_clocks = look_at_clocks
        self._store = store
        self._seats: dict[str, Seat] = {}
        self._numbers = itertools.count(1)
        self._tickets: dict[int, asyncio.Future[Lease]] = {}
        self._orders: dict[int, asyncio.Future[None]] = {}
        self._admissions = Admissions(gate or OpenGate(), self._seats, self._evict, self._publish, self._tell)
        self._engines = EngineTasks(
            launcher, self._admissions, self._seats, self._tell, log_files, conversations
        )
        self._closed = False

    def add_slot(
        self, slot: SlotConfig, limits: LimitsConfig, models: Mapping[str, Model], selected: str | None
    ) -> None:
        """Make a slot that may hold `models`; `selected` is what it loads first."""
        self._seats[slot.name] = seat = Seat.make(slot, limits, models, selected)
        seat.told = self._context_told
        if self._closed:  # a change of the configuration was under way when hal0 was quit
            seat.scheduler.close(asyncio.get_running_loop().time())
        self._publish_all()

    # -- the configuration changes ---------------------------------------------------------------------

    def set_policy(self, slot: SlotConfig, limits: LimitsConfig) -> None:
        """Go on by another policy; what runs is not touched."""
        self._tell(self._seat(slot.name), lambda s, now: s.reconfigure(slot, limits, now))

    def set_together(self, sets: Sequence[tuple[str, ...]]) -> None:
        """Let only slots that are in one of `sets` be loaded at the same time from now on; what is loaded stays
        until the next load."""
        self._admissions.together = sets
        self._store.update(together=tuple(sets))
        self._admissions.changed()

    def set_models(self, slot: str, models: Mapping[str, Model], relaunch: Collection[str] = ()) -> None:
        """Set what `slot` may hold. An engine that would be launched otherwise now (`relaunch`) is restarted as
        a person would; a model that is no choice any more runs until the slot is switched."""
        seat = self._seat(slot)
        seat.replace_models(models)
        seat.relaunch = seat.relaunch or bool(relaunch)
        self._launched_differently(seat, relaunch)
        self._tell(seat, lambda s, now: s.tick(now))  # another limit may let some in

    def _launched_differently(self, seat: Seat, models: Collection[str]) -> None:
        self._tell(seat, lambda s, _now: s.forget_failures(models))

    def select(self, slot: str, model: str | None) -> None:
        """Choose what an empty slot loads next; one that holds something keeps it, but a model that came with
        hal0 is not loaded again."""
        seat = self._seat(slot)
        seat.successor = model
        self._tell(seat, lambda s, _now: s.select(model))

    def use_launcher(self, launcher: EngineLauncher, *, restart: bool) -> None:
        """Launch with another launcher from now on; `restart`: what runs llama-server, too."""
        self._engines.launcher = launcher
        self._engines.damaged.forget()
        for seat in self._seats.values() if restart else ():
            old = [engine for engine in seat.engines.values() if engine.model.command is None]
            for engine in old:
                engine.outdated = seat.relaunch = True
            if old:
                self._launched_differently(seat, [engine.model.id for engine in old])

    def order_slots(self, names: Sequence[str]) -> None:
        """Publish the slots in this order; those not named come last."""
        last = len(names)
        places = {name: place for place, name in enumerate(names)}
        ordered = sorted(self._seats, key=lambda name: places.get(name, last))
        for name in ordered:
            self._seats[name] = self._seats.pop(name)
        self._publish_all()

    async def remove_slot(self, slot: str) -> None:
        """Let the requests that are served end, stop the engine, and forget the slot. Others are refused."""
        seat = self._seat(slot)
        error = SlotNotFound(f'Slot "{slot}" was taken out of hal0.yaml; see GET /v1/models for what there is.')
        try:
            await self._order(seat, lambda number, s, now: s.retire(number, error, now))
        except EngineFailed as stuck:  # it could not be ended; its slot is gone either way
            log.warning("slot %s is removed: %s", slot, stuck.message)
        if seat.timer is not None:
            seat.timer.cancel()
        del self._seats[slot]
        self._publish_all()

    def gone_models(self) -> list[Model]:
        """Return models that run, or are remembered by their slot, without being a choice of any slot."""
        shown = ((seat, seat.status()) for seat in self._seats.values())
        held = {name: seat.gone.get(name) for seat, s in shown for name in (s.model, s.target) if name}
        return [model for model in held.values() if model is not None]

    def models_told(self) -> None:
        """Note that the models were published anew: what an empty slot would load may have another context."""
        self._publish_all()

    def _context_told(self, model: str) -> int | None:
        known = self._store.snapshot.model(model)
        return known.context_length if known is not None and known.id == model else None

    def _publish_all(self) -> None:
        self._store.update_slots([seat.status() for seat in self._seats.values()])

    # -- requests --------------------------------------------------------------------------------------

    def ticket(self, slot: str, model: str | None) -> Ticket:
        """Queue for `slot`; `model` None: for whatever it holds. Raises SlotNotFound."""
        seat = self._seat(slot)
        ticket = Ticket(next(self._numbers), partial(self._release, seat))
        self._tickets[ticket.number] = ticket.outcome
        self._tell(seat, lambda s, now: s.acquire(ticket.number, model, now))
        return ticket

    def _release(self, seat: Seat, number: int) -> None:
        self._tickets.pop(number, None)
        lease = seat.leases.pop(number, None)
        answered = lease is not None and lease.answered
        self._tell(seat, lambda s, now: s.release(number, now, answered=answered))

    # -- a person's commands ---------------------------------------------------------------------------

    async def load_unasked(self, slot: str, model: str) -> None:
        """Do what `load` does for nobody who waits: no other slot makes room for it, until somebody does."""
        self._admissions.unasked.add(slot)
        try:
            await self.load(slot, model)
        finally:
            self._admissions.unasked.discard(slot)

    async def load(self, slot: str, model: str, *, force: bool = False, flags: LoadFlags = ()) -> None:
        """Put `model` into `slot`; returns when it is ready. Raises RouterError, with the slot restored.
        `force`: even if there is too little free memory. `flags`: beside those of hal0.yaml, this time only."""
        seat = self._seat(slot)
        if model not in seat.models:
            raise BadModel(
                f'Slot "{slot}" cannot hold "{model}"; it may hold: {", ".join(seat.models) or "nothing"}.'
                f"{did_you_mean(model, seat.models)}"
            )
        had_it = seat.scheduler.running is not None and model in seat.status().loaded
        afresh = seat.give_for_one_load(model, flags)
        try:
            await self._order(
                seat, lambda number, s, now: s.load(number, model, now, force=force, afresh=afresh)
            )
        except RouterError:
            if flags and had_it and seat.scheduler.phase is SlotState.FAILED:
                # There is no other model to go back to, but the same one without these flags.
                self._engines.spawn(self._load_again(slot, model), f"load {slot} without those flags")
            raise

    async def _load_again(self, slot: str, model: str) -> None:
        try:
            await self.load(slot, model)
        except RouterError as error:
            log.warning("slot %s: %s", slot, error.message)

    async def unload(self, slot: str) -> None:
        """Empty `slot`; returns when its engine is gone."""
        await self._order(self._seat(slot), lambda number, s, now: s.unload(number, now))

    async def unload_all(self) -> None:
        await asyncio.gather(*(self.unload(name) for name in self._seats))

    async def restart(self, slot: str) -> None:
        """Give the slot's model a new process, as hal0.yaml has it; returns when it is ready."""
        seat = self._seat(slot)
        if (selected := seat.scheduler.selected) is not None and selected in seat.models:
            seat.give_for_one_load(selected, ())
        await self._order(seat, lambda number, s, now: s.restart(number, now))

    async def cancel(self, slot: str) -> None:
        """Give up the slot's switch, if one is under way."""
        self._tell(self._seat(slot), lambda s, now: s.cancel(now))

    async def cut(self, slot: str) -> None:
        """End the requests that the slot's switch, or an engine that leaves, still waits for."""
        self._tell(self._seat(slot), lambda s, now: s.cut(now))

    async def wait(self, slot: str) -> None:
        """Wait for those requests, however long they take."""
        self._tell(self._seat(slot), lambda s, now: s.wait(now))

    def logs(self, slot: str) -> list[str]:
        """Return the last lines of the slot's engines."""
        return list(self._seat(slot).log)

    def engine_of(self, slot: str) -> EngineProcess | None:
        """Return the slot's ready engine, for reading from it without a lease."""
        seat = self._seat(slot)
        return seat.engine.process if seat.engine and seat.scheduler.running else None

    def note_speed(self, slot: str, tokens_per_second: float, *, publish: bool = False) -> None:
        """Note what an engine said of its answer; published with the lease's end. `publish`: now, as the answer
        goes on."""
        seat = self._seat(slot)
        # While one is leaving, the answer may be its, and says nothing about the model that is shown.
        if seat.engine is not None and seat.scheduler.engines.leaving is None:
            seat.engine.tokens_per_second = round(tokens_per_second, 1)
            if publish:
                self._tell(seat, lambda s, _now: [])

    def note_served_by(self, slot: str, server: str) -> None:
        """Note that `server` answered a request instead of the slot; shown until the slot itself answers."""
        if (seat := self._seats.get(slot)) is not None and seat.served_by != server:
            seat.served_by = server
            self._tell(seat, lambda s, _now: [])

    def occupants(self) -> list[Occupant]:
        """Return who holds memory, or is promised some."""
        return self._admissions.occupants()

    def set_memory(self, devices: Sequence[DeviceMemory], slots: Mapping[str, SlotMemory]) -> None:
        """Note what was measured; published together, as what slots hold is listed in the order of the
        devices."""
        for name, seat in self._seats.items():
            if seat.engine is not None:
                seat.engine.memory = slots.get(name)
        self._store.update_slots([seat.status() for seat in self._seats.values()], memory=tuple(devices))

    def resumed(self, event: Resumed) -> None:
        """Judge all slots afresh, and ask their engines whether they still answer."""
        for seat in self._seats.values():
            seat.resumed(event)
            self._tell(seat, lambda s, now: s.resumed(event.counted, now))
            self._engines.ask(seat)

    async def close(self) -> None:
        """Refuse and abort everyone, stop all engines, and wait until they are reaped."""
        self._closed = True
        for seat in self._seats.values():
            self._tell(seat, lambda s, now: s.close(now))
        await self._engines.close()
        for seat in self._seats.values():
            if seat.publishing is not None:
                self._publish(seat)  # there is no later publication

    # -- the loop of events and effects ----------------------------------------------------------------

    def _seat(self, name: str) -> Seat:
        if name not in self._seats:
            if (served := self._store.snapshot.slot(name)) is not None and served.upstream is not None:
                raise SlotNotFound(f'Slot "{name}" has no engine here: {served.upstream} answers for it.')
            hint = did_you_mean(name, self._seats)
            raise SlotNotFound(f'There is no slot "{name}"; there are: {", ".join(self._seats)}.{hint}')
        return self._seats[name]

    async def _order(self, seat: Seat, order: Callable[[int, SlotScheduler, float], list[Effect]]) -> None:
        number = next(self._numbers)
        done = self._orders[number] = asyncio.get_running_loop().create_future()
        self._tell(seat, lambda s, now: order(number, s, now))
        try:
            await asyncio.shield(done)
        finally:
            self._orders.pop(number, None)

    async def _evict(self, seat: Seat) -> None:
        """Empty a slot for another one, or have its leaving engine end. Raises RouterError if the slot has
        come to be needed."""
        leaving = seat.scheduler.engines.leaving
        engine = seat.engines.get(leaving.generation) if leaving is not None else None
        if engine is None:
            await self._order(seat, lambda number, s, now: s.evict(number, now))
            return
        self._tell(seat, lambda s, now: s.hurry(now))
        await engine.reaped.wait()

    def _tell(self, seat: Seat, event: Event) -> None:
        """Give the scheduler an event, carry out what it answers, publish what came of it."""
        loop = asyncio.get_running_loop()
        for effect in event(seat.scheduler, loop.time()):
            self._carry_out(seat, effect)
        seat.choose_successor()
        seat.settle_one_load()
        self._admissions.changed()
        if self._seats.get(seat.name) is not seat:
            return  # it was removed; these are its last leases
        if seat.has_moved():
            self._publish(seat)
        elif seat.publishing is None:
            seat.publishing = loop.call_later(seat.publications.take(loop.time()), self._publish, seat)
        if seat.relaunch:
            self._relaunch_if_due(seat)

    def _publish(self, seat: Seat) -> None:
        """Publish at once when the slot moves; for requests that only come and go, in the loop's next turn or,
        while many do, PUBLISHED_EACH_SECOND times."""
        if seat.publishing is not None:
            seat.publishing.cancel()
            seat.publishing = None
        if self._seats.get(seat.name) is not seat:
            return  # removed since
        before, status = self._store.snapshot.slot(seat.name), seat.status()
        self._store.update_slot(status)
        if before is None or before.state is not status.state:
            log.info("slot %s: %s %s", status.name, status.state, status.target or status.model or "")
        self._set_timer(seat)

    def _relaunch_if_due(self, seat: Seat) -> None:
        """Settle what is due after a change of the configuration, once no switch is under way."""
        s = seat.scheduler
        if s.switch is not None:
            return
        seat.relaunch = False
        if s.phase is SlotState.READY and seat.stale:
            self._engines.spawn(self.restart(seat.name), f"restart {seat.name} as configured now")
        elif s.phase is SlotState.FAILED and s.selected is not None and s.selected in seat.models:
            # What failed was the old command line.
            self._engines.spawn(self.load(seat.name, s.selected), f"load {seat.name} as configured now")

    def _set_timer(self, seat: Seat) -> None:
        if seat.timer is not None:
            seat.timer.cancel()
            seat.timer = None
        if (deadline := seat.scheduler.next_deadline()) is not None:
            seat.timer = asyncio.get_running_loop().call_at(deadline, self._on_timer, seat, deadline)

    def _on_timer(self, seat: Seat, deadline: float) -> None:
        self._look_at_clocks()  # what is overdue may be so because hal0 did not run
        self._tell(seat, lambda s, now: s.tick(max(now, deadline)))

    def _carry_out(self, seat: Seat, effect: Effect) -> None:
        match effect:
            case Grant(ticket, model, generation):
                self._grant(seat, ticket, model, generation)
            case Refuse(ticket, error):
                self._refuse(ticket, error)
            case Done(ticket):
                if (done := self._orders.get(ticket)) is not None and not done.done():
                    done.set_result(None)
            case CheckModel():
                self._engines.check(seat, effect)
            case StartEngine():
                self._engines.start(seat, effect)
            case StopEngine(generation):
                self._engines.stop(seat, generation)
            case AbortLeases(generation):
                for lease in seat.leases.values():
                    if lease.generation == generation:
                        lease.abort()

    def _grant(self, seat: Seat, number: int, model: str, generation: int) -> None:
        engine = seat.engines[generation]
        assert engine.process is not None, "only a ready engine grants leases"
        lease = Lease(seat.name, seat.model(model), engine_name(engine.model.id), engine.process, generation)
        seat.leases[number] = lease
        seat.served_by = None
        outcome = self._tickets.get(number)
        if outcome is not None and not outcome.done():
            outcome.set_result(lease)

    def _refuse(self, number: int, error: RouterError) -> None:
        outcome: asyncio.Future[Lease] | asyncio.Future[None] | None
        outcome = self._tickets.get(number) or self._orders.get(number)
        if outcome is not None and not outcome.done():
            outcome.set_exception(error)
