"""A hand-written router service: real StateStore, no engines; `load` walks through the phases of a switch."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from router.config.schema import Kind
from router.errors import EngineFailed, SlotNotFound
from router.state import (
    DeviceMemory,
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

GB = 1 << 30
QWEN, GEMMA, LLAMA, EMBED = "qwen3-30b", "gemma-27b", "llama-70b", "bge-m3"

MODELS = (
    ModelStatus(QWEN, "Qwen3-30B Q4_K_M", Kind.CHAT, size_bytes=int(17.8 * GB), context_length=32768),
    ModelStatus(GEMMA, "Gemma-27B & vision", Kind.CHAT, size_bytes=int(16.1 * GB), context_length=8192),
    ModelStatus(LLAMA, "Llama-70B Q4", Kind.CHAT, problem="the file llama-70b.gguf is missing"),
    ModelStatus(EMBED, "BGE-M3", Kind.EMBEDDING, size_bytes=GB, context_length=8192),
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
    )
    embed = SlotStatus("embed", Kind.EMBEDDING, choices=(EMBED,))
    memory = DeviceMemory("NVIDIA GeForce RTX 3090", True, 24 * GB, int(19.2 * GB), int(16.1 * GB))
    server = ServerStatus(ServerState.RUNNING, version="0.1.0")
    return Snapshot(server=server, slots=(primary, embed), models=MODELS, memory=(memory,))


class FakeService:
    """Attributes:
    calls: every command received.
    called: set at each of them.
    step: seconds between two phases of a load.
    start_error, bug: what `start` and `restart` raise.
    """

    def __init__(self, snapshot: Snapshot | None = None, *, step: float = 0.0) -> None:
        self.store = StateStore(snapshot or first_snapshot())
        self.calls: list[tuple[str, ...]] = []
        self.called = asyncio.Event()
        self.step = step
        self.start_error: Exception | None = None
        self.bug: Exception | None = None

    async def start(self) -> None:
        self._note(("start",))
        if self.start_error is not None:
            raise self.start_error

    async def stop(self) -> None:
        self._note(("stop",))
        self.store.update(server=replace(self.store.snapshot.server, state=ServerState.STOPPING))

    async def load(self, slot: str, model: str) -> None:
        self._note(("load", slot, model))
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
            self._set(slot, state=phase, target=model, progress=progress, last_error=None)
            await asyncio.sleep(self.step)
        if model == BROKEN:
            error = SlotError("engine.failed", "llama-server stopped: the file is damaged.", model, time.time())
            self._set(slot, state=SlotState.FAILED, target=None, progress=None, last_error=error)
            raise EngineFailed(error.message)
        memory = int(16.1 * GB)
        done = {"target": None, "progress": None, "pid": 4712, "memory": memory, "context_length": 8192}
        self._set(slot, state=SlotState.READY, model=model, loaded=(model,), **done)

    async def unload(self, slot: str) -> None:
        self._note(("unload", slot))
        self._set(slot, state=SlotState.UNLOADED, loaded=(), pid=None, memory=None, context_length=None)

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

    async def logs(self, slot: str) -> list[str]:
        self._note(("logs", slot))
        return [f"{slot}: line {number}" for number in range(3)]

    def _note(self, call: tuple[str, ...]) -> None:
        self.calls.append(call)
        self.called.set()

    def _set(self, slot: str, **changes: object) -> None:
        status = self.store.snapshot.slot(slot)
        if status is None:
            raise SlotNotFound(f"There is no slot named {slot}.")
        self.store.update_slot(replace(status, **changes))  # type: ignore[arg-type]
