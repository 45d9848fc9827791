"""Both ways to a router keep the same promises: in this process, and over HTTP to a `hal0 serve`."""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import psutil
import pytest

from app.bootstrap import make_service, read_config, start_logging, stop_logging
from app.link.current_link import CurrentLink, Host
from app.link.discovery import find_running, noted_pid
from app.link.remote_link import RemoteLink
from app.link.router_host import RouterHost
from app.views.menu import Action, Command, order_of
from router.base.errors import (
    BadModel,
    ModelNotFound,
    PullFailed,
    SlotNotFound,
    SwitchCancelled,
    UpstreamFailed,
)
from router.base.paths import Paths
from router.base.tasks import spawn
from router.config.change import REMOVE, ConfigChange
from router.config.problems import ConfigErrors
from router.orders.kinds import (
    Cancel,
    CheckEngine,
    Download,
    EditConfig,
    Load,
    ReadConfig,
    ReadEngineCommand,
    ReadEngineLog,
    ReadLog,
    ReadOffer,
    Restart,
    Unload,
    UnloadAll,
)
from router.state import DownloadOrder, DownloadState, ServerState, SlotState, Snapshot
from tests.e2e.conftest import SLOTS
from tests.e2e.harness import Hal0
from tests.engines.running import soon, until
from tests.fixtures_models import SpeakingModel
from tests.hub_server import HubServer, hub_server

MakeHal0 = Callable[[str], Hal0]


REPO = "org/gamma-GGUF"


@pytest.fixture
def hub(speaking_model: SpeakingModel) -> Iterator[HubServer]:
    with hub_server() as running:
        running.add(REPO, {"gamma-Q4_K_M.gguf": speaking_model("Hm.", "gamma", pad_bytes=9 << 20).read_bytes()})
        yield running


@pytest.fixture(params=["in this process", "over HTTP"])
async def link(
    request: pytest.FixtureRequest, make_hal0: MakeHal0, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Host]:
    """With `alpha` ready in `primary`, and `beta` beside it; `hub` is its Hugging Face."""
    hal0 = make_hal0(SLOTS)
    hal0.env["HF_ENDPOINT"] = hub.url
    # huggingface_hub reads it when it is imported, which an earlier test may have done.
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
    template = "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE"
    monkeypatch.setattr(template, hub.url + "/{repo_id}/resolve/{revision}/{filename}")
    if request.param == "over HTTP":
        await hal0.start()
        made: Host = RemoteLink(hal0.url)
    else:
        for name, value in hal0.env.items():
            monkeypatch.setenv(name, value)
        file = hal0.home / "hal0.yaml"
        made = RouterHost(lambda: make_service(*read_config(file), retry_port=False))
    listener = start_logging(Paths.for_user(hal0.home / "in-process.yaml"), to_stderr=False)
    await asyncio.to_thread(made.start)
    await until(lambda: ready(made.snapshot, "alpha"), "alpha")
    yield made
    assert await asyncio.to_thread(made.stop, 30)
    stop_logging(listener)
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, logging.handlers.QueueHandler)]


def ready(snapshot: Snapshot, model: str) -> bool:
    slot = snapshot.slot("primary")
    return slot is not None and slot.state is SlotState.READY and slot.model == model


async def test_a_switch_is_seen_while_it_goes_on_and_ends_with_the_command(link: Host) -> None:
    seen: list[Snapshot] = []
    unsubscribe = link.subscribe(seen.append)
    await link.carry_out(Load("primary", "beta"))
    await until(lambda: ready(link.snapshot, "beta"), "the end of the switch in the snapshot")
    unsubscribe()
    states = [slot.state for snapshot in seen if (slot := snapshot.slot("primary"))]
    assert SlotState.STOPPING in states or SlotState.STARTING in states
    assert states[-1] is SlotState.READY
    assert seen[-1].models and seen[-1].model("alpha") is not None
    assert link.snapshot.server.state is ServerState.RUNNING
    count = len(seen)
    await link.carry_out(Unload("primary"))
    await until(lambda: link.snapshot.slots[0].state is SlotState.UNLOADED, "the unload")
    assert len(seen) == count, "nobody listens any more"


async def test_every_command_does_what_it_says(link: Host) -> None:
    argv = await link.carry_out(ReadEngineCommand("primary"))
    assert Path(argv[0]).name == "llama-server" and any("alpha.gguf" in part for part in argv)
    assert any("alpha" in line for line in await link.carry_out(ReadEngineLog("primary")))
    pid = link.snapshot.slots[0].pid
    await link.carry_out(Restart("primary"))
    await until(lambda: ready(link.snapshot, "alpha") and link.snapshot.slots[0].pid != pid, "the restart")
    await link.carry_out(UnloadAll())
    await until(lambda: link.snapshot.slots[0].state is SlotState.UNLOADED, "the unload")
    assert await link.carry_out(ReadEngineCommand("primary")) == []
    assert await link.carry_out(CheckEngine()) is None
    log = await link.carry_out(ReadLog())
    assert isinstance(log, list) and all(isinstance(line, str) for line in log)


async def test_refusals_are_the_same_errors(link: Host) -> None:
    with pytest.raises(SlotNotFound, match="nowhere"):
        await link.carry_out(Unload("nowhere"))
    with pytest.raises(BadModel, match='cannot hold "embed-model"; it may hold: alpha, beta') as caught:
        await link.carry_out(Load("primary", "embed-model"))
    assert (caught.value.status, caught.value.code) == (400, "model.invalid")


async def test_a_cancelled_switch_ends_as_cancelled(link: Host) -> None:
    loading = spawn(link.carry_out(Load("primary", "beta")), name="load")
    await until(lambda: link.snapshot.slots[0].state.switching, "the switch")
    await link.carry_out(Cancel("primary"))
    with pytest.raises(SwitchCancelled):
        await soon(loading)


async def test_hal0_yaml_is_read_edited_and_refused_alike(link: Host) -> None:
    document = await link.carry_out(ReadConfig())
    assert document.exists and "autoload: true" in document.text
    assert document.config.slots["primary"].autoload and document.config.source == document.file
    change = ConfigChange(("slots", "primary", "idle_unload"), 900)
    await link.carry_out(EditConfig((change,)))
    document = await link.carry_out(ReadConfig())
    assert document.config.slots["primary"].idle_unload == 900
    assert "idle_unload: 900" in document.text
    with pytest.raises(ConfigErrors) as caught:
        await link.carry_out(EditConfig((ConfigChange(("slots", "primary", "kind"), "chatt"),)))
    (problem,) = caught.value.problems
    assert (problem.key, problem.suggestion) == ("slots.primary.kind", "chat")
    assert (await link.carry_out(ReadConfig())).text == document.text
    await link.carry_out(EditConfig((ConfigChange(change.path, REMOVE),)))
    assert "idle_unload" not in (await link.carry_out(ReadConfig())).text


async def test_a_model_is_offered_fetched_paused_and_removed_alike(link: Host, hub: HubServer) -> None:
    offer = await link.carry_out(ReadOffer(REPO))
    assert (offer.repo, offer.chosen) == (REPO, f"{REPO}:Q4_K_M")
    assert [model.reference for model in offer.models] == [f"{REPO}:Q4_K_M"]
    hub.hold_after = 5 << 20
    await link.carry_out(Download(DownloadOrder.START, REPO))
    await until(lambda: downloads(link) == [DownloadState.RUNNING], "the start in the snapshot")
    await until(lambda: link.snapshot.downloads[0].done_bytes > 0, "progress")
    await link.carry_out(Download(DownloadOrder.PAUSE, f"{REPO}:Q4_K_M"))
    await until(lambda: downloads(link) == [DownloadState.PAUSED], "the pause")
    hub.release.set()
    await link.carry_out(Download(DownloadOrder.RESUME, f"{REPO}:Q4_K_M"))
    await until(lambda: downloads(link) == [DownloadState.DONE], "the end")
    await until(lambda: link.snapshot.model("gamma-Q4_K_M") is not None, "the model")
    await link.carry_out(Download(DownloadOrder.REMOVE, f"{REPO}:Q4_K_M"))
    await until(lambda: downloads(link) == [], "it to leave the list")
    with pytest.raises(PullFailed, match="has no model org/none"):
        await link.carry_out(ReadOffer("org/none"))
    with pytest.raises(ModelNotFound):
        await link.carry_out(Download(DownloadOrder.PAUSE, REPO))


def downloads(link: Host) -> list[DownloadState]:
    return [download.state for download in link.snapshot.downloads]


# -- attaching ---------------------------------------------------------------------------------------------


def in_environment(hal0: Hal0, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Paths]:
    """As a tray of the same person would see it: the file, and the folders."""
    for name, value in hal0.env.items():
        monkeypatch.setenv(name, value)
    file = hal0.home / "hal0.yaml"
    return file, Paths.for_user(file)


async def test_a_hal0_that_runs_is_found_and_told_from_any_other_server(
    hal0: Hal0, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, paths = in_environment(hal0, monkeypatch)
    assert await asyncio.to_thread(find_running, file) == (hal0.url, None)
    assert hal0.process is not None
    assert noted_pid(paths, hal0.url) == hal0.process.pid
    engine = (await hal0.slot())["port"]
    elsewhere = hal0.home / "elsewhere.yaml"
    elsewhere.write_text(f"server: {{port: {engine}}}\n")
    (paths.state / "instance.json").unlink()
    assert await asyncio.to_thread(find_running, elsewhere) is None, "a llama-server is no hal0"
    assert await asyncio.to_thread(find_running, file) == (hal0.url, None), "where hal0.yaml puts it"
    await hal0.stop()
    assert await asyncio.to_thread(find_running, file) is None


async def test_a_note_left_by_a_dead_process_is_not_believed(
    hal0: Hal0, monkeypatch: pytest.MonkeyPatch
) -> None:
    _file, paths = in_environment(hal0, monkeypatch)
    await hal0.kill()
    assert (paths.state / "instance.json").exists()
    assert noted_pid(paths, hal0.url) is None


async def test_lost_contact_is_a_state_and_comes_back_with_the_process(
    hal0: Hal0, monkeypatch: pytest.MonkeyPatch
) -> None:
    _file, paths = in_environment(hal0, monkeypatch)
    link = RemoteLink(hal0.url, None, lambda: noted_pid(paths, hal0.url))
    await asyncio.to_thread(link.start)
    try:
        await until(lambda: ready(link.snapshot, "alpha"), "contact")
        assert hal0.process is not None and link.attached is not None
        assert (link.attached.pid, link.attached.lost) == (hal0.process.pid, False)
        await hal0.kill()
        await until(lambda: link.attached is not None and link.attached.lost, "the loss")
        server = link.snapshot.server
        assert server.state is ServerState.FAILED and link.snapshot.slots == ()
        assert server.error is not None and server.error.startswith(f"Lost contact with hal0 at {hal0.url}")
        assert server.url == hal0.url
        with pytest.raises(UpstreamFailed, match="Lost contact"):
            await soon(link.carry_out(Load("primary", "beta")))
        await hal0.start()
        await until(lambda: ready(link.snapshot, "alpha"), "contact again")
        assert link.attached is not None and hal0.process is not None
        assert (link.attached.pid, link.attached.lost) == (hal0.process.pid, False)
        await link.carry_out(Load("primary", "beta"))
    finally:
        assert await asyncio.to_thread(link.stop, 20)
    assert (await hal0.slot())["model"] == "beta", "leaving it does not end it"


async def test_a_router_here_takes_the_place_of_one_that_is_gone(
    hal0: Hal0, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _paths = in_environment(hal0, monkeypatch)
    link = CurrentLink(RemoteLink(hal0.url))
    seen: list[Snapshot] = []
    link.subscribe(seen.append)
    await asyncio.to_thread(link.start)
    try:
        await until(lambda: ready(link.snapshot, "alpha"), "contact")
        await hal0.stop()
        await until(lambda: link.attached is not None and link.attached.lost, "the loss")
        own = RouterHost(lambda: make_service(*read_config(file), retry_port=True))
        await asyncio.to_thread(link.replace, own)
        assert link.attached is None
        await until(lambda: ready(link.snapshot, "alpha"), "alpha here")
        assert await hal0.chat() and seen[-1] == link.snapshot
        assert link.snapshot.slots[0].pid is not None and os.getpid() in parents(link.snapshot.slots[0].pid)
    finally:
        assert await asyncio.to_thread(link.stop, 30)


def parents(pid: int) -> list[int]:
    return [process.pid for process in psutil.Process(pid).parents()]


async def test_a_link_that_never_starts_can_be_stopped() -> None:
    link = RemoteLink("http://127.0.0.1:9")
    assert link.stop(1) and not link.running


async def test_a_taken_port_is_left_for_the_next_free_one(hal0: Hal0, monkeypatch: pytest.MonkeyPatch) -> None:
    file, _paths = in_environment(hal0, monkeypatch)
    await hal0.stop()
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", hal0.port)
    own = RouterHost(lambda: make_service(*read_config(file), retry_port=True))
    await asyncio.to_thread(own.start)
    try:
        down = own.snapshot.server
        assert down.state is ServerState.FAILED and down.free_port is not None and down.free_port > hal0.port
        await own.carry_out(order_of(Command(Action.USE_PORT, value=str(down.free_port))))
        await until(lambda: own.snapshot.server.state is ServerState.RUNNING, "the other port")
        up = own.snapshot.server
        assert (up.port, up.error, up.free_port) == (down.free_port, None, None)
        assert f"port: {up.port}" in await asyncio.to_thread(file.read_text)
        hal0.port = up.port
        await until(lambda: ready(own.snapshot, "alpha"), "alpha here")
        assert await hal0.chat()
    finally:
        server.close()
        assert await asyncio.to_thread(own.stop, 30)
