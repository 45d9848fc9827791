"""hal0's own endpoint over a snapshot that a test makes, without engines; and a stand-in for the activity's
records, which a test lets come as fast as it likes."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Handler

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
    requests: the records that were kept, newest first.
    orders: what was ordered, in words.
    history: the last hour of the memory.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self.store = StateStore()
        told = {f.name: getattr(snapshot, f.name) for f in fields(Snapshot) if f.name != "revision"}
        self.store.update(**told)
        self.url = ""
        self.requests: list[dict[str, Any]] = []
        self.orders: list[str] = []
        self._listeners: set[asyncio.Queue[dict[str, Any]]] = set()
        absent: Any = None
        context = Context(self.store, absent, self, absent, absent)
        self.history = context.memory_history
        app = make_app(context)
        app.middlewares.insert(0, self._activity)
        self._server = TestServer(app, host="127.0.0.1")

    async def start(self) -> None:
        await self._server.start_server()
        self.url = str(self._server.make_url("/")).rstrip("/")

    async def close(self) -> None:
        await self._server.close()

    def ended(self, *records: dict[str, Any]) -> None:
        """These requests are over."""
        self.requests = [*reversed(records), *self.requests]
        for queue in self._listeners:
            queue.put_nowait({"requests": list(records), "missed": 0})

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

    # -- activity ----------------------------------------------------------------------------------------------

    @web.middleware
    async def _activity(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/api/activity":
            return web.json_response(self._listing(request))
        if request.path.startswith("/api/activity/"):
            number = int(request.path.rpartition("/")[2])
            found = next(record for record in self.requests if record["id"] == number)
            return web.json_response({"request": found, "timeline": timeline(found), "body": None})
        if request.path == "/api/events" and request.query.get("activity") == "true":
            return await self._stream(request)
        return await handler(request)

    def _listing(self, request: web.Request) -> dict[str, Any]:
        slot, failed = request.query.get("slot"), request.query.get("failed") == "true"
        before = int(request.query.get("before", 1 << 62))
        limit = int(request.query.get("limit", 100))
        found = [
            record
            for record in self.requests
            if record["id"] < before and slot in (None, record["slot"]) and (record["failed"] or not failed)
        ][:limit]
        last = found[-1]["id"] if len(found) == limit else None
        return {
            "requests": found,
            "next": last,
            "kept": len(found),
            "lost": 0,
            "problem": None,
            "bodies": "off",
        }

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._listeners.add(queue)
        try:
            with contextlib.suppress(ConnectionError):
                while True:
                    told = json.dumps(await queue.get())
                    await response.write(f"event: activity\ndata: {told}\n\n".encode())
        finally:
            self._listeners.discard(queue)
        return response


def record(number: int, **more: Any) -> dict[str, Any]:
    """A request that was answered, the `number`-th."""
    at = 1_800_000_000.0 + number / 500
    usual = {
        "id": int(at * 1e6) + number, "at": at, "request": f"r{number}", "client": "10.0.0.7",
        "agent": "openai-python", "key": None, "path": "/v1/chat/completions", "dialect": "openai",
        "asked": "primary", "resolution_path": "slot", "slot": "primary", "upstream": None,
        "model": "qwen3-30b", "stream": True, "status": 200, "outcome": "answered", "code": None, "error": None,
        "read_s": 0.001, "decided_s": 0.002, "waited_s": 0.0, "first_byte_s": 0.31, "total_s": 2.5,
        "switch": None, "switched_from": None, "tokens_prompt": 812, "tokens_cached": 640,
        "tokens_completion": 93, "tokens_per_second": 42.3, "bytes_in": 4096, "bytes_out": 16384,
        "failed": False,
    }  # fmt: skip
    return usual | more


def timeline(told: dict[str, Any]) -> list[dict[str, Any]]:
    steps = [("arrived", 0.0), ("read", told["read_s"]), ("queued", told["decided_s"])]
    steps += [("first byte", told["first_byte_s"]), ("last byte", told["total_s"])]
    return [{"what": what, "s": at} for what, at in steps if at is not None]
