# ruff: noqa: ASYNC240 - its files have kilobytes
"""An engine that is an HTTP server of ours: `/slots` and `/props` as llama-server's, and all that may go wrong.

Only what cannot be had of the real one stands here: hundreds of switches, and disks that are slow on
purpose. What the real one does is `tests/e2e/test_conversations.py`."""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from pathlib import Path
from typing import Any

from aiohttp import web

from router.engine.log import EngineLog
from router.engine.process import EngineProcess, Launch

MAGIC = 0x67677371


class StubEngine(EngineProcess):
    """Its states say whose they are: being given another one's is what must never happen.

    Attributes:
        sequences: tokens of each; `tasks`: the number of its last request, for those that were asked something.
        dies: "save", "restore" or "": where it ends in the middle.
        hangs: whether saving never ends.
        refuses: the status it answers saving with, 0: it does as it is told.
        wrong: states of others that it was given.
    """

    def __init__(self, folder: Path | None, identity: int, *, slots: int = 2, size: int = 0) -> None:
        argv = ["stub", "--port", "1", *(["--slot-save-path", str(folder)] if folder else [])]
        log = EngineLog(deque(maxlen=10), None, "stub")
        super().__init__(Launch(argv, {}, port=0, api_key="key"), log)
        self.folder, self.identity, self.size = folder, identity, size
        self.sequences: list[list[int]] = [[] for _ in range(slots)]
        self.tasks: dict[int, int] = {}
        self.dies, self.hangs, self.refuses = "", False, 0
        self.wrong: list[str] = []
        self.asked: list[str] = []
        self.busy: set[int] = set()
        self.killed = False
        self._count = 0
        self._over = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def begin(self) -> StubEngine:
        app = web.Application()
        app.router.add_get("/slots", self._slots)
        app.router.add_get("/props", self._props)
        app.router.add_post("/slots/{slot}", self._act)
        self._runner = web.AppRunner(app, shutdown_timeout=0.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.launch = Launch(self.launch.argv, {}, port=port, api_key="key")
        return self

    def ask(self, slot: int, tokens: list[int]) -> int:
        """A request with this prompt; returns how many tokens it did not have to read."""
        have, cached = self.sequences[slot], 0
        while cached < min(len(have), len(tokens)) and have[cached] == tokens[cached]:
            cached += 1
        self._count += 1
        self.sequences[slot], self.tasks[slot] = list(tokens), self._count
        return cached

    def kill(self) -> None:
        self.killed = True
        self._exit(-9)

    async def end(self) -> None:
        self._exit(0)
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _slots(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer key"
        told: list[dict[str, Any]] = []
        for number, tokens in enumerate(self.sequences):
            one: dict[str, Any] = {"id": number, "is_processing": number in self.busy}
            if number in self.tasks:
                one |= {"n_prompt_tokens": len(tokens), "id_task": self.tasks[number]}
            told.append(one)
        return web.json_response(told)

    async def _props(self, _request: web.Request) -> web.Response:
        settings = {"n_ctx": 4096}
        told = {"build_info": f"b{self.identity}", "total_slots": len(self.sequences)}
        return web.json_response({**told, "default_generation_settings": settings})

    async def _act(self, request: web.Request) -> web.Response:
        slot, action = int(request.match_info["slot"]), request.query["action"]
        name = (await request.json())["filename"]
        self.asked.append(action)
        assert self.folder is not None and "/" not in name
        return await (self._save if action == "save" else self._restore)(slot, self.folder / name)

    async def _save(self, slot: int, file: Path) -> web.Response:
        if self.refuses:
            return web.json_response({"error": {"message": "no"}}, status=self.refuses)
        tokens = self.sequences[slot]
        head = [0xFFFFFFFF, 1, len(tokens) + 1, self.identity, *tokens, 0]
        whole = struct.pack(f"<{3 + len(head)}I", MAGIC, 4, len(head), *head)
        whole += bytes(max(0, self.size - len(whole)))
        if self.dies == "save" or self.hangs:
            file.write_bytes(whole[: len(whole) // 2])
            await self._hang() if self.hangs else self._die()
        file.write_bytes(whole)
        return web.json_response({"n_saved": len(tokens), "n_written": len(whole)})

    async def _restore(self, slot: int, file: Path) -> web.Response:
        if self.dies == "restore":
            self._die()
        whole = file.read_bytes()
        count = struct.unpack_from("<I", whole, 8)[0]
        _, _, _, identity, *tokens = struct.unpack_from(f"<{count - 1}I", whole, 12)
        if identity != self.identity:
            self.wrong.append(file.name)
        self.sequences[slot] = list(tokens)
        return web.json_response({"n_restored": len(tokens), "n_read": len(whole)})

    def _die(self) -> None:
        """In the middle of a request: the connections break off."""
        self._exit(-6)
        assert self._runner is not None and self._runner.server is not None
        for connection in list(self._runner.server.connections):
            if connection.transport is not None:
                connection.transport.abort()
        raise web.HTTPGone

    async def _hang(self) -> None:
        await self._over.wait()
        raise web.HTTPGone

    def _exit(self, code: int) -> None:
        self._over.set()
        if not self.exited.done():
            self.exited.set_result(code)
