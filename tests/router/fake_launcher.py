"""A launcher without processes: each step waits until the test says how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from router.catalog.context import number
from router.catalog.model import Model
from router.engine.log import EngineLog
from router.engine.process import EngineProcess, Launch
from router.engine.readiness import OnProgress
from router.state import SlotState
from tests.engines.running import until


class Step:
    """One call of the launcher. `finish` lets it return, or raise."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self._end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.cancelled = False

    async def pass_through(self) -> None:
        self.begun.set()
        try:
            await asyncio.shield(self._end)
        except asyncio.CancelledError:
            self.cancelled = not self._end.done()
            raise

    def finish(self, error: Exception | None = None) -> None:
        if error is None:
            self._end.set_result(None)
        else:
            self._end.set_exception(error)
            self._end.exception()  # seen, also if nobody waits any more


class FakeLauncher:
    """An EngineLauncher.

    Attributes:
        automatic: the names of the steps (check, launch, ready, stop) that end well by themselves.
        calls: what was called, with the model's id or the engine's pid.
        running: engines launched and not stopped, by pid.
        contexts: what each model was launched with last.
        asked: the pids of engines that were asked whether they answer; `lost`: of those that do not.
    """

    def __init__(self) -> None:
        self.automatic = {"check", "launch", "ready", "stop"}
        self.calls: list[tuple[str, str | int]] = []
        self.running: dict[int, EngineProcess] = {}
        self.contexts: dict[str, int | None] = {}
        self.asked: list[int] = []
        self.lost: set[int] = set()
        self.on_progress: OnProgress | None = None
        self._steps: dict[tuple[str, str | int], list[Step]] = {}
        self._pids = iter(range(1001, 2000))

    # -- for tests -------------------------------------------------------------------------------------

    async def begun(self, name: str, what: str | int) -> Step:
        """Wait for that call and take it in hand; its name must not be in `automatic`."""
        await until(lambda: bool(self._steps.get((name, what))), f"{name} {what}")
        return self._steps[name, what].pop(0)

    def kill(self, pid: int, code: int = -9) -> None:
        """The engine dies by itself."""
        self.running[pid].exited.set_result(code)

    # -- EngineLauncher --------------------------------------------------------------------------------

    async def check(self, model: Model) -> None:
        await self._step("check", model.id)

    async def launch(self, model: Model, log: EngineLog, taken: Collection[int] = ()) -> EngineProcess:
        await self._step("launch", model.id)
        self.contexts[model.id] = number(model.flags, "ctx-size")
        engine = EngineProcess(Launch([model.id], {}, port=9000 + len(self.calls)), log)
        assert engine.launch.port not in taken
        engine.pid = next(self._pids)
        self.running[engine.pid] = engine
        return engine

    async def ready(self, engine: EngineProcess, on_progress: OnProgress) -> int | None:
        self.on_progress = on_progress
        on_progress(SlotState.LOADING, 0.0)
        await self._step("ready", engine.launch.argv[0])
        if engine.exited.done():
            raise engine.failure()
        return 4096

    async def answers(self, engine: EngineProcess) -> bool:
        assert engine.pid is not None
        self.asked.append(engine.pid)
        return engine.pid not in self.lost

    async def stop(self, engine: EngineProcess) -> None:
        assert engine.pid is not None
        await self._step("stop", engine.pid)
        if not engine.exited.done():
            engine.exited.set_result(0)
        self.running.pop(engine.pid, None)

    async def _step(self, name: str, what: str | int) -> None:
        self.calls.append((name, what))
        if name in self.automatic:
            return
        step = Step()
        self._steps.setdefault((name, what), []).append(step)
        await step.pass_through()
