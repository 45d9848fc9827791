"""hal0's own endpoint over a snapshot that a test makes, without engines: moments that are hard to bring about,
and requests that end as fast as a test likes."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestServer

from router.activity.activity import Activity
from router.activity.recording import Recording
from router.config.change import ConfigDocument
from router.config.schema import Config, SlotConfig
from router.orders.kinds import EditConfig, ReadConfig, ReadEngineLog, ReadLog
from router.orders.order import Order
from router.server.app import make_app
from router.server.request.context import Context
from router.state import Snapshot, StateStore

FILE = Path("/etc/hal0/hal0.yaml")
DOCUMENT_TEXT = "# what a person wrote\nslots:\n  primary: {model: qwen3-30b, autoload: true}\n"


class StandIn:
    """Attributes:
    url: where it is.
    orders: what was ordered, in words.
    history: the last hour of the memory.
    """

    def __init__(self, snapshot: Snapshot, folder: Path) -> None:
        """`folder`: for the records of requests."""
        self.store = StateStore()
        told = {f.name: getattr(snapshot, f.name) for f in fields(Snapshot) if f.name != "revision"}
        self.store.update(**told)
        self.url = ""
        self.orders: list[str] = []
        absent: Any = None
        self._activity = Activity(folder / f"activity-{id(self)}.db")
        context = Context(self.store, absent, self, absent, absent, activity=self._activity)
        self.history = context.memory_history
        self._server = TestServer(make_app(context), host="127.0.0.1")

    async def start(self) -> None:
        self._activity.start(self.store)
        await self._server.start_server()
        self.url = str(self._server.make_url("/")).rstrip("/")

    async def close(self) -> None:
        await self._server.close()
        await self._activity.close()

    def ended(self, *requests: Recording) -> None:
        """These are over."""
        for request in requests:
            self._activity.end(request)

    # -- orders ------------------------------------------------------------------------------------------------

    async def carry_out(self, order: Order[Any]) -> Any:
        self.orders.append(str(order))
        slots = {slot.name: SlotConfig(slot.name, slot.kind) for slot in self.store.snapshot.slots}
        match order:
            case ReadLog() | ReadEngineLog():
                return [f"line {number} of a log" for number in range(40)]
            case ReadConfig() | EditConfig():
                return ConfigDocument(FILE, True, DOCUMENT_TEXT, Config(slots=slots))
        return None


def asked(number: int, **more: Any) -> Recording:
    """A request that is over and was answered, the `number`-th; `more`: what is otherwise."""
    recording = Recording(f"r{number}", "10.0.0.7", "openai-python", "/v1/chat/completions", "openai")
    usual = {
        "asked": "primary", "resolution_path": "slot", "slot": "primary", "model": "qwen3-30b", "stream": True,
        "status": 200, "body_read": 0.001, "decided": 0.002, "taken": 0.003, "ended": 2.5,
    }  # fmt: skip
    for name, value in (usual | more).items():
        is_moment = isinstance(value, float)  # told as seconds from its arrival
        setattr(recording, name, recording.began + value if is_moment else value)
    return recording
