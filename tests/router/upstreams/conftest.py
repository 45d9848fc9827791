"""`use`: a registry that knows some upstreams, and the state it publishes."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace

import pytest

from router.base.errors import EngineFailed
from router.config.schema import Config, Kind, SlotConfig, UpstreamConfig
from router.resolve import resolve
from router.state import SlotState, SlotStatus, StateStore, UpstreamState, UpstreamStatus
from router.upstreams.answer import UpstreamAnswer
from router.upstreams.call import Call
from router.upstreams.keys import Keys
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon, until

DEAD = EngineFailed("The engine died.")


@dataclass
class Bench:
    """A registry as the service has it."""

    store: StateStore
    registry: UpstreamRegistry
    config: Config = field(default_factory=Config)

    def use(self, *upstreams: UpstreamConfig, **more: object) -> None:
        named = {upstream.name: upstream for upstream in upstreams} if upstreams else self.config.upstreams
        self.config = replace(self.config, upstreams=named, **more)  # type: ignore[arg-type]
        self.registry.use(self.config)

    def upstream(self, name: str) -> UpstreamStatus:
        return next(u for u in self.store.snapshot.upstreams if u.name == name)

    def slot(self, name: str) -> SlotStatus:
        slot = self.store.snapshot.slot(name)
        assert slot is not None
        return slot

    async def state(self, name: str, state: UpstreamState) -> UpstreamStatus:
        await until(lambda: self.upstream(name).state is state, f"{name} {state}")
        return self.upstream(name)

    async def ask(self, model: str, call: Call) -> UpstreamAnswer:
        route = resolve(model, Kind.CHAT, self.store.snapshot)
        return await soon(self.registry.answer(route, call))

    async def instead(self, call: Call, *fallback: str, model: str | None = None) -> UpstreamAnswer:
        """What answers for a slot whose engine has died."""
        status = SlotStatus("primary", Kind.CHAT, SlotState.FAILED, model="qwen", fallback=fallback)
        return await soon(self.registry.instead_of(status, model, DEAD, call))


Use = Callable[..., Bench]


@pytest.fixture
async def use() -> AsyncIterator[Use]:
    """`use(*upstreams, environment={}, trust=None, slots={}, local_only=False)`."""
    benches: list[Bench] = []

    def make(
        *upstreams: UpstreamConfig,
        environment: dict[str, str] | None = None,
        trust: ssl.SSLContext | None = None,
        slots: dict[str, SlotConfig] | None = None,
        local_only: bool = False,
    ) -> Bench:
        store = StateStore()
        bench = Bench(store, UpstreamRegistry(store, Keys(environment or {}), trust))
        benches.append(bench)
        bench.use(*upstreams, slots=slots or {}, local_only=local_only)
        return bench

    yield make
    for bench in benches:
        await soon(bench.registry.close())


def chat(model_seen: list[str] | None = None, **more: object) -> Call:
    """A chat request; the models it was made for are added to `model_seen`."""

    def body(model: str) -> bytes:
        if model_seen is not None:
            model_seen.append(model)
        return f'{{"model": "{model}", "messages": []}}'.encode()

    return Call("/v1/chat/completions", body, **more)  # type: ignore[arg-type]
