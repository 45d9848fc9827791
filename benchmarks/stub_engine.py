"""An engine that costs next to nothing, so that what is measured is the proxy before it.

A JSON request is answered at once with a fixed document. With `"stream": true` it streams `max_tokens` chunks,
each in a write of its own: `"pace"` of them a second, or without it as fast as they are taken.

    python stub_engine.py --port PORT
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent.parent))  # hal0 runs this file from wherever it was started

from benchmarks import loops

PIECE = {"index": 0, "delta": {"content": "word "}, "finish_reason": None}
END = {"index": 0, "delta": {}, "finish_reason": "stop"}
MESSAGE = {"index": 0, "message": {"role": "assistant", "content": "word "}, "finish_reason": "stop"}
USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _event(choice: dict[str, Any]) -> bytes:
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "primary", "choices": [choice]}
    return _chunk(b"data: " + json.dumps(body).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def _answer(body: dict[str, Any]) -> bytes:
    data = json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


HEALTH = _answer({"status": "ok"})
CHAT = _answer(
    {"id": "c", "object": "chat.completion", "model": "primary", "choices": [MESSAGE], "usage": USAGE}
)
EMBEDDING = _answer(
    {"object": "list", "model": "embed", "data": [{"index": 0, "embedding": [0.5] * 8}], "usage": USAGE}
)
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TOKEN = _event(PIECE)
LAST = _event(END) + _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Stub(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0
        self._pace: float | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line[:15].lower() == b"content-length:"), 0
        )
        if len(body) >= length:
            self._buffer = body[length:]
            self._serve(head, body[:length])

    def _serve(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self._transport.write(HEALTH)
        elif b"embeddings" in head[:30]:
            self._transport.write(EMBEDDING)
        elif (asked := json.loads(body)).get("stream"):
            self._left, self._pace = int(asked.get("max_tokens", 1)), asked.get("pace")
            self._began, self._sent = self._loop.time(), 0
            self._transport.write(STREAM_HEAD)
            self._step()
        else:
            self._transport.write(CHAT)

    def _step(self) -> None:
        """Send what is due; each piece in a write of its own, and others' turn between two."""
        if self._transport.is_closing() or self._paused:
            return
        due = 1 if self._pace is None else int((self._loop.time() - self._began) * self._pace) - self._sent
        for _ in range(min(due, self._left)):
            self._transport.write(TOKEN)
            self._left -= 1
            self._sent += 1
        if self._left == 0:
            self._transport.write(LAST)
        elif self._pace is None:
            self._loop.call_soon(self._step)
        else:
            self._loop.call_at(self._began + (self._sent + 1) / self._pace, self._step)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        if self._left:
            self._loop.call_soon(self._step)


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    loops.run(serve(parser.parse_args().port), loops.fastest())
