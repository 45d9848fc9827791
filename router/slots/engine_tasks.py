"""What takes time around engines: check, start, watch, stop. The scheduler is told when each step ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, Protocol

from router.base.errors import BadModel, EngineFailed, PortTaken, RouterError
from router.base.tasks import spawn
from router.catalog.model import Model
from router.conversations.keeper import Conversations
from router.engine.log import EngineLog, LogFiles
from router.engine.process import EngineProcess
from router.engine.readiness import OnProgress
from router.slots.admission import Admissions
from router.slots.damaged import Damaged, is_lasting
from router.slots.effects import CheckModel, Effect, StartEngine
from router.slots.scheduler import SlotScheduler
from router.slots.seat import RunningEngine, Seat
from router.state import SlotState

log = logging.getLogger(__name__)

Event = Callable[[SlotScheduler, float], list[Effect]]

MOST_PORTS = 3
"""On which one engine is tried, if other programs take one after the other."""


class EngineLauncher(Protocol):
    """What is needed to run engines (router.engine.launcher.Launcher)."""

    async def check(self, model: Model) -> None: ...
    async def launch(self, model: Model, log: EngineLog, taken: Collection[int] = ()) -> EngineProcess: ...
    async def ready(self, engine: EngineProcess, on_progress: OnProgress) -> int | None: ...
    async def answers(self, engine: EngineProcess) -> bool: ...
    async def stop(self, engine: EngineProcess) -> None: ...


class EngineTasks:
    """Runs the engines of all seats.

    Attributes:
        launcher: what launches from now on.
        damaged: what no engine can load.
    """

    def __init__(
        self,
        launcher: EngineLauncher,
        admissions: Admissions,
        seats: Mapping[str, Seat],
        tell: Callable[[Seat, Event], None],
        log_files: LogFiles | None,
        conversations: Conversations | None = None,
    ) -> None:
        self.launcher = launcher
        self._admissions = admissions
        self._seats = seats
        self._tell = tell
        self._log_files = log_files
        self._conversations = conversations
        self.damaged = Damaged()
        self._running: set[asyncio.Task[None]] = set()
        self._checks: set[asyncio.Task[None]] = set()

    def spawn(self, coro: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start a task that `close` waits for."""
        task = spawn(coro, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def check(self, seat: Seat, asked: CheckModel) -> None:
        """Check a model; answer the scheduler with `checked` or `check_failed`."""
        task = self.spawn(self._check(seat, asked), f"check {asked.model}")
        self._checks.add(task)
        task.add_done_callback(self._checks.discard)

    def start(self, seat: Seat, start: StartEngine) -> None:
        """Start an engine; answer with `engine_progress`..., then `engine_ready` or `engine_failed`;
        `engine_exited` later."""
        launched: asyncio.Future[EngineProcess | None] = asyncio.get_running_loop().create_future()
        admitted, switch = seat.admitted, seat.scheduler.switch
        configured = seat.configured(start.model)
        engine = RunningEngine(
            start.generation,
            launched,
            seat.model(start.model),
            configured=configured.launch_key if configured else None,
            load_flags=seat.one_load.of(configured) if configured else (),
            context=seat.contexts.get(start.model),
            placement=seat.placements.get(start.model),
            after_stop=(switch is not None and switch.took_down) or (admitted is not None and admitted.evicted),
            force=start.force,
        )
        seat.engines[start.generation] = engine
        engine.task = self.spawn(self._run(seat, engine), f"engine of {seat.name}")
        # A task that is cancelled before its first step never gets to report that itself.
        engine.task.add_done_callback(lambda _: engine.is_over())

    def stop(self, seat: Seat, generation: int) -> None:
        """Stop an engine; answer with `engine_stopped`."""
        self.spawn(self._stop(seat, generation), f"stop {seat.name}")

    def ask(self, seat: Seat) -> None:
        """Ask the engines that are doubted; answer with `engine_answers`. One that does not is killed, and told
        of as any other that died by itself. One that loads is watched as it is."""
        pair = seat.scheduler.engines
        for known in (pair.running, pair.leaving):
            engine = seat.engines.get(known.generation) if known is not None and known.doubted else None
            if engine is not None and engine.process is not None:
                asking = self._ask(seat, engine.generation, engine.process)
                self.spawn(asking, f"ask the engine of {seat.name}")

    async def close(self) -> None:
        """Give up the checks, wait for all else; the schedulers have been told to close."""
        for check in self._checks:
            check.cancel()  # they touch nothing, and may take seconds
        while self._running:
            await asyncio.wait(self._running)

    # -- tasks -----------------------------------------------------------------------------------------

    async def _check(self, seat: Seat, asked: CheckModel) -> None:
        model = seat.model(asked.model)
        try:
            await self.launcher.check(model)
            if asked.for_request and (known := await self.damaged.why_not(model)) is not None:
                raise known
            beside = await self._admissions.admit(seat, asked, model)
        except Exception as error:  # noqa: BLE001
            failed = _as_router_error(error)
            self._tell(seat, lambda s, now: s.check_failed(asked.check, failed, now))
        else:
            self._tell(seat, lambda s, now: s.checked(asked.check, now, beside=beside))

    async def _run(self, seat: Seat, engine: RunningEngine) -> None:
        """Spawn, wait for ready, watch until it ends."""
        try:
            await self._bring_up(seat, engine)
        except Exception as error:  # noqa: BLE001
            failed = _did_not_load(seat.name, engine.model.id, _as_router_error(error))
            self.damaged.note(engine, failed)
            stuck = await self._reap(seat, engine)
            failed = failed if stuck is None else stuck
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
        if engine.model.problem:  # a restored model was not checked, and hal0.yaml may have changed since
            raise BadModel(engine.model.problem)
        await self._admissions.wait_for_room(seat, engine)
        engine.prompt_cache = await self._admissions.prompt_cache(seat, engine)
        process = await self._launch(seat, engine)
        if self._conversations is not None:
            await self._carry_over(seat, engine)
            await self._conversations.restore(seat.name, engine.model, process)
            if process.exited.done():  # because of what it was given, which is removed
                await self._conversations.gone(process)
                await self._take_down(engine, process)
                await self._launch(seat, engine)

    async def _launch(self, seat: Seat, engine: RunningEngine) -> EngineProcess:
        """Launch the engine; return when it is ready. It is launched on another port if a program takes its own
        meanwhile: that was free, but a big engine takes seconds until it listens."""
        for _ in range(MOST_PORTS - 1):
            try:
                return await self._launch_once(seat, engine)
            except PortTaken as taken:
                log.warning("slot %s: %s It is started on another port.", seat.name, taken.message)
                assert engine.process is not None, "it was launched to find its port taken"
                await self._take_down(engine, engine.process)
        return await self._launch_once(seat, engine)

    async def _take_down(self, engine: RunningEngine, process: EngineProcess) -> None:
        """Stop what is to be launched once more."""
        await self.launcher.stop(process)
        engine.launched = asyncio.get_running_loop().create_future()

    async def _launch_once(self, seat: Seat, engine: RunningEngine) -> EngineProcess:
        engine_log = EngineLog(seat.log, self._log_files, f"engine-{seat.name}")
        kept = self._conversations
        saves_to = await kept.folder_for(engine.model) if kept is not None else None
        engine.process, engine.spawning = None, True
        try:
            model = engine.as_launched(saves_to)
            engine.process = await self.launcher.launch(model, engine_log, self._ports_taken())
        finally:
            engine.launched.set_result(engine.process)

        def on_progress(phase: SlotState, fraction: float | None) -> None:
            self._tell(seat, lambda s, _now: s.engine_progress(engine.generation, phase, fraction))

        on_progress(SlotState.STARTING, None)  # its process and port are known now
        await self.damaged.launched(engine)
        context = await self.launcher.ready(engine.process, on_progress)
        engine.context_length = engine.model.usable(context) if context else None
        return engine.process

    async def _carry_over(self, seat: Seat, engine: RunningEngine) -> None:
        """Save what another engine of the same model, which this one replaces from beside it, has read."""
        assert self._conversations is not None
        for other in seat.engines.values():
            same = other is not engine and other.model.launch_key == engine.model.launch_key
            if same and other.process is not None:
                await self._conversations.save(other.process, stays=True)

    async def _stop(self, seat: Seat, generation: int) -> None:
        error = None
        engine = seat.engines.get(generation)
        if engine is not None and engine.task is not None:
            if not engine.spawning:
                engine.task.cancel()
            await asyncio.shield(engine.launched)
            engine.task.cancel()
            if self._conversations is not None and engine.process is not None and not engine.outdated:
                await self._conversations.save(engine.process)
            error = await self._reap(seat, engine)
        self._tell(seat, lambda s, now: s.engine_stopped(generation, now, error))

    async def _ask(self, seat: Seat, generation: int, process: EngineProcess) -> None:
        try:
            answers = await self.launcher.answers(process)
        except Exception:
            log.exception("slot %s: its engine could not be asked", seat.name)
            answers = True  # a request will show
        if answers:
            self._tell(seat, lambda s, now: s.engine_answers(generation, now))
            return
        log.warning("slot %s: its engine does not answer any more and is ended", seat.name)
        process.kill("it did not answer any more after this computer, or hal0, had stood still")

    async def _reap(self, seat: Seat, engine: RunningEngine) -> RouterError | None:
        """Return why the engine could not be ended; None when it is gone."""
        error = None
        process = engine.process
        try:
            if process is not None:
                await self.launcher.stop(process)
        except Exception as failure:
            log.exception("slot %s: its engine could not be stopped", seat.name)
            assert process is not None, "only a process is stopped"
            if not process.exited.done():
                error = _not_ended(seat.name, process.pid, failure)
        if self._conversations is not None and process is not None:
            await self._conversations.gone(process)
        seat.engines.pop(engine.generation, None)
        engine.reaped.set()
        return error

    def _ports_taken(self) -> set[int]:
        engines = [engine.process for seat in self._seats.values() for engine in seat.engines.values()]
        return {process.launch.port for process in engines if process is not None}


def _as_router_error(error: Exception) -> RouterError:
    """Turn what is not foreseen into an error of the slot, which must never wait for ever because of a bug."""
    if isinstance(error, RouterError):
        return error
    log.error("unforeseen error around an engine", exc_info=error)
    return EngineFailed(f"The engine could not be run ({type(error).__name__}: {error}); see the router's log.")


def _not_ended(slot: str, pid: int | None, error: Exception) -> RouterError:
    if isinstance(error, RouterError):
        return error
    return EngineFailed(
        f'The engine of slot "{slot}" (process {pid}) could not be ended ({type(error).__name__}: {error}); '
        "end that process yourself, then load the model again."
    )


def _did_not_load(slot: str, model: str, error: RouterError) -> RouterError:
    """Name the model and where to read more: the engine's sentence alone tells neither."""
    if not isinstance(error, EngineFailed):
        return error
    reason = error.message[:1].lower() + error.message[1:].rstrip(".")
    message = f'Model "{model}" did not load: {reason}; see `hal0 logs {slot}`.'
    mends = not is_lasting(error)
    return EngineFailed(message, details=error.details, retry_after=error.retry_after, mends=mends)
