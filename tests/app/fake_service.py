"""A hand-written router service: real StateStore, no engines; `load` walks through the phases of a switch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

from app.link.link import Attached
from router.activity.listing import Listing
from router.base.errors import EngineFailed, PathNotFound, SlotNotFound
from router.config.change import ConfigChange, ConfigDocument
from router.config.schema import Config, Kind
from router.engine.find import EngineProblem
from router.engine.install import InstallProgress, OnProgress
from router.memory.measure.history import Held
from router.orders.kinds import (
    Cancel,
    CheckEngine,
    Cut,
    Download,
    EditConfig,
    ForgetActivity,
    InstallEngine,
    Load,
    ReadActivity,
    ReadConfig,
    ReadEngineCommand,
    ReadEngineLog,
    ReadFitWays,
    ReadLog,
    ReadMemoryHistory,
    ReadOffer,
    Restart,
    SearchHub,
    Unload,
    UnloadAll,
    WaitForRequests,
    Warm,
)
from router.orders.order import Order
from router.state import (
    DeviceMemory,
    DownloadOrder,
    ModelStatus,
    Progress,
    ServerState,
    ServerStatus,
    SlotError,
    SlotState,
    SlotStatus,
    Snapshot,
    StateStore,
)
from router.wire.fit_ways import FitWays
from router.wire.hub_offer import Offer
from router.wire.hub_search import Findings

GB = 1 << 30  # of memory
FILE_GB = 10**9
QWEN, GEMMA, LLAMA, EMBED = "qwen3-30b", "gemma-27b", "llama-70b", "bge-m3"

MODELS = (
    ModelStatus(QWEN, "Qwen3-30B Q4_K_M", Kind.CHAT, size_bytes=int(17.8 * FILE_GB), context_length=32768),
    ModelStatus(
        GEMMA,
        "Gemma-27B & vision",
        Kind.CHAT,
        size_bytes=int(16.1 * FILE_GB),
        context_length=8192,
        file=f"/models/{GEMMA}.gguf",
    ),
    ModelStatus(LLAMA, "Llama-70B Q4", Kind.CHAT, problem="the file llama-70b.gguf is missing"),
    ModelStatus(EMBED, "BGE-M3", Kind.EMBEDDING, size_bytes=FILE_GB, context_length=8192),
)
BROKEN = "broken"


def first_snapshot() -> Snapshot:
    """Two slots: `primary` holds Qwen and is ready, `embed` holds nothing."""
    primary = SlotStatus(
        "primary",
        Kind.CHAT,
        SlotState.READY,
        model=QWEN,
        loaded=(QWEN,),
        choices=(QWEN, GEMMA, LLAMA),
        context_length=32768,
        pid=4711,
        memory=int(17.8 * GB),
        memory_by_device=(int(17.8 * GB),),
    )
    embed = SlotStatus("embed", Kind.EMBEDDING, choices=(EMBED,))
    memory = DeviceMemory("NVIDIA GeForce RTX 3090", True, 24 * GB, int(19.2 * GB), int(16.1 * GB))
    server = ServerStatus(ServerState.RUNNING, version="0.1.0")
    return Snapshot(server=server, slots=(primary, embed), models=MODELS, memory=(memory,))


class Obeys:
    """Carries out each order by the method of its name here."""

    _methods: ClassVar[dict[type[Order[Any]], str]] = {
        Load: "load",
        Warm: "warm",
        Unload: "unload",
        UnloadAll: "unload_all",
        Restart: "restart",
        Cancel: "cancel",
        Cut: "cut",
        WaitForRequests: "wait",
        ReadEngineLog: "logs",
        ReadLog: "router_log",
        ReadActivity: "read_activity",
        ForgetActivity: "forget_activity",
        ReadEngineCommand: "engine_command",
        ReadConfig: "read_config",
        EditConfig: "edit_config",
        CheckEngine: "engine_problem",
        InstallEngine: "install_engine",
        ReadOffer: "offer",
        ReadFitWays: "fit_ways",
        ReadMemoryHistory: "memory_history",
        SearchHub: "search",
        Download: "download",
    }

    async def carry_out(self, order: Order[Any]) -> Any:
        values = (getattr(order, field.name) for field in fields(order))  # type: ignore[arg-type]
        return await getattr(self, self._methods[type(order)])(*values)


class FakeService(Obeys):
    """Attributes:
    calls: every command received.
    called: set at each of them.
    step: seconds between two phases of a load.
    start_error, bug, config_error, log_error: what `start`, `restart`, `edit_config` and `logs` raise.
    activity, asked: what `read_activity` finds, newest first, and what it was asked.
    router_lines, config_text: what `router_log` and `read_config` answer; no text means no file.
    edits: the changes each `edit_config` asked for.
    offered, offer_error: what `offer` answers or raises; `download_error`: what `download` raises.
    ways: what `fit_ways` answers.
    findings, search_error: what `search` answers or raises; without words nobody is asked.
    refuses_hints: whether `warm` raises.
    engine_missing, install_error: what `engine_problem` answers and `install_engine` raises.
    """

    def __init__(self, snapshot: Snapshot | None = None, *, step: float = 0.0) -> None:
        self.store = StateStore(snapshot or first_snapshot())
        self.calls: list[tuple[str, ...]] = []
        self.called = asyncio.Event()
        self.step = step
        self.refuses_hints = False
        self.start_error: Exception | None = None
        self.bug: Exception | None = None
        self.config_error: Exception | None = None
        self.log_error: Exception | None = None
        self.activity = Listing(keep=10_000)
        self.asked: list[ReadActivity] = []
        self.router_lines = ["hal0 answers at http://127.0.0.1:8080/v1"]
        self.config_text: str | None = None
        self.edits: list[tuple[ConfigChange, ...]] = []
        self.engine_missing: EngineProblem | None = None
        self.install_error: Exception | None = None
        self.offered: Offer | None = None
        self.ways = FitWays(True)
        self.findings = Findings(())
        self.search_error: Exception | None = None
        self.offer_error: Exception | None = None
        self.download_error: Exception | None = None

    async def start(self) -> None:
        self._note(("start",))
        if self.start_error is not None:
            raise self.start_error

    async def stop(self) -> None:
        self._note(("stop",))
        self.store.update(server=replace(self.store.snapshot.server, state=ServerState.STOPPING))

    async def load(self, slot: str, model: str, force: bool = False, flags: tuple[str, ...] = ()) -> None:
        self._note(("load", slot, model, *(["force"] if force else []), *flags))
        phases = (
            (SlotState.DRAINING, None),
            (SlotState.STOPPING, None),
            (SlotState.STARTING, None),
            (SlotState.LOADING, 0.05),
            (SlotState.LOADING, 0.45),
            (SlotState.LOADING, 0.95),
            (SlotState.WARMING, None),
        )
        began = time.time()
        for phase, fraction in phases:
            progress = Progress(phase, fraction, began)
            gone = {} if phase is SlotState.DRAINING else {"loaded": ()}
            self._set(slot, state=phase, target=model, progress=progress, last_error=None, **gone)
            await asyncio.sleep(self.step)
        if model == BROKEN:
            error = SlotError("engine.failed", "llama-server stopped: the file is damaged.", model, time.time())
            self._set(slot, state=SlotState.FAILED, target=None, progress=None, last_error=error)
            raise EngineFailed(error.message)
        memory = int(16.1 * GB)
        held = {"memory": memory, "memory_by_device": (memory,)}
        done = {"target": None, "progress": None, "pid": 4712, "context_length": 8192, **held}
        self._set(slot, state=SlotState.READY, model=model, loaded=(model,), **done)

    async def warm(self, slot: str, model: str) -> None:
        self._note(("warm", slot, model))
        if self.refuses_hints:
            raise PathNotFound("There is no such path.")

    async def unload(self, slot: str) -> None:
        self._note(("unload", slot))
        gone = {"pid": None, "memory": None, "memory_by_device": (), "context_length": None}
        self._set(slot, state=SlotState.UNLOADED, loaded=(), **gone)

    async def read_activity(
        self, slot: str, failed: bool, since: int | None, before: int | None, limit: int | None
    ) -> Listing:
        self.asked.append(ReadActivity(slot, failed=failed, since=since, before=before, limit=limit))
        if self.log_error is not None:
            raise self.log_error
        fitting = [
            record
            for record in self.activity.records
            if (not slot or record.slot == slot)
            and (not failed or record.failed)
            and (since is None or record.id > since)
            and (before is None or record.id < before)
        ]
        most = limit or 100
        last = fitting[most - 1].id if len(fitting) >= most else None
        return self.activity._replace(records=tuple(fitting[:most]), next=last)

    async def forget_activity(self) -> None:
        if self.log_error is not None:
            raise self.log_error
        last = max((record.id for record in self.activity.records), default=0)
        self.activity = self.activity._replace(records=(), kept=0, forgotten=last)

    async def unload_all(self) -> None:
        self._note(("unload_all",))
        for status in self.store.snapshot.slots:
            await self.unload(status.name)

    async def restart(self, slot: str) -> None:
        self._note(("restart", slot))
        if self.bug is not None:
            raise self.bug

    async def cancel(self, slot: str) -> None:
        self._note(("cancel", slot))

    async def cut(self, slot: str) -> None:
        self._note(("cut", slot))

    async def wait(self, slot: str) -> None:
        self._note(("wait", slot))

    async def logs(self, slot: str) -> list[str]:
        self._note(("logs", slot))
        if self.log_error is not None:
            raise self.log_error
        return [f"{slot}: line {number}" for number in range(3)]

    async def router_log(self) -> list[str]:
        self._note(("router_log",))
        return list(self.router_lines)

    async def engine_command(self, slot: str) -> list[str]:
        self._note(("engine_command", slot))
        status = self.store.snapshot.slot(slot)
        return ["llama-server", "--port", "8101"] if status and status.pid else []

    async def read_config(self) -> ConfigDocument:
        self._note(("read_config",))
        return ConfigDocument(Path("hal0.yaml"), self.config_text is not None, self.config_text or "", Config())

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        """Notes what was asked for; raises `config_error` if there is one."""
        self._note(("edit_config", *(".".join(change.path) for change in changes)))
        self.edits.append(tuple(changes))
        if self.config_error is not None:
            raise self.config_error

    async def engine_problem(self) -> EngineProblem | None:
        return self.engine_missing

    async def install_engine(self, on_progress: OnProgress) -> str:
        """Walks through the steps; raises `install_error`, or llama-server is there."""
        self._note(("install_engine",))
        for done in (None, 0, 30, 60):
            on_progress(InstallProgress("Downloading llama-b1.tar.gz", done, 60))
            await asyncio.sleep(self.step)
        if self.install_error is not None:
            raise self.install_error
        self.engine_missing = None
        return "b1"

    async def offer(self, reference: str) -> Offer:
        self._note(("offer", reference))
        await asyncio.sleep(self.step)
        if self.offer_error is not None:
            raise self.offer_error
        assert self.offered is not None, "the test says what is offered"
        return self.offered

    async def memory_history(self) -> Held:
        return {}

    async def fit_ways(self, model: str, slot: str) -> FitWays:
        self._note(("fit_ways", model))
        return self.ways

    async def search(self, words: str) -> Findings:
        if not words:
            return replace(self.findings, repositories=())
        self._note(("search", words))
        if self.search_error is not None:
            raise self.search_error
        return self.findings

    async def download(self, order: DownloadOrder, reference: str, slot: str = "") -> None:
        self._note(("download", order.value, reference, *([slot] if slot else [])))
        if self.download_error is not None:
            raise self.download_error

    def _note(self, call: tuple[str, ...]) -> None:
        self.calls.append(call)
        self.called.set()

    def _set(self, slot: str, **changes: object) -> None:
        status = self.store.snapshot.slot(slot)
        if status is None:
            raise SlotNotFound(f"There is no slot named {slot}.")
        self.store.update_slot(replace(status, **changes))  # type: ignore[arg-type]


class StoreLink(FakeService):
    """The fake service with its store's reading side, as a `Link`."""

    attached: Attached | None = None

    @property
    def snapshot(self) -> Snapshot:
        return self.store.snapshot

    def subscribe(self, observer: Callable[[Snapshot], None]) -> Callable[[], None]:
        return self.store.subscribe(observer)
