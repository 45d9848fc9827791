from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from app.link.router_host import RouterHost
from router.base.errors import EngineFailed, PortInUse, ShuttingDown
from router.orders.kinds import Cancel, Load, ReadEngineLog, Restart, Unload, UnloadAll
from router.state import SlotState, Snapshot
from tests.app.fake_service import BROKEN, GEMMA, QWEN, FakeService


class Hosted:
    """A host with the service it made, and every snapshot it published."""

    def __init__(self) -> None:
        self.service: FakeService | None = None
        self.made_on: threading.Thread | None = None
        self.seen: list[Snapshot] = []
        self.host = RouterHost(self._make)
        self.host.subscribe(self.seen.append)

    def _make(self) -> FakeService:
        asyncio.get_running_loop()
        self.made_on = threading.current_thread()
        self.service = FakeService()
        return self.service

    @property
    def calls(self) -> list[tuple[str, ...]]:
        assert self.service is not None
        return self.service.calls


@pytest.fixture
def hosted() -> Iterator[Hosted]:
    made = Hosted()
    yield made
    assert made.host.stop(10)


def test_snapshot_is_empty_until_the_service_exists(hosted: Hosted) -> None:
    assert hosted.host.snapshot == Snapshot()
    hosted.host.start()
    assert hosted.host.snapshot.slot("primary") is not None
    assert hosted.seen[0].slot("primary") is not None


async def test_commands_run_on_the_router_s_own_thread(hosted: Hosted) -> None:
    hosted.host.start()
    await hosted.host.carry_out(Load("primary", GEMMA))
    await hosted.host.carry_out(Unload("primary"))
    await hosted.host.carry_out(Restart("primary"))
    await hosted.host.carry_out(Cancel("primary"))
    await hosted.host.carry_out(UnloadAll())
    assert await hosted.host.carry_out(ReadEngineLog("primary")) == [
        "primary: line 0",
        "primary: line 1",
        "primary: line 2",
    ]
    assert hosted.made_on is not threading.current_thread()
    assert [call[0] for call in hosted.calls] == [
        "start", "load", "unload", "restart", "cancel", "unload_all", "unload", "unload", "logs",
    ]  # fmt: skip
    states = [snapshot.slots[0].state for snapshot in hosted.seen]
    assert states.index(SlotState.LOADING) < states.index(SlotState.WARMING)


async def test_a_router_error_reaches_the_caller_with_its_sentence(hosted: Hosted) -> None:
    hosted.host.start()
    with pytest.raises(EngineFailed, match="the file is damaged"):
        await hosted.host.carry_out(Load("primary", BROKEN))


async def test_cancelling_a_command_cancels_it_in_the_router(hosted: Hosted) -> None:
    hosted.host.start()
    assert hosted.service is not None
    hosted.service.step = 3600
    began = asyncio.Event()
    loop = asyncio.get_running_loop()
    hosted.host.subscribe(lambda _snapshot: (loop.call_soon_threadsafe(began.set), None)[1])
    async with asyncio.TaskGroup() as group:
        command = group.create_task(hosted.host.carry_out(Load("primary", GEMMA)))
        await began.wait()
        command.cancel()
    hosted.service.step = 0
    await hosted.host.carry_out(Load("primary", QWEN))
    assert hosted.host.snapshot.slots[0].model == QWEN


def test_stop_stops_the_service_and_ends_the_thread(hosted: Hosted) -> None:
    hosted.host.start()
    assert hosted.host.running
    assert hosted.host.stop(10)
    assert hosted.calls == [("start",), ("stop",)]
    assert not hosted.host.running


async def test_commands_after_the_end_say_so(hosted: Hosted) -> None:
    hosted.host.start()
    hosted.host.stop(10)
    with pytest.raises(ShuttingDown):
        await hosted.host.carry_out(Unload("primary"))


def test_what_start_raises_is_raised_here_and_the_service_stopped() -> None:
    service = FakeService()
    service.start_error = PortInUse("Port 8080 is in use.")
    host = RouterHost(lambda: service)
    with pytest.raises(PortInUse, match="8080"):
        host.start()
    assert service.calls == [("start",), ("stop",)]
    assert host.stop(10)


class SlowService(FakeService):
    """Starts for as long as it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.starting = threading.Event()

    async def start(self) -> None:
        await super().start()
        self.starting.set()
        await asyncio.Event().wait()


def test_stop_does_not_wait_for_a_start_that_takes_long() -> None:
    service = SlowService()
    host = RouterHost(lambda: service)
    starter = threading.Thread(target=host.start)
    starter.start()
    assert service.starting.wait(10)
    assert host.stop(10)
    starter.join(10)
    assert service.calls == [("start",), ("stop",)]


def test_stop_before_start_is_nothing_to_do() -> None:
    assert RouterHost(FakeService).stop(1)
