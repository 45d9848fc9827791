"""Waiting until an engine is ready: what it says in child mode, else what /health answers."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import psutil

from router.base.errors import EngineFailed, PortTaken
from router.base.tasks import spawn
from router.engine.child import ChildState
from router.engine.ports import listens_alone
from router.engine.process import EngineProcess
from router.state import SlotState

POLL_SECONDS = 0.1
"""Between two looks at an engine that does not speak the child protocol."""

SAMPLE_SECONDS = 0.5
"""Between two looks at what an engine reads and holds in memory."""

STALL_SECONDS = 180.0
"""An engine is stuck when its log, its CPU time, its reads and its memory all stood still this long."""

HTTP_TIMEOUT = aiohttp.ClientTimeout(total=5)

ASK_TRIES = 3
"""So often a ready engine is asked, HTTP_TIMEOUT each, before it counts as lost: its memory may have to come
back from the swap first."""

STOPPED_SECONDS = 5.0
"""A look that comes so late: hal0 did not run, nor perhaps the engine."""

_MIB = 2**20

ESTIMATED_FROM = 64 * 1024 * 1024
"""Bytes of a model from which what was read tells the progress; below, the program itself weighs more."""

OnProgress = Callable[[SlotState, float | None], None]


@dataclass(frozen=True, slots=True)
class Signs:
    """What a loading engine shows: bytes read, shared and resident, CPU seconds, its last words."""

    read: float
    shared: float
    resident: float
    cpu: float
    last_line: str | None = None
    child_state: ChildState | None = None

    def show_work_since(self, before: Signs, seconds: float) -> bool:
        """Return whether more went on for `seconds` than hal0's own polling of the engine causes."""
        if (self.last_line, self.child_state) != (before.last_line, before.child_state):
            return True
        moved = (self.read - before.read, self.shared - before.shared, self.resident - before.resident)
        return any(abs(m) > limit * _MIB for m, limit in zip(moved, (1, 8, 8), strict=True)) or (
            self.cpu - before.cpu > 0.05 * seconds
        )


def probe_session() -> aiohttp.ClientSession:
    """Make the client that asks an engine whether it is ready.

    Requests go through the faster router.server.request.engines; a probe may meet any program's HTTP
    (`command:`), redirects included, so it takes aiohttp's client. No connection outlives its probe.
    """
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True, limit=0), trust_env=False)


class Readiness:
    """Brings one started engine to ready, reporting phases.

    A slow load never fails for being slow; only an exit, or a stall of every sign of life, ends it.
    """

    def __init__(
        self,
        engine: EngineProcess,
        http: aiohttp.ClientSession,
        on_progress: OnProgress,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._engine = engine
        self._http = http
        self._on_progress = on_progress
        self._stall_seconds = stall_seconds
        self._fraction = 0.0
        self._reported: tuple[SlotState, float | None] | None = None
        self._signs: Signs | None = None
        self._stalled: EngineFailed | None = None
        self._proof: asyncio.Task[bool] | None = None
        self._alive_at = asyncio.get_running_loop().time()

    async def wait(self) -> int | None:
        """Return the context length in tokens, if the engine tells it. Raises EngineFailed."""
        sampler = spawn(self._sample(), name=f"watch engine {self._engine.pid}")
        try:
            while not await self._is_ready():
                if self._proof is None and self._engine.child_state is not None:
                    self._proof = self._listens_alone()  # it listens before it loads: nobody waits for this
                if self._engine.exited.done():
                    raise self._engine.failure()
                if self._stalled is not None:
                    raise self._stalled
                await self._pause()
        finally:
            sampler.cancel()
        if self._proof is None or not await self._proof:
            await self._prove_ours()
        self._engine.log.is_ready()
        return await self._context_length()

    async def _is_ready(self) -> bool:
        self._engine.changed.clear()  # before looking: what changes meanwhile ends the pause at once
        state = self._engine.child_state
        if state is not None:
            if state.fraction is not None:
                self._report(state.fraction)
            return state.state == "ready"
        return not self._engine.exited.done() and await self._healthy()

    async def _pause(self) -> None:
        """Wait until the engine says something, or the next poll is due."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(POLL_SECONDS):
                await self._engine.changed.wait()

    async def _healthy(self) -> bool:
        launch = self._engine.launch
        try:
            async with self._http.get(launch.base_url + launch.health, timeout=HTTP_TIMEOUT) as answer:
                if answer.status == 503:
                    self._report(None)
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    def _report(self, fraction: float | None) -> None:
        """Report loading until everything is read, then warming; a fraction never goes back."""
        if fraction is not None:
            self._fraction = max(self._fraction, min(1.0, fraction))
        known = fraction is not None or self._fraction > 0
        phase = SlotState.WARMING if self._fraction >= 1.0 else SlotState.LOADING
        report = (phase, round(self._fraction, 2) if known and phase is SlotState.LOADING else None)
        if report != self._reported:
            self._reported = report
            self._on_progress(*report)

    async def _sample(self) -> None:
        """Watch for signs of life, and estimate progress from what was read."""
        loop = asyncio.get_running_loop()
        while self._stalled is None:
            before = loop.time()
            await asyncio.sleep(SAMPLE_SECONDS)
            launch = self._engine.launch
            measured = await asyncio.to_thread(_signs_of_life, self._engine.pid, not launch.child_mode)
            signs = Signs(*measured, self._engine.log.last_line, self._engine.child_state)
            now = loop.time()
            if (late := now - before - SAMPLE_SECONDS) > STOPPED_SECONDS:
                self._alive_at += late
            if self._signs is None or signs.show_work_since(self._signs, now - self._alive_at):
                self._signs, self._alive_at = signs, now
            elif now - self._alive_at > self._stall_seconds:
                self._stalled = EngineFailed(
                    f"The engine stood still for {self._stall_seconds:.0f} s while loading (no output, no "
                    "reads, no CPU time); see its log, then try again."
                )
            if self._engine.child_state is None and launch.file_size >= ESTIMATED_FROM:
                self._report(min(0.99, max(signs.read, signs.shared) / launch.file_size))

    def _listens_alone(self) -> asyncio.Task[bool]:
        pid, port = self._engine.pid, self._engine.launch.port
        assert pid is not None, "it was started"
        return spawn(asyncio.to_thread(listens_alone, pid, port), name=f"prove engine {pid}")

    async def _prove_ours(self) -> None:
        port = self._engine.launch.port
        if not await self._listens_alone():
            # Perhaps it has just died: reading its last words takes a moment.
            await asyncio.wait([self._engine.exited], timeout=1.0)
            if self._engine.exited.done():
                raise self._engine.failure()
            raise PortTaken(
                f"Another program answers on port {port}, which was to be the engine's; "
                "stop it or change engine.ports in hal0.yaml."
            )

    async def _context_length(self) -> int | None:
        """Return tokens one request may use, as the engine itself says, by itself or asked (`/props`)."""
        launch, state = self._engine.launch, self._engine.child_state
        if state is not None and state.context_length is not None:
            return state.context_length
        if not launch.child_mode:
            return None
        headers = {"Authorization": f"Bearer {launch.api_key}"}
        try:
            url = launch.base_url + "/props"
            async with self._http.get(url, headers=headers, timeout=HTTP_TIMEOUT) as answer:
                props = await answer.json()
                return int(props["default_generation_settings"]["n_ctx"])
        except (aiohttp.ClientError, OSError, TimeoutError, KeyError, TypeError, ValueError):
            return None


async def answers(engine: EngineProcess, http: aiohttp.ClientSession) -> bool:
    """Return whether a ready engine still answers; one that has ended needs no more asking."""
    launch = engine.launch
    for _ in range(ASK_TRIES):
        asked = asyncio.get_running_loop().time()
        with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
            async with http.get(launch.base_url + launch.health, timeout=HTTP_TIMEOUT) as answer:
                if answer.status < 500 or answer.status == 503:  # it has its own words for "busy"
                    return True
        rest = asked + (HTTP_TIMEOUT.total or 0.0) - asyncio.get_running_loop().time()
        await asyncio.wait([engine.exited], timeout=max(0.0, rest))
        if engine.exited.done():
            return True
    return False


def _signs_of_life(pid: int | None, with_helpers: bool) -> tuple[float, float, float, float]:
    """(bytes read, bytes of shared memory, resident bytes, CPU seconds), 0 where unknown. Blocking.

    `with_helpers`: of all it started, too; a launcher such as `uv run` stands still while its child loads.
    """
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if with_helpers else ())]
    except psutil.Error:
        return (0.0, 0.0, 0.0, 0.0)
    read, shared, resident, cpu = (sum(column) for column in zip(*map(_signs_of_one, family), strict=True))
    return (read, shared, resident, cpu)


def _signs_of_one(process: psutil.Process) -> tuple[float, float, float, float]:
    try:
        memory, cpu = process.memory_info(), process.cpu_times()
        read = process.io_counters().read_bytes if hasattr(process, "io_counters") else 0
    except psutil.Error:
        return (0.0, 0.0, 0.0, 0.0)
    return (read, getattr(memory, "shared", 0), memory.rss, cpu.user + cpu.system)
