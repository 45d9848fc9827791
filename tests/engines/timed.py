"""A llama-server whose speed is what its flags say: a real one's would be another each time.

Questions about flags and memory are answered by the real one. Run, never imported, but for `timed_server`:
`python timed.py RULES.json ARGUMENTS…`. Rules: `reads`, `writes` (tokens a second), `flags`
({"threads=2": 1.5}, by how much faster), `spread` (0.1: each run by up to 10 % either way), `dies`
("flash-attn=off": it ends with the first request). A chat is never answered.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SCRIPT = """#!/bin/sh
for argument in "$@"; do
    case "$argument" in --version | --help | --log-jsonl) exec "{engine}" "$@" ;; esac
done
exec "{python}" -I -S "{program}" "{rules}" "$@"
"""


def timed_server(folder: Path, engine: Path, **rules: Any) -> Path:
    """An executable to be HAL0_LLAMA_SERVER."""
    written = folder / "rules.json"
    written.write_text(json.dumps({"reads": 1000.0, "writes": 50.0, **rules}))
    path = folder / "timed-llama-server"
    path.write_text(SCRIPT.format(engine=engine, python=sys.executable, program=__file__, rules=written))
    path.chmod(0o755)
    return path


def main() -> None:
    rules = json.loads(Path(sys.argv[1]).read_text())
    arguments = sys.argv[2:]
    given = {f"{a.lstrip('-')}={b}" for a, b in zip(arguments, [*arguments[1:], ""], strict=True)}
    factor = 1.0
    for flag, share in rules.get("flags", {}).items():
        factor *= share if flag in given else 1.0
    port = int(arguments[arguments.index("--port") + 1])
    dies = rules.get("dies") in given
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(rules, factor, dies=dies))
    server.daemon_threads = True
    threading.Thread(target=obey_stdin, daemon=True).start()
    payload = {"stages": ["text_model"], "current": "text_model", "value": 1.0}
    ready = json.dumps({"state": "ready", "payload": payload})
    sys.stdout.write(f"cmd_child_to_router:state:{ready}\n")
    sys.stdout.flush()
    server.serve_forever()


def handler(rules: dict[str, Any], factor: float, *, dies: bool) -> type[BaseHTTPRequestHandler]:
    chance, spread = random.Random(os.getpid()), rules.get("spread", 0.0)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(json.dumps({"status": "ok", "default_generation_settings": {"n_ctx": 4096}}))

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if dies:
                sys.stderr.write("0.00.099.000 E srv operator(): these flags were too much\n")
                os._exit(1)
            if "chat" in self.path:
                threading.Event().wait()
            share = factor * (1 + spread * chance.uniform(-1, 1))
            timings = {
                "prompt_n": len(str(body["prompt"]).split()),
                "prompt_per_second": rules["reads"] * share,
                "predicted_n": body["n_predict"],
                "predicted_per_second": rules["writes"] * share,
            }
            told = json.dumps({"content": "measured", "stop": True, "timings": timings})
            self._answer(f"data: {told}\n\n" if body.get("stream") else told, stream=bool(body.get("stream")))

        def _answer(self, text: str, *, stream: bool = False) -> None:
            data = text.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream" if stream else "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    return Handler


def obey_stdin() -> None:
    for line in sys.stdin:
        if line == "cmd_router_to_child:exit\n":
            break
    os._exit(0)


if __name__ == "__main__":
    main()
