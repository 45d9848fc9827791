"""The supervisor with a launcher whose every step the test controls; the scheduler is the real one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from types import MappingProxyType
from typing import Any

import pytest

from router.base.errors import (
    BadModel,
    EngineFailed,
    ModelNotLoaded,
    PortTaken,
    RouterError,
    ShuttingDown,
    SlotNotFound,
    SwitchCancelled,
)
from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind, LimitsConfig, SlotConfig
from router.memory.admit.gate import Gate
from router.slots.engine_tasks import MOST_PORTS
from router.slots.lease import Lease
from router.slots.supervisor import Supervisor
from router.state import DeviceMemory, SlotMemory, SlotState, SlotStatus, Snapshot, StateStore
from tests.engines.running import soon, until
from tests.router.fake_launcher import FakeLauncher

MODELS = {
    id_: Model(id_, Kind.CHAT, display_name=id_, command=f"{id_[0]} {{port}}")
    for id_ in ("alpha", "alpha-hot", "beta", "gamma")
}
"""alpha and alpha-hot share a process."""


class Bench:
    """A supervisor with one slot, and everything that was published."""

    def __init__(self, selected: str | None = "alpha", gate: Gate | None = None, **slot: Any) -> None:
        self.store = StateStore()
        self.published: list[SlotStatus] = []
        self.launcher = FakeLauncher()
        self.supervisor = Supervisor(self.store, self.launcher, gate=gate)
        config = SlotConfig("primary", Kind.CHAT, **slot)
        self.supervisor.add_slot(config, LimitsConfig(), MappingProxyType(MODELS), selected)
        self.store.subscribe(self._observe)

    def _observe(self, snapshot: Snapshot) -> None:
        self.published.append(snapshot.slots[0])

    @property
    def slot(self) -> SlotStatus:
        return self.store.snapshot.slots[0]

    async def until(self, wanted: Callable[[SlotStatus], bool], what: str) -> None:
        await until(lambda: wanted(self.slot), f"{what}; the slot is {self.slot}")

    async def request(self, model: str | None = None, hold: asyncio.Event | None = None) -> Lease:
        """A client's request: take a lease, and give it back (after `hold`)."""
        async with self.supervisor.ticket("primary", model) as ticket:
            lease = await ticket.lease()
            if hold is not None:
                await hold.wait()
            return lease

    def phases(self) -> list[SlotState]:
        states = [status.state for status in self.published]
        return [s for i, s in enumerate(states) if i == 0 or states[i - 1] is not s]


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Bench]]:
    """`make(selected="alpha", **slot)`; closed with the test, which proves that nothing was left over."""
    benches: list[Bench] = []
    before = asyncio.all_tasks()

    def build(*args: Any, **kw: Any) -> Bench:
        benches.append(Bench(*args, **kw))
        return benches[-1]

    yield build
    for bench in benches:
        bench.launcher.automatic = {"check", "launch", "ready", "stop"}
        await soon(bench.supervisor.close(), "close")
        assert bench.launcher.running == {}
        for shown in bench.store.snapshot.slots:
            assert (shown.in_flight, shown.queued, shown.pid) == (0, 0, None)
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


async def test_a_request_loads_the_model_and_gets_a_lease(make: Callable[..., Bench]) -> None:
    bench = make()
    lease = await soon(bench.request())
    assert lease.model.id == "alpha" and lease.slot == "primary"
    assert bench.slot.state is SlotState.READY
    assert bench.slot.loaded == ("alpha", "alpha-hot")
    assert bench.slot.context_length == 4096, "as the engine says"
    assert bench.phases() == [
        SlotState.QUEUED,
        SlotState.STARTING,
        SlotState.LOADING,
        SlotState.READY,
    ]


async def test_requests_join_one_load(make: Callable[..., Bench]) -> None:
    bench = make()
    leases = await soon(asyncio.gather(*(bench.request(m) for m in (None, "alpha", "alpha-hot", None))))
    assert [lease.model.id for lease in leases] == ["alpha", "alpha", "alpha-hot", "alpha"]
    assert len({lease.generation for lease in leases}) == 1
    assert [call for call in bench.launcher.calls if call[0] == "launch"] == [("launch", "alpha")]


async def test_the_status_counts_who_is_served_and_who_waits(make: Callable[..., Bench]) -> None:
    bench = make()
    hold = asyncio.Event()
    served = [spawn(bench.request(hold=hold), name=f"served {n}") for n in range(2)]
    await bench.until(lambda s: s.in_flight == 2, "two served")
    waiting = spawn(bench.request("beta"), name="waits")
    await bench.until(lambda s: s.state is SlotState.DRAINING, "the drain")
    assert (bench.slot.queued, bench.slot.in_flight, bench.slot.target) == (1, 2, "beta")
    assert bench.slot.model == "alpha" and bench.slot.serving == "beta"
    hold.set()
    assert (await soon(waiting)).model.id == "beta"
    await soon(asyncio.gather(*served))
    await bench.until(lambda s: s.in_flight == s.queued == 0, "all done")


async def test_progress_and_target_are_published_while_switching(make: Callable[..., Bench]) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    bench.launcher.automatic -= {"ready"}
    began = time.time()
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    ready = await bench.launcher.begun("ready", "beta")
    assert bench.launcher.on_progress is not None
    bench.launcher.on_progress(SlotState.LOADING, 0.4)
    progress = bench.slot.progress
    assert progress is not None and (progress.phase, progress.fraction) == (SlotState.LOADING, 0.4)
    assert began <= progress.began_at <= time.time()
    assert (bench.slot.target, bench.slot.loaded) == ("beta", ())
    bench.launcher.on_progress(SlotState.WARMING, None)
    later = bench.slot.progress
    assert later is not None and later.phase is SlotState.WARMING and later.began_at == progress.began_at
    ready.finish()
    await soon(loading)
    assert bench.slot.progress is None and bench.slot.target is None


@pytest.mark.parametrize("phase", ["check", "launch", "ready"])
async def test_a_waiter_that_is_cancelled_leaks_neither_place_nor_lease(
    make: Callable[..., Bench], phase: str
) -> None:
    bench = make()
    bench.launcher.automatic -= {phase}
    waiting = spawn(bench.request(), name="waits")
    step = await bench.launcher.begun(phase, "alpha")
    assert bench.slot.queued == 1
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    await bench.until(lambda s: s.queued == s.in_flight == 0, "nobody")
    step.finish()
    if phase != "check":  # a load that has begun goes on
        await bench.until(lambda s: s.state is SlotState.READY, "ready")
    assert bench.slot.in_flight == 0


async def test_requests_that_come_and_go_are_published_seldom_and_to_the_end(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    await bench.request()
    before, began = len(bench.published), time.monotonic()
    for _ in range(300):
        async with bench.supervisor.ticket("primary", None):
            await asyncio.sleep(0)  # a turn of the loop, in which it could be published
        await asyncio.sleep(0)

    await bench.until(lambda s: s.in_flight == 0 and s.idle_since is not None, "all done")
    assert len(bench.published) - before <= 21 + 20 * (time.monotonic() - began)


async def test_a_waiter_cancelled_in_the_moment_of_its_grant_leaks_no_lease(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.launcher.automatic -= {"ready"}
    async with bench.supervisor.ticket("primary", None) as ticket:
        waiting = spawn(ticket.lease(), name="waits")
        (await bench.launcher.begun("ready", "alpha")).finish()
        await soon(asyncio.wait([ticket.outcome]))
        assert bench.slot.in_flight == 1
        waiting.cancel()
        await asyncio.wait([waiting])
    await bench.until(lambda s: s.in_flight == 0, "the lease to end")


async def test_a_failed_start_brings_the_model_before_back(make: Callable[..., Bench]) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    (await bench.launcher.begun("ready", "beta")).finish(EngineFailed("The engine stopped: it is cracked."))
    with pytest.raises(EngineFailed, match="it is cracked"):
        await soon(loading)
    (await bench.launcher.begun("ready", "alpha")).finish()
    await bench.until(lambda s: s.state is SlotState.READY, "alpha again")
    assert bench.slot.model == "alpha"
    error = bench.slot.last_error
    assert error is not None
    assert (error.code, error.model, error.message) == (
        "engine.failed",
        "beta",
        'Model "beta" did not load: the engine stopped: it is cracked; see `hal0 logs primary`.',
    )
    assert abs(error.at - time.time()) < 10
    assert len(bench.launcher.running) == 1, "the failed engine is reaped"
    at = error.at
    await soon(bench.request())
    assert bench.slot.last_error is not None and bench.slot.last_error.at == at


async def test_an_engine_whose_port_was_taken_is_launched_on_another(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.launcher.automatic -= {"ready"}
    request = spawn(bench.request(), name="request")
    for _ in range(2):
        (await bench.launcher.begun("ready", "alpha")).finish(PortTaken("The engine stopped: couldn't bind."))
    (await bench.launcher.begun("ready", "alpha")).finish()
    assert (await soon(request)).model.id == "alpha"
    assert bench.slot.last_error is None and len(bench.launcher.running) == 1


async def test_programs_that_take_one_port_after_the_other_are_told_of(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.launcher.automatic -= {"ready"}
    request = spawn(bench.request(), name="request")
    for _ in range(MOST_PORTS):
        (await bench.launcher.begun("ready", "alpha")).finish(PortTaken("The engine stopped: couldn't bind."))
    with pytest.raises(EngineFailed, match="couldn't bind"):
        await soon(request)
    assert bench.launcher.running == {}


async def test_unloading_between_two_ports_leaves_nothing(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.launcher.automatic -= {"ready", "stop"}
    loading = spawn(bench.supervisor.load("primary", "alpha"), name="load")
    (await bench.launcher.begun("ready", "alpha")).finish(PortTaken("The engine stopped: couldn't bind."))
    await until(lambda: any(name == "stop" for name, _ in bench.launcher.calls), "the first engine's stop")
    bench.launcher.automatic |= {"stop"}
    await soon(bench.supervisor.unload("primary"))
    with pytest.raises(RouterError):
        await soon(loading)
    assert bench.launcher.running == {} and bench.slot.state is SlotState.UNLOADED


async def test_what_cannot_be_launched_does_not_touch_what_runs(make: Callable[..., Bench]) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    pid = bench.slot.pid
    bench.launcher.automatic -= {"check"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    check = await bench.launcher.begun("check", "beta")
    assert (await soon(bench.request("alpha"))).model.id == "alpha", "served while another is checked"
    check.finish(BadModel("no such flag"))
    with pytest.raises(BadModel, match="no such flag"):
        await soon(loading)
    assert (bench.slot.state, bench.slot.model, bench.slot.pid) == (SlotState.READY, "alpha", pid)


@pytest.mark.parametrize("phase", ["check", "launch", "ready"])
async def test_an_unforeseen_exception_becomes_the_slots_last_error(
    make: Callable[..., Bench], phase: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = make()
    bench.launcher.automatic -= {phase}
    request = spawn(bench.request(), name="request")
    (await bench.launcher.begun(phase, "alpha")).finish(ZeroDivisionError("a bug"))
    with pytest.raises(EngineFailed, match=r"ZeroDivisionError: a bug.*see the router's log"):
        await soon(request)
    await bench.until(lambda s: s.state is SlotState.FAILED, "failed")
    assert bench.slot.last_error is not None and "a bug" in bench.slot.last_error.message
    assert "unforeseen error" in caplog.text
    bench.launcher.automatic |= {phase}
    await soon(bench.supervisor.load("primary", "alpha"))
    assert bench.slot.last_error is None


async def test_an_engine_that_cannot_be_stopped_does_not_hold_the_slot_for_ever(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    assert first is not None
    bench.launcher.automatic -= {"stop"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    (await bench.launcher.begun("stop", first)).finish(PermissionError("not yours"))
    with pytest.raises(EngineFailed, match=rf"process {first}\) could not be ended .*not yours"):
        await soon(loading)
    assert bench.slot.state is SlotState.FAILED and "could not be stopped" in caplog.text
    assert bench.slot.last_error is not None and str(first) in bench.slot.last_error.message
    bench.launcher.automatic |= {"stop"}
    await soon(bench.supervisor.load("primary", "beta"))
    assert bench.slot.model == "beta" and bench.slot.last_error is None
    bench.launcher.running.pop(first)


async def test_a_removed_slot_whose_engine_cannot_be_stopped_is_gone_all_the_same(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    assert first is not None
    bench.launcher.automatic -= {"stop"}
    removing = spawn(bench.supervisor.remove_slot("primary"), name="remove")
    (await bench.launcher.begun("stop", first)).finish(EngineFailed("process 7 lives on"))
    await soon(removing)
    assert bench.store.snapshot.slots == () and "process 7 lives on" in caplog.text
    bench.launcher.running.pop(first)


async def test_an_exception_after_the_engines_end_is_only_logged(
    make: Callable[..., Bench], caplog: pytest.LogCaptureFixture
) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    assert first is not None
    bench.launcher.automatic -= {"stop"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    step = await bench.launcher.begun("stop", first)
    bench.launcher.kill(first)
    step.finish(OSError("disk full"))
    await soon(loading)
    assert bench.slot.model == "beta" and "could not be stopped" in caplog.text
    bench.launcher.running.pop(first)


@pytest.mark.parametrize("phase", ["launch", "ready"])
async def test_unloading_while_it_starts_stops_what_was_started(make: Callable[..., Bench], phase: str) -> None:
    bench = make()
    bench.launcher.automatic -= {phase}
    loading = spawn(bench.supervisor.load("primary", "alpha"), name="load")
    step = await bench.launcher.begun(phase, "alpha")
    unloading = spawn(bench.supervisor.unload("primary"), name="unload")
    with pytest.raises(SwitchCancelled):
        await soon(loading)
    assert SlotState.STOPPING in bench.phases()
    if phase == "launch":
        step.finish()  # an engine that is being spawned is waited for, then stopped
    await soon(unloading)
    assert bench.slot.state is SlotState.UNLOADED and bench.launcher.running == {}
    assert step.cancelled == (phase == "ready")


async def test_cancelling_a_load_goes_back(make: Callable[..., Bench]) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    await bench.launcher.begun("ready", "beta")
    await bench.supervisor.cancel("primary")
    with pytest.raises(SwitchCancelled):
        await soon(loading)
    (await bench.launcher.begun("ready", "alpha")).finish()
    await bench.until(lambda s: s.state is SlotState.READY and s.model == "alpha", "alpha again")


async def test_a_caller_that_leaves_does_not_stop_its_order(make: Callable[..., Bench]) -> None:
    bench = make()
    bench.launcher.automatic -= {"ready"}
    loading = spawn(bench.supervisor.load("primary", "beta"), name="load")
    ready = await bench.launcher.begun("ready", "beta")
    loading.cancel()
    await asyncio.wait([loading])
    ready.finish()
    await bench.until(lambda s: s.state is SlotState.READY and s.model == "beta", "beta")


@pytest.mark.parametrize("phase", ["check", "launch", "ready", "serving", "draining", "stop"])
async def test_closing_leaves_nothing_in_any_phase(make: Callable[..., Bench], phase: str) -> None:
    """What is left over is looked for by the fixture."""
    bench = make()
    hold = asyncio.Event()
    aborted = asyncio.Event()
    if phase in ("serving", "draining"):
        ticket = bench.supervisor.ticket("primary", None)
        lease = await soon(ticket.lease())
        lease.on_abort = aborted.set
    elif phase == "stop":
        await soon(bench.supervisor.load("primary", "alpha"))
    waiting = [] if phase == "serving" else [spawn(bench.request("beta", hold), name="waits")]
    bench.launcher.automatic -= {phase}
    step = None
    if phase in ("check", "launch", "ready"):
        step = await bench.launcher.begun(phase, "beta")
    elif phase == "stop":
        step = await bench.launcher.begun(phase, 1001)
    elif phase == "draining":
        await bench.until(lambda s: s.state is SlotState.DRAINING, "the drain")
    closing = spawn(bench.supervisor.close(), name="close")
    for task in waiting:
        with pytest.raises(ShuttingDown):
            await soon(task)
    if step is not None and phase in ("launch", "stop"):
        step.finish()
    bench.launcher.automatic |= {phase}
    await soon(closing, "close")
    assert aborted.is_set() == (phase in ("serving", "draining"))
    assert bench.slot.state is SlotState.UNLOADED
    if phase in ("serving", "draining"):
        await ticket.__aexit__(None, None, None)
    with pytest.raises(ShuttingDown):
        await soon(bench.request())
    with pytest.raises(ShuttingDown):
        await soon(bench.supervisor.load("primary", "beta"))


async def test_an_engine_that_dies_is_told_and_the_next_request_starts_another(
    make: Callable[..., Bench],
) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    assert first is not None
    bench.launcher.kill(first)
    await bench.until(lambda s: s.pid not in (None, first), "its restart")
    told = {status.last_error.message for status in bench.published if status.last_error is not None}
    assert len(told) == 1 and "ran out of memory" in told.pop()
    await soon(bench.request())
    assert bench.slot.pid not in (None, first) and bench.slot.state is SlotState.READY


async def test_a_drain_timeout_aborts_the_leases_that_are_left(make: Callable[..., Bench]) -> None:
    bench = make(drain_timeout=0.05)
    async with bench.supervisor.ticket("primary", None) as ticket:
        lease = await soon(ticket.lease())
        aborted = asyncio.Event()
        lease.on_abort = aborted.set
        await soon(bench.supervisor.load("primary", "beta"))
        assert aborted.is_set() and lease.aborted
    await bench.until(lambda s: s.in_flight == 0, "its end")


async def test_an_idle_engine_is_unloaded(make: Callable[..., Bench]) -> None:
    bench = make(idle_unload=0.05)
    await soon(bench.request())
    await bench.until(lambda s: s.state is SlotState.UNLOADED, "the idle unload")
    assert bench.slot.model == "alpha" and bench.launcher.running == {}


async def test_restart_gives_a_new_process(make: Callable[..., Bench]) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    first = bench.slot.pid
    await soon(bench.supervisor.restart("primary"))
    assert bench.slot.pid not in (None, first) and bench.slot.model == "alpha"
    nothing = make(selected=None)
    with pytest.raises(ModelNotLoaded):
        await soon(nothing.supervisor.restart("primary"))


async def test_wrong_names_are_told(make: Callable[..., Bench]) -> None:
    bench = make()
    with pytest.raises(SlotNotFound, match="there are: primary"):
        bench.supervisor.ticket("secondary", None)
    with pytest.raises(SlotNotFound):
        bench.supervisor.logs("secondary")
    with pytest.raises(BadModel, match=r'cannot hold "zebra"; it may hold: alpha, alpha-hot, beta, gamma\.$'):
        await bench.supervisor.load("primary", "zebra")
    with pytest.raises(BadModel, match=r'gamma\. Did you mean "gamma"\?$'):
        await bench.supervisor.load("primary", "gama")
    with pytest.raises(SlotNotFound, match=r'primary\. Did you mean "primary"\?$'):
        bench.supervisor.logs("primery")


async def test_measured_memory_belongs_to_the_engine_it_was_measured_of(make: Callable[..., Bench]) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    gpus = [DeviceMemory("GPU 0", True, 1000, 300, 300), DeviceMemory("GPU 1", True, 1000, 200, 200)]
    revision = bench.store.snapshot.revision
    bench.supervisor.set_memory(gpus, {"primary": SlotMemory((300, 200), True), "nobody": SlotMemory((1, 1))})
    assert bench.store.snapshot.memory == tuple(gpus)
    assert bench.store.snapshot.revision == revision + 1, "devices and slots are published together"
    assert (bench.slot.memory_by_device, bench.slot.memory_estimated) == ((300, 200), True)
    measured = [bench.slot.memory]
    await soon(bench.supervisor.load("primary", "beta"))
    measured.append(bench.slot.memory)
    await soon(bench.supervisor.unload_all())
    assert [*measured, bench.slot.memory] == [500, None, None]


async def test_the_log_outlives_the_engine(make: Callable[..., Bench]) -> None:
    bench = make()
    await soon(bench.supervisor.load("primary", "alpha"))
    assert bench.slot.pid is not None
    bench.launcher.running[bench.slot.pid].log.add("hello from alpha")
    await soon(bench.supervisor.unload("primary"))
    assert bench.supervisor.logs("primary") == ["hello from alpha"]


async def test_a_slot_that_is_made_while_hal0_quits_stays_empty(make: Callable[..., Bench]) -> None:
    """A change of hal0.yaml may be under way: an engine that it starts would outlive its supervisor."""
    bench = make()
    await soon(bench.supervisor.close())
    bench.supervisor.add_slot(SlotConfig("late", Kind.CHAT), LimitsConfig(), MappingProxyType(MODELS), "alpha")
    with pytest.raises(ShuttingDown):
        await soon(bench.supervisor.load("late", "alpha"))
    assert not bench.launcher.running
