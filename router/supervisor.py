"""Carries out what the schedulers decide: owns engines, leases and timers, and publishes each slot's status.

Everything here runs on the router's loop. A scheduler's effects are carried out at once; what takes time
(checking, starting, stopping) runs as a task and comes back as an event for the same scheduler.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from router.catalog.model import Model
from router.config.schema import LimitsConfig, SlotConfig
from router.effects import AbortLeases, CheckModel, Done, Effect, Grant, Refuse, StartEngine, StopEngine
from router.engine.log import EngineLog, LogFiles
from router.engine.process import EngineProcess
from router.engine.readiness import OnProgress
from router.errors import BadModel, EngineFailed, RouterError, SlotNotFound
from router.lease import Lease, Ticket
from router.scheduler import SlotScheduler
from router.seat import RunningEngine, Seat
from router.state import DeviceMemory, SlotMemory, SlotState, StateStore
from router.tasks import spawn

log = logging.getLogger(__name__)

Event = Callable[[SlotScheduler, float], list[Effect]]


class EngineLauncher(Protocol):
    """What the supervisor needs to run engines (router.engine.launcher.Launcher)."""

    async def check(self, model: Model) -> None: ...
    async def launch(self, model: Model, log: EngineLog, taken: Collection[int] = ()) -> EngineProcess: ...
    async def ready(self, engine: EngineProcess, on_progress: OnProgress) -> int | None: ...
    async def stop(self, engine: EngineProcess) -> None: ...


class Supervisor:
    """The one owner of all engines."""

    def __init__(self, store: StateStore, launcher: EngineLauncher, log_files: LogFiles | None = None) -> None:
        self._store = store
        self._launcher = launcher
        self._log_files = log_files
        self._seats: dict[str, Seat] = {}
        self._numbers = itertools.count(1)
        self._tickets: dict[int, asyncio.Future[Lease]] = {}
        self._orders: dict[int, asyncio.Future[None]] = {}
        self._background: set[asyncio.Task[None]] = set()
        self._checks: set[asyncio.Task[None]] = set()
        self._closed = False

    def add_slot(
        self, slot: SlotConfig, limits: LimitsConfig, models: Mapping[str, Model], selected: str | None
    ) -> None:
        """Make a slot that may hold `models`; `selected` is what it loads first."""
        self._seats[slot.name] = seat = Seat.make(slot, limits, models, selected)
        if self._closed:  # a change of the configuration was under way when hal0 was quit
            seat.scheduler.close(asyncio.get_running_loop().time())
        self._publish_all()

    # -- the configuration changes ---------------------------------------------------------------------

    def set_policy(self, slot: SlotConfig, limits: LimitsConfig) -> None:
        """Go on by another policy; what runs is not touched."""
        self._tell(self._seat(slot.name), lambda s, now: s.reconfigure(slot, limits, now))

    def set_models(self, slot: str, models: Mapping[str, Model], relaunch: Collection[str] = ()) -> None:
        """What `slot` may hold. An engine that would be launched otherwise now (`relaunch`) is restarted as a
        person would; a model that is no choice any more runs until the slot is switched."""
        seat = self._seat(slot)
        seat.replace_models(models)
        seat.relaunch = seat.relaunch or bool(relaunch)
        self._tell(seat, lambda s, _now: s.forget_failures(relaunch))

    def select(self, slot: str, model: str | None) -> None:
        """What an empty slot loads next; one that holds something keeps it."""
        self._tell(self._seat(slot), lambda s, _now: s.select(model))

    def use_launcher(self, launcher: EngineLauncher, *, restart: bool) -> None:
        """Launch with another launcher from now on; `restart`: what runs llama-server, too."""
        self._launcher = launcher
        for seat in self._seats.values() if restart else ():
            if seat.engine is not None and seat.engine.model.command is None:
                seat.engine.outdated = seat.relaunch = True
                self._tell(seat, lambda s, _now: [])

    def order_slots(self, names: Sequence[str]) -> None:
        """Publish the slots in this order; those not named come last."""
        last = len(names)
        places = {name: place for place, name in enumerate(names)}
        ordered = sorted(self._seats, key=lambda name: places.get(name, last))
        self._seats = {name: self._seats[name] for name in ordered}
        self._publish_all()

    async def remove_slot(self, slot: str) -> None:
        """Let the requests that are served end, stop the engine, and forget the slot. Others are refused."""
        seat = self._seat(slot)
        error = SlotNotFound(f'Slot "{slot}" was taken out of hal0.yaml; see GET /v1/models for what there is.')
        await self._order(seat, lambda number, s, now: s.retire(number, error, now))
        if seat.timer is not None:
            seat.timer.cancel()
        del self._seats[slot]
        self._publish_all()

    def gone_models(self) -> list[Model]:
        """Models that run, or are remembered by their slot, without being a choice of any slot."""
        shown = ((seat, seat.status()) for seat in self._seats.values())
        held = {name: seat.gone.get(name) for seat, s in shown for name in (s.model, s.target) if name}
        return [model for model in held.values() if model is not None]

    def _publish_all(self) -> None:
        self._store.update(slots=tuple(seat.status() for seat in self._seats.values()))

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
        seat.leases.pop(number, None)
        self._tell(seat, lambda s, now: s.release(number, now))

    # -- a person's commands ---------------------------------------------------------------------------

    async def load(self, slot: str, model: str) -> None:
        """Put `model` into `slot`; returns when it is ready. Raises RouterError, with the slot restored."""
        seat = self._seat(slot)
        if model not in seat.models:
            raise BadModel(
                f'Slot "{slot}" cannot hold "{model}"; it may hold: {", ".join(seat.models) or "nothing"}.'
            )
        await self._order(seat, lambda number, s, now: s.load(number, model, now))

    async def unload(self, slot: str) -> None:
        """Empty `slot`; returns when its engine is gone."""
        await self._order(self._seat(slot), lambda number, s, now: s.unload(number, now))

    async def unload_all(self) -> None:
        await asyncio.gather(*(self.unload(name) for name in self._seats))

    async def restart(self, slot: str) -> None:
        """Give the slot's model a new process; returns when it is ready."""
        await self._order(self._seat(slot), lambda number, s, now: s.restart(number, now))

    async def cancel(self, slot: str) -> None:
        """Give up the slot's switch, if one is under way."""
        self._tell(self._seat(slot), lambda s, now: s.cancel(now))

    def logs(self, slot: str) -> list[str]:
        """The last lines of the slot's engines."""
        return list(self._seat(slot).log)

    def engine_of(self, slot: str) -> EngineProcess | None:
        """The slot's ready engine, for reading from it without a lease."""
        seat = self._seat(slot)
        return seat.engine.process if seat.engine and seat.scheduler.running else None

    def note_speed(self, slot: str, tokens_per_second: float) -> None:
        """What an engine said of its answer; published with the lease's end."""
        self._seat(slot).tokens_per_second = round(tokens_per_second, 1)

    def set_memory(self, devices: Sequence[DeviceMemory], slots: Mapping[str, SlotMemory]) -> None:
        """As measured; published together, as what slots hold is told in the order of the devices."""
        for name, seat in self._seats.items():
            seat.memory = slots.get(name)
        shown = tuple(seat.status() for seat in self._seats.values())
        self._store.update(memory=tuple(devices), slots=shown)

    async def close(self) -> None:
        """Refuse and abort everyone, stop all engines, and wait until they are reaped."""
        self._closed = True
        for seat in self._seats.values():
            self._tell(seat, lambda s, now: s.close(now))
        for check in self._checks:
            check.cancel()  # they touch nothing, and may take seconds
        while self._background:
            await asyncio.wait(self._background)

    # -- the loop of events and effects ----------------------------------------------------------------

    def _seat(self, name: str) -> Seat:
        if name not in self._seats:
            raise SlotNotFound(f'There is no slot "{name}"; there are: {", ".join(self._seats)}.')
        return self._seats[name]

    async def _order(self, seat: Seat, order: Callable[[int, SlotScheduler, float], list[Effect]]) -> None:
        number = next(self._numbers)
        done = self._orders[number] = asyncio.get_running_loop().create_future()
        self._tell(seat, lambda s, now: order(number, s, now))
        try:
            await asyncio.shield(done)
        finally:
            self._orders.pop(number, None)

    def _tell(self, seat: Seat, event: Event) -> None:
        """Give the scheduler an event, carry out what it answers, publish what came of it."""
        loop = asyncio.get_running_loop()
        for effect in event(seat.scheduler, loop.time()):
            self._carry_out(seat, effect)
        if self._seats.get(seat.name) is not seat:
            return  # it was removed; its last leases end
        if seat.has_moved():
            self._publish(seat, loop)
        elif seat.publishing is None:
            seat.publishing = loop.call_soon(self._publish, seat, loop)
        self._relaunch_if_due(seat)

    def _publish(self, seat: Seat, loop: asyncio.AbstractEventLoop) -> None:
        """At once when the slot moves; for requests that only come and go, once per turn of the loop."""
        if seat.publishing is not None:
            seat.publishing.cancel()
            seat.publishing = None
        if self._seats.get(seat.name) is not seat:
            return  # removed since
        before, status = self._store.snapshot.slot(seat.name), seat.status()
        self._store.update_slot(status)
        if before is None or before.state is not status.state:
            log.info("slot %s: %s %s", status.name, status.state, status.target or status.model or "")
        self._set_timer(seat, loop)

    def _relaunch_if_due(self, seat: Seat) -> None:
        """After a change of the configuration, once no switch is under way."""
        s = seat.scheduler
        if not seat.relaunch or s.switch is not None:
            return
        seat.relaunch = False
        if s.phase is SlotState.READY and seat.stale:
            self._start_task(self.restart(seat.name), f"restart {seat.name} as configured now")
        elif s.phase is SlotState.FAILED and s.selected is not None and s.selected in seat.models:
            # What failed was the old command line.
            self._start_task(self.load(seat.name, s.selected), f"load {seat.name} as configured now")

    def _set_timer(self, seat: Seat, loop: asyncio.AbstractEventLoop) -> None:
        if seat.timer is not None:
            seat.timer.cancel()
            seat.timer = None
        if (deadline := seat.scheduler.next_deadline()) is not None:
            seat.timer = loop.call_at(deadline, self._tell, seat, lambda s, now: s.tick(max(now, deadline)))

    def _carry_out(self, seat: Seat, effect: Effect) -> None:
        match effect:
            case Grant(ticket, model, generation):
                self._grant(seat, ticket, model, generation)
            case Refuse(ticket, error):
                self._refuse(ticket, error)
            case Done(ticket):
                if (done := self._orders.get(ticket)) is not None and not done.done():
                    done.set_result(None)
            case CheckModel(check, model):
                checking = self._start_task(self._check(seat, check, model), f"check {model}")
                self._checks.add(checking)
                checking.add_done_callback(self._checks.discard)
            case StartEngine(generation, model):
                self._start_engine(seat, generation, model)
            case StopEngine(generation):
                self._start_task(self._stop_engine(seat, generation), f"stop {seat.name}")
            case AbortLeases(generation):
                for lease in seat.leases.values():
                    if lease.generation == generation:
                        lease.abort()

    def _grant(self, seat: Seat, number: int, model: str, generation: int) -> None:
        process = seat.engine.process if seat.engine else None
        assert process is not None, "only a ready engine grants leases"
        lease = Lease(seat.name, seat.model(model), seat.scheduler.running or model, process, generation)
        seat.leases[number] = lease
        outcome = self._tickets.get(number)
        if outcome is not None and not outcome.done():
            outcome.set_result(lease)

    def _refuse(self, number: int, error: RouterError) -> None:
        outcome: asyncio.Future[Lease] | asyncio.Future[None] | None
        outcome = self._tickets.get(number) or self._orders.get(number)
        if outcome is not None and not outcome.done():
            outcome.set_exception(error)

    def _start_task(self, coro: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = spawn(coro, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task

    # -- tasks -----------------------------------------------------------------------------------------

    async def _check(self, seat: Seat, check: int, model: str) -> None:
        try:
            await self._launcher.check(seat.model(model))
        except Exception as error:  # noqa: BLE001
            failed = _as_router_error(error)
            self._tell(seat, lambda s, now: s.check_failed(check, failed, now))
        else:
            self._tell(seat, lambda s, now: s.checked(check, now))

    def _start_engine(self, seat: Seat, generation: int, model: str) -> None:
        launched: asyncio.Future[EngineProcess | None] = asyncio.get_running_loop().create_future()
        seat.engine = engine = RunningEngine(generation, launched, seat.model(model))
        seat.memory = seat.tokens_per_second = None  # what was measured is the last engine's
        engine.task = self._start_task(self._run_engine(seat, engine), f"engine of {seat.name}")

    async def _run_engine(self, seat: Seat, engine: RunningEngine) -> None:
        """Spawn, wait for ready, watch until it ends; tells the scheduler each step."""
        try:
            await self._bring_up(seat, engine)
        except Exception as error:  # noqa: BLE001
            failed = _did_not_load(seat.name, engine.model.id, _as_router_error(error))
            await self._reap(seat, engine)
            self._tell(seat, lambda s, now: s.engine_failed(engine.generation, failed, now))
            return
        self._tell(seat, lambda s, now: s.engine_ready(engine.generation, now))
        process = engine.process
        assert process is not None, "a ready engine has a process"
        await asyncio.shield(process.exited)
        log.warning("slot %s: %s", seat.name, process.failure().message)
        self._tell(seat, lambda s, now: s.engine_exited(engine.generation, process.failure(), now))
        await self._reap(seat, engine)

    async def _bring_up(self, seat: Seat, engine: RunningEngine) -> None:
        engine_log = EngineLog(seat.log, self._log_files, f"engine-{seat.name}")
        try:
            engine.process = await self._launcher.launch(engine.model, engine_log, self._ports_taken())
        finally:
            engine.launched.set_result(engine.process)

        def on_progress(phase: SlotState, fraction: float | None) -> None:
            self._tell(seat, lambda s, _now: s.engine_progress(engine.generation, phase, fraction))

        on_progress(SlotState.STARTING, None)  # its process and port are known now
        engine.context_length = await self._launcher.ready(engine.process, on_progress)

    async def _stop_engine(self, seat: Seat, generation: int) -> None:
        engine = seat.engine
        if engine is not None and engine.generation == generation:
            await asyncio.shield(engine.launched)
            if engine.task is not None:
                engine.task.cancel()
            await self._reap(seat, engine)
        self._tell(seat, lambda s, now: s.engine_stopped(generation, now))

    async def _reap(self, seat: Seat, engine: RunningEngine) -> None:
        try:
            if engine.process is not None:
                await self._launcher.stop(engine.process)
        except Exception:
            # The scheduler waits to be told that the engine is gone; it must not wait for ever.
            log.exception("slot %s: its engine could not be stopped", seat.name)
        if seat.engine is engine:
            seat.engine = None

    def _ports_taken(self) -> set[int]:
        engines = [seat.engine.process for seat in self._seats.values() if seat.engine]
        return {process.launch.port for process in engines if process is not None}


def _as_router_error(error: Exception) -> RouterError:
    """A slot must never wait for ever because of a bug: what is not foreseen becomes its last error."""
    if isinstance(error, RouterError):
        return error
    log.error("unforeseen error around an engine", exc_info=error)
    return EngineFailed(f"The engine could not be run ({type(error).__name__}: {error}); see the router's log.")


def _did_not_load(slot: str, model: str, error: RouterError) -> RouterError:
    """Name the model and where to read more: the engine's sentence alone tells neither."""
    if not isinstance(error, EngineFailed):
        return error
    reason = error.message[:1].lower() + error.message[1:].rstrip(".")
    message = f'Model "{model}" did not load: {reason}; see `hal0 logs {slot}`.'
    return EngineFailed(message, details=error.details, retry_after=error.retry_after)
