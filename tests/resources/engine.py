"""A llama-server process for the tests of the models themselves; nothing of hal0's own takes part."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Engine:
    """Talks to a running llama-server at `url`."""

    def __init__(self, url: str) -> None:
        self.url = url

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._open(path, body) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

    def chat(self, *contents: str, **fields: Any) -> dict[str, Any]:
        """One chat completion after the user said `contents`, one message each; returns `choices[0]`."""
        messages = [{"role": "user", "content": content} for content in contents]
        choice: dict[str, Any] = self.post("/v1/chat/completions", {"messages": messages, **fields})["choices"][
            0
        ]
        return choice

    def stream(self, content: str, **fields: Any) -> list[dict[str, Any]]:
        """`choices[0]` of each chunk of a streamed chat completion."""
        body = {"messages": [{"role": "user", "content": content}], "stream": True, **fields}
        with self._open("/v1/chat/completions", body) as answer:
            lines = [
                line.decode().removeprefix("data: ").strip() for line in answer if line.startswith(b"data: ")
            ]
        assert lines[-1] == "[DONE]"
        return [json.loads(line)["choices"][0] for line in lines[:-1]]

    def _open(self, path: str, body: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            self.url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        return urllib.request.urlopen(request, timeout=60)


@contextmanager
def running(llama_server: Path, model: Path, *flags: str) -> Iterator[Engine]:
    """Start `llama_server` with `model`; its child protocol announces readiness, so nothing is polled."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        str(llama_server),
        "-m",
        str(model),
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "-lv",
        "1",
        *flags,
    ]
    env = {key: value for key, value in os.environ.items() if not key.startswith("LLAMA_")}
    env["LLAMA_SERVER_ROUTER_PORT"] = "1"
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            assert any(b'"state":"ready"' in line for line in process.stdout), "llama-server did not get ready"
            yield Engine(f"http://127.0.0.1:{port}")
        finally:
            process.kill()
