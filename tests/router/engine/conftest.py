"""`start_engine`: real processes of tests/engines/misbehaving.py, stopped with the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest

from router.engine.log import EngineLog
from router.engine.process import EngineProcess, Launch, StopGrace
from tests.engines import running

SHORT = StopGrace(order=0.3, terminate=0.2, again=0.2)

StartEngine = Callable[..., Awaitable[EngineProcess]]


@pytest.fixture
async def start_engine() -> AsyncIterator[StartEngine]:
    """`start_engine(behaviour, child_mode=True, log=None, grace=SHORT, **launch)`: spawned."""
    started: list[EngineProcess] = []

    async def start(
        behaviour: str,
        *,
        child_mode: bool = True,
        log: EngineLog | None = None,
        grace: StopGrace = SHORT,
        **launch: object,
    ) -> EngineProcess:
        port = running.free_port()
        env = running.environment(child_mode=child_mode)
        made = Launch(running.command(behaviour, port), env, port, child_mode=child_mode)
        engine = EngineProcess(replace(made, **launch), log or EngineLog(), grace)  # type: ignore[arg-type]
        started.append(engine)
        await engine.start()
        return engine

    yield start
    for engine in started:
        await engine.stop()
