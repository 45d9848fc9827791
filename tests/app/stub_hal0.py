"""Stands in for a running hal0 on a real socket: answers what the test put there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SLOT: dict[str, Any] = {
    "name": "primary",
    "state": "ready",
    "model": "alpha",
    "target": None,
    "progress": None,
    "context_length": 8192,
    "memory": 2**30,
    "in_flight": 0,
    "queued": 0,
    "last_error": None,
}

Answer = tuple[int, Any]


def state(**changes: Any) -> dict[str, Any]:
    """A snapshot with one slot."""
    server = {"version": "0.1.0", "url": "http://127.0.0.1:8080", "state": "running"}
    memory = [{"name": "RAM", "is_gpu": False, "total": 8 * 2**30, "used": 2**30}]
    return {"server": server, "slots": [{**SLOT, **changes}], "memory": memory}


class StubHal0:
    """Attributes:
    answers: path -> (status, body), or a function that makes one.
    otherwise: the answer to every other path.
    asked: (method, path, body, Authorization) of each request.
    """

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Callable[[], Answer]] = {"/api/state": (200, state())}
        self.asked: list[tuple[str, str, Any, str | None]] = []
        self.otherwise: Answer = (404, {})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=[0.01])
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(None)

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self._answer(json.loads(raw) if raw else None)

            def _answer(self, body: Any) -> None:
                stub.asked.append((self.command, self.path, body, self.headers.get("Authorization")))
                answer = stub.answers.get(self.path, stub.otherwise)
                status, text = answer() if callable(answer) else answer
                data = text if isinstance(text, bytes) else json.dumps(text).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        return Handler
