"""A changed configuration on a router that goes on serving; the scheduler is real, processes are not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

import pytest

from router.activity.speeds import Speeds
from router.base.errors import BadModel, EngineFailed, ModelNotLoaded, PortInUse, SlotNotFound
from router.base.tasks import spawn
from router.catalog.model import Model
from router.catalog.models import Catalog
from router.config.schema import (
    Config,
    EngineConfig,
    Kind,
    LimitsConfig,
    ServerConfig,
    SlotConfig,
    SwitchPolicy,
    UpstreamConfig,
)
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.forecast.forecaster import Forecaster
from router.reload.apply import Reconfigurer, SectionObserver
from router.reload.in_effect import InEffect
from router.reload.published import PublishedModels
from router.slots.lease import Lease
from router.slots.supervisor import Supervisor
from router.state import SlotState, SlotStatus, StateStore
from router.upstreams.registry import UpstreamRegistry
from tests.engines.running import soon, until
from tests.router.fake_launcher import FakeLauncher


def model(id_: str, *flags: str, **more: Any) -> Model:
    named = MappingProxyType(dict.fromkeys(flags, True))
    kind = more.pop("kind", Kind.CHAT)
    return Model(id_, kind, id_, file=Path(f"/models/{id_}.gguf"), flags=named, **more)


def catalog(*models: Model) -> Catalog:
    return Catalog(MappingProxyType({m.id: m for m in models}))


ALPHA, BETA = model("alpha"), model("beta")
MODELS = catalog(ALPHA, BETA)
PRIMARY = SlotConfig("primary", model="alpha", autoload=True)
SECOND = SlotConfig("second", model="beta")


class FakeListener:
    def __init__(self) -> None:
        self.servers: list[ServerConfig] = []
        self.taken = False

    async def move(self, server: ServerConfig) -> None:
        if self.taken:
            raise PortInUse("The port is taken; choose another.")
        self.servers.append(server)


class Bench:
    """A router with two slots, or those given."""

    def __init__(self, *slots: SlotConfig) -> None:
        self.store = StateStore()
        self.launcher = FakeLauncher()
        self.supervisor = Supervisor(self.store, self.launcher)
        self.listener = FakeListener()
        self.looked: list[bool] = []
        self.config = Config(slots={slot.name: slot for slot in slots or (PRIMARY, SECOND)})
        self.models = MODELS
        self.in_effect = InEffect(self.config, self.models)
        self.published = PublishedModels(
            self.in_effect,
            self.store,
            LaunchForecasts(Forecaster(Path("unused"), cast(Any, None))),
            Speeds(Path("unused")),
            self.supervisor.gone_models,
            self.supervisor.models_told,
        )
        self.live = Reconfigurer(
            self.in_effect,
            self.published,
            lambda _slot: None,
            self.store,
            self.supervisor,
            (UpstreamRegistry(self.store),),
            lambda _: self.launcher,
            self.listener.move,
            [SectionObserver(lambda c: c.keep_awake, lambda c: self.looked.append(c.keep_awake))],
        )
        self.live.add_slots()

    def slot(self, name: str = "primary") -> SlotStatus:
        status = self.store.snapshot.slot(name)
        assert status is not None
        return status

    async def apply(self, *slots: SlotConfig, models: Catalog | None = None, **more: Any) -> None:
        chosen = {slot.name: slot for slot in slots} if slots else self.config.slots
        self.config = replace(self.config, slots=chosen, **more)
        self.models = models or self.models
        await self.live.apply(self.config, self.models)

    async def ready(self, model: str, name: str = "primary") -> None:
        def is_ready() -> bool:
            status = self.store.snapshot.slot(name)  # None for a moment where a slot is made anew
            return status is not None and (status.state, status.model) == (SlotState.READY, model)

        await until(is_ready, f"{name} ready with {model}")

    async def request(self, hold: asyncio.Event | None = None, slot: str = "primary") -> Lease:
        async with self.supervisor.ticket(slot, None) as ticket:
            lease = await ticket.lease()
            if hold is not None:
                await hold.wait()
            return lease


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    made.live.load_slots()
    await made.ready("alpha")
    yield made
    made.launcher.automatic = {"check", "launch", "ready", "stop"}
    await soon(made.supervisor.close(), "close")
    assert made.launcher.running == {}


async def test_other_flags_restart_after_the_running_request(bench: Bench) -> None:
    pid, hold = bench.slot().pid, asyncio.Event()
    request = spawn(bench.request(hold), name="request")
    await until(lambda: bench.slot().in_flight == 1, "a request")
    await bench.apply(models=catalog(model("alpha", "new"), BETA))
    await until(lambda: bench.slot().state is SlotState.DRAINING, "the drain")
    assert bench.slot().pid == pid
    hold.set()
    assert (await soon(request)).model.flags == {}
    await bench.ready("alpha")
    assert bench.slot().pid != pid
    assert (await soon(bench.request())).model.flags == {"new": True}


async def test_flags_that_change_during_a_load_are_in_effect_after_it(bench: Bench) -> None:
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    first = await bench.launcher.begun("ready", "beta")
    pid = bench.slot().pid
    await bench.apply(models=catalog(ALPHA, model("beta", "new")))
    first.finish()
    await soon(loading)
    (await bench.launcher.begun("ready", "beta")).finish()
    await bench.ready("beta")
    assert bench.slot().pid != pid


async def test_a_model_that_failed_is_loaded_again_once_its_flags_are_others(bench: Bench) -> None:
    bench.launcher.automatic -= {"ready"}
    restarting = spawn(bench.supervisor.restart("primary"), name="restart")
    (await bench.launcher.begun("ready", "alpha")).finish(EngineFailed("Bad flag; correct it."))
    with pytest.raises(EngineFailed):
        await soon(restarting)
    assert bench.slot().state is SlotState.FAILED
    bench.launcher.automatic.add("ready")
    await bench.apply(models=catalog(model("alpha", "right"), BETA))
    await bench.ready("alpha")
    assert bench.slot().last_error is None


async def test_requests_for_a_slot_that_leaves_end_or_are_refused(bench: Bench) -> None:
    hold = asyncio.Event()
    served = spawn(bench.request(hold), name="served")
    await until(lambda: bench.slot().in_flight == 1, "a request")
    waiting = spawn(bench.supervisor.load("primary", "beta"), name="a person's switch")
    await until(lambda: bench.slot().state is SlotState.DRAINING, "the switch")
    await bench.apply(SECOND)
    with pytest.raises(SlotNotFound):
        await soon(waiting)
    with pytest.raises(SlotNotFound):
        await soon(bench.request())
    with pytest.raises(SlotNotFound):
        await soon(bench.supervisor.load("primary", "beta"))
    await bench.supervisor.cancel("primary")
    assert bench.slot().in_flight == 1, "who is served may end"
    hold.set()
    assert (await soon(served)).model.id == "alpha"
    await until(lambda: bench.store.snapshot.slot("primary") is None, "the slot's end")
    assert [slot.name for slot in bench.store.snapshot.slots] == ["second"] and not bench.launcher.running


async def test_a_slot_that_comes_back_while_it_leaves_is_made_anew(bench: Bench) -> None:
    bench.launcher.automatic -= {"stop"}
    pid = bench.slot().pid
    assert pid is not None
    await bench.apply(SECOND)
    stop = await bench.launcher.begun("stop", pid)
    await bench.apply(replace(PRIMARY, pinned=True), SECOND)
    await bench.apply(replace(PRIMARY, pinned=True, model="beta"), SECOND, limits=LimitsConfig(queue=1))
    bench.launcher.automatic.add("stop")
    stop.finish()
    await bench.ready("beta")
    assert [slot.name for slot in bench.store.snapshot.slots] == ["primary", "second"]
    assert bench.slot().pinned and bench.slot().pid != pid


async def test_another_model_is_loaded_where_one_runs_and_remembered_where_none_does(bench: Bench) -> None:
    await bench.apply(replace(PRIMARY, model="beta"), replace(SECOND, model="alpha"))
    await bench.ready("beta")
    second = bench.slot("second")
    assert (second.state, second.model) == (SlotState.UNLOADED, "alpha")


async def test_a_policy_decides_the_next_request(bench: Bench) -> None:
    pid = bench.slot().pid
    await bench.apply(replace(PRIMARY, switch=SwitchPolicy.MANUAL), SECOND)
    with pytest.raises(ModelNotLoaded):
        async with bench.supervisor.ticket("primary", "beta") as ticket:
            await soon(ticket.lease())
    assert bench.slot().pid == pid


async def test_which_slots_may_be_together_counts_for_the_next_load(bench: Bench) -> None:
    name = SECOND.name
    await soon(bench.supervisor.load(name, bench.slot(name).choices[0]))
    pid = bench.slot().pid
    await bench.apply(together=(("primary",), (name,)))
    assert bench.store.snapshot.together == (("primary",), (name,))
    assert bench.slot().pid == pid and bench.slot(name).pid is not None, "what is loaded stays"
    await soon(bench.supervisor.load("primary", "beta"))
    assert bench.slot(name).pid is None


async def test_whether_sleep_is_held_off_is_looked_at_when_it_changes(bench: Bench) -> None:
    await bench.apply(keep_awake=False)
    await bench.apply(keep_awake=False, local_only=True)
    await bench.apply(keep_awake=True)
    assert bench.looked == [False, True]


async def test_a_model_that_leaves_runs_on_and_cannot_be_loaded_again(bench: Bench) -> None:
    pid = bench.slot().pid
    await bench.apply(models=catalog(BETA))
    assert bench.slot().choices == ("beta",) and bench.slot().loaded == ("alpha",)
    gone = bench.store.snapshot.model("alpha")
    assert gone is not None and "no longer in hal0.yaml" in (gone.problem or "")
    assert (await soon(bench.request())).model.id == "alpha"
    with pytest.raises(BadModel):
        await soon(bench.supervisor.load("primary", "alpha"))
    assert bench.slot().pid == pid
    await soon(bench.supervisor.load("primary", "beta"))
    bench.published.publish()
    assert bench.store.snapshot.model("alpha") is None


async def test_a_model_that_came_with_hal0_makes_way_once_it_is_unloaded(bench: Bench) -> None:
    """It is not told to be missing, and nobody has to choose what comes after it."""
    brought = replace(ALPHA, brought=True)
    await bench.apply(replace(PRIMARY, model=None), SECOND, models=catalog(brought, BETA))
    await bench.apply(models=catalog(BETA))
    left = bench.store.snapshot.model("alpha")
    assert left is not None and (left.problem or "").startswith('"alpha" came with hal0')
    assert (await soon(bench.request())).model.id == "alpha"
    await soon(bench.supervisor.unload("primary"))
    assert bench.slot().model == "beta"
    assert (await soon(bench.request())).model.id == "beta"


async def test_an_empty_slot_takes_the_next_model_when_its_own_leaves(bench: Bench) -> None:
    free = SlotConfig("second")
    await bench.apply(PRIMARY, free, models=catalog(BETA, ALPHA))
    assert bench.slot("second").model == "beta"
    await bench.apply(PRIMARY, free, models=catalog(ALPHA))
    assert bench.slot("second").model == "alpha"


async def test_the_first_model_that_comes_is_loaded_where_that_was_wanted(bench: Bench) -> None:
    third = SlotConfig("third", Kind.EMBEDDING, autoload=True)
    await bench.apply(PRIMARY, SECOND, third)
    assert bench.slot("third").model is None
    words = model("words", kind=Kind.EMBEDDING)
    await bench.apply(models=catalog(ALPHA, BETA, words))
    await bench.ready("words", "third")


async def test_another_engine_restarts_what_runs(bench: Bench) -> None:
    pid, other = bench.slot().pid, FakeLauncher()
    other._pids = iter(range(5001, 6000))
    bench.live._make_launcher = lambda _: other
    other.running = bench.launcher.running
    await bench.apply(engine=EngineConfig(ports=(1, 2)))
    assert bench.slot().pid == pid
    await bench.apply(engine=EngineConfig(Path("/other"), ports=(1, 2)))
    await until(lambda: bench.slot().state is SlotState.READY and bench.slot().pid != pid, "a restart")
    assert ("launch", "alpha") in other.calls and ("launch", "alpha") not in bench.launcher.calls[3:]


async def test_an_address_that_cannot_be_had_is_asked_for_again(bench: Bench) -> None:
    bench.listener.taken = True
    pid = bench.slot().pid
    with pytest.raises(PortInUse):
        await bench.apply(replace(PRIMARY, pinned=True), SECOND, server=ServerConfig(port=1))
    assert bench.slot().pinned and bench.in_effect.config.server == ServerConfig()
    bench.listener.taken = False
    await bench.apply()
    assert bench.listener.servers == [ServerConfig(port=1)] and bench.slot().pid == pid


AWAY = {"ray": UpstreamConfig("ray", "http://127.0.0.1:1/v1")}


async def test_a_slot_moves_to_a_server_elsewhere_when_its_requests_have_ended_and_back(bench: Bench) -> None:
    hold = asyncio.Event()
    request = spawn(bench.request(hold), name="request")
    await until(lambda: bench.slot().in_flight == 1, "a request")
    pid = bench.slot().pid
    await bench.apply(SlotConfig("primary", upstream="ray/llama"), SECOND, upstreams=AWAY, local_only=True)
    assert (bench.slot().pid, bench.slot().upstream) == (pid, None), "who is served may end"
    hold.set()
    await soon(request)
    await until(lambda: bench.slot().upstream == "ray/llama", "the move")
    assert not bench.launcher.running and [s.name for s in bench.store.snapshot.slots] == ["primary", "second"]
    with pytest.raises(SlotNotFound, match="ray/llama answers for it"):
        await soon(bench.supervisor.load("primary", "alpha"))
    await bench.apply(PRIMARY, SECOND)
    await bench.ready("alpha")
    assert [slot.name for slot in bench.store.snapshot.slots] == ["primary", "second"]


async def test_upstreams_and_local_only_are_published_at_once(bench: Bench) -> None:
    await bench.apply(upstreams=AWAY, local_only=True)
    snapshot = bench.store.snapshot
    assert [upstream.name for upstream in snapshot.upstreams] == ["ray"] and snapshot.local_only
    pid = bench.slot().pid
    await bench.apply(replace(PRIMARY, fallback=("ray",)), SECOND)
    assert (bench.slot().fallback, bench.slot().pid) == (("ray",), pid)
    await bench.apply(PRIMARY, SECOND, upstreams={}, local_only=False)
    assert bench.store.snapshot.upstreams == () and not bench.store.snapshot.local_only


async def test_an_engine_that_other_machines_help_stops_when_nothing_may_leave(bench: Bench) -> None:
    helped = replace(ALPHA, flags={"rpc": "127.0.0.1:1,10.0.0.3:50052"})
    await bench.apply(models=catalog(helped, BETA))
    await until(lambda: bench.slot().state is SlotState.READY and bench.launcher.running != {}, "a restart")
    await bench.apply(local_only=True)
    await until(lambda: bench.slot().state is SlotState.UNLOADED, "its end")
    assert bench.launcher.running == {}


async def test_it_is_the_engine_that_runs_that_counts_not_what_hal0_yaml_says_of_its_model(
    bench: Bench,
) -> None:
    helped = replace(ALPHA, flags={"rpc": "10.0.0.3:50052"})
    await bench.apply(models=catalog(helped, BETA))
    await until(lambda: bench.slot().state is SlotState.READY and bench.slot().pid != 1001, "a restart")
    gone = replace(ALPHA, problem="Its file is gone.")
    await bench.apply(models=catalog(gone, BETA))
    assert bench.launcher.running != {}, "what runs goes on"
    await bench.apply(local_only=True)
    await until(lambda: bench.launcher.running == {}, "its end")


async def test_slots_load_at_the_start_one_after_another_the_most_wanted_first() -> None:
    wanted = SlotConfig("wanted", model="beta", autoload=True, priority=5)
    made = Bench(PRIMARY, wanted, SlotConfig("third", model="alpha"))
    made.launcher.automatic.discard("ready")
    made.live.load_slots()
    first = await made.launcher.begun("ready", "beta")
    assert ("check", "alpha") not in made.launcher.calls, "it waits for its turn"
    first.finish(EngineFailed("no"))
    (await made.launcher.begun("ready", "alpha")).finish()
    await made.ready("alpha")
    assert made.slot("third").state is SlotState.UNLOADED
    assert made.slot("wanted").state is SlotState.FAILED
    await soon(made.supervisor.close(), "close")


async def test_quitting_ends_the_loads_of_the_start() -> None:
    made = Bench(PRIMARY, replace(SECOND, autoload=True))
    made.launcher.automatic.discard("ready")
    made.live.load_slots()
    await made.launcher.begun("ready", "alpha")
    await soon(made.supervisor.close(), "close")
    assert ("check", "beta") not in made.launcher.calls and made.launcher.running == {}
