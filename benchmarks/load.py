"""The load: a process of its own that sends requests over kept connections and times them.

It reads one `Job` as a line of JSON from stdin, answers with a `Result` on stdout, and ends with its stdin.

    python -m benchmarks.load
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any, cast

from benchmarks import loops

LIMIT_SECONDS = 300.0
_TOKEN = re.compile(rb'"content": ?"[^"]')


@dataclass(frozen=True, slots=True)
class Job:
    """`count` requests in all, by `clients` at once. `interval`: seconds between two requests of one client,
    whose time then counts from when it was due; None: each follows the last. A stream gets its own connection.
    """

    port: int
    path: str
    body: dict[str, Any]
    count: int
    clients: int = 1
    headers: dict[str, str] = field(default_factory=dict)
    interval: float | None = None

    @property
    def request(self) -> bytes:
        body = json.dumps(self.body).encode()
        names = {"Host": f"127.0.0.1:{self.port}", "Content-Type": "application/json", **self.headers}
        lines = [f"POST {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in names.items())]
        return ("\r\n".join(lines) + f"\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds: `latencies` until the last byte and `first` until the first token, per request; `seconds` in
    all; `cpu` of this process. `chunks`: streamed events."""

    latencies: list[float]
    first: list[float]
    seconds: float
    cpu: float
    chunks: int


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.chunks = 0
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self.open = True

    def ask(self, request: bytes) -> asyncio.Future[None]:
        """Resolves with the answer's last byte."""
        self._head, self._missing, self._body = b"", -1, b""
        self.first: float | None = None
        self.answered: asyncio.Future[None] = self._loop.create_future()
        self._transport.write(request)
        return self.answered

    def data_received(self, data: bytes) -> None:
        if self._missing == -1:
            self._head += data
            head, found, data = self._head.partition(b"\r\n\r\n")
            if not found:
                return
            self._read_head(head.lower(), data)
        if self._missing >= 0:
            self._missing -= len(data)
            self._finish(self._missing <= 0)
        else:
            # What was cut between two pieces is found in the next.
            self.chunks += (self._body[-5:] + data).count(b"data: ")
            self._body = self._body[-200:] + data
            if self.first is None and _TOKEN.search(self._body):
                self.first = time.perf_counter()
            self._finish(self._body.endswith(b"\r\n0\r\n\r\n"))

    def _read_head(self, head: bytes, rest: bytes) -> None:
        if not head.startswith(b"http/1.1 200"):
            self.answered.set_exception(RuntimeError(f"{head[:60]!r} {rest[:300]!r}"))
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        self._missing = int(length) if length else -2
        if b"connection: close" in head:
            self.open = False

    def _finish(self, complete: bool) -> None:
        if complete and not self.answered.done():
            self.answered.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self.open = False
        if hasattr(self, "answered") and not self.answered.done():
            self.answered.set_exception(error or ConnectionError("closed before the answer was complete"))

    def close(self) -> None:
        self.open = False
        self._transport.abort()


class Run:
    """One job being done; `_numbers` are shared by the clients."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._numbers = iter(range(job.count))
        self._request = job.request
        self._latencies: list[float] = []
        self._first: list[float] = []
        self._chunks = 0

    async def run(self) -> Result:
        began, cpu = time.perf_counter(), time.process_time()
        async with asyncio.timeout(LIMIT_SECONDS):
            await asyncio.gather(*(self._client(n) for n in range(self._job.clients)))
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        return Result(self._latencies, self._first, seconds, cpu, self._chunks)

    async def _client(self, number: int) -> None:
        connection = await self._connect()
        interval = self._job.interval
        due = time.perf_counter() + (interval or 0) * number / self._job.clients
        for _ in self._numbers:
            if interval is not None and (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            if not connection.open:
                connection = await self._connect()
            sent = due if interval is not None else time.perf_counter()
            await connection.ask(self._request)
            self._latencies.append(time.perf_counter() - sent)
            if connection.first is not None:
                self._first.append(connection.first - sent)
            if self._job.body.get("stream"):
                connection.close()
            due += interval or 0
            self._chunks, connection.chunks = self._chunks + connection.chunks, 0
        connection.close()

    async def _connect(self) -> Client:
        _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", self._job.port)
        return client


async def serve() -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        result = await Run(Job(**json.loads(line))).run()
        print(json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    loops.run(serve(), loops.fastest())
