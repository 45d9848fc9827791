"""An engine that misbehaves, for the fault tests. Standard library only: it is run, never imported.

As a slot's command:    python misbehaving.py --port N --behaviour deaf+endless
As HAL0_LLAMA_SERVER:   <wrapper> -m models/deaf+endless.gguf --port N ...   (the model's name says how)

With LLAMA_SERVER_ROUTER_PORT set it speaks llama-server's child protocol (router/engine/child.py). Behaviours,
joined with "+"; none of these words (`good`) means a well-behaved engine:

    slow            reports ten fractions, 20 ms apart, before it listens
    hang            never listens and stands still; the child protocol says 30 %
    mute            does not speak the child protocol
    oom             is killed by the system while loading, without a word about it
    crash           prints two llama.cpp error lines, then ends with code 1
    complaining     prints an error line while loading and goes on
    deaf            ignores SIGTERM, orders on stdin and their end
    grandchild      forks a process that ignores SIGTERM and holds the pipes
    orphan          forks the same, then dies while loading
    flood           writes 8 MB of lines and one line of 10 MB before it listens
    no-health       accepts a request for /health and never answers it
    exit-on-request ends, with an error line, when the first request comes
    die-mid-stream  ends after three chunks of a stream
    endless         streams until the client leaves
    silent          accepts a request and never answers it
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn

OPTIONS = (
    "-m,    --model FNAME",
    "-a,    --alias STRING",
    "--host HOST",
    "--port PORT",
    "-c,    --ctx-size N",
    "--offline",
    "--no-ui",
)
CHUNKS_BEFORE_DEATH = 3


def main() -> None:
    arguments = sys.argv[1:]
    if "--version" in arguments:
        sys.stdout.write("version: 0.7.0 (build 1, commit misbehaving)\n")
        return
    if "--help" in arguments:
        sys.stdout.write("".join(f"{option}   does what it says\n" for option in OPTIONS))
        return
    values = dict(itertools.pairwise(arguments))
    name = values.get("--behaviour") or Path(values["-m"]).stem
    run(name, frozenset(name.split("+")), int(values["--port"]))


def run(name: str, behaviour: frozenset[str], port: int) -> None:
    child_mode = "LLAMA_SERVER_ROUTER_PORT" in os.environ
    if "deaf" in behaviour:
        signal.signal(signal.SIGBREAK if sys.platform == "win32" else signal.SIGTERM, signal.SIG_IGN)
    elif child_mode:
        threading.Thread(target=obey_stdin, daemon=True).start()
    say(f"0.00.001.000 I srv main: this is {name}")
    tell = report if child_mode and "mute" not in behaviour else ignore
    load(behaviour, tell)
    server = ThreadingHTTPServer(("127.0.0.1", port), handler(name, behaviour))
    server.daemon_threads = True
    tell("ready", 1.0)
    server.serve_forever()


def load(behaviour: frozenset[str], tell: object) -> None:
    assert callable(tell)
    if behaviour & {"grandchild", "orphan"}:
        fork_helper()
    if "orphan" in behaviour:
        crash("0.00.002.000 E srv load_model: the parent of a helper gave up")
    if "crash" in behaviour:
        say("0.00.011.271 E gguf_init_from_file: failed to open GGUF file 'x.gguf' (No such file or directory)")
        crash("0.00.012.000 E srv load_model: failed to load model")
    if "complaining" in behaviour:
        say("0.00.002.500 E ggml_backend_init: no GPU was found")
    if "flood" in behaviour:
        flood()
    if "slow" in behaviour:
        for step in range(10):
            tell("loading", step / 10)
            time.sleep(0.02)
    tell("loading", 0.3)
    if "oom" in behaviour:
        die_for_want_of_memory()
    if "hang" in behaviour:
        threading.Event().wait()


def handler(name: str, behaviour: frozenset[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/health" and "no-health" in behaviour:
                threading.Event().wait()
            self._answer({"status": "ok", "default_generation_settings": {"n_ctx": 4096}})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "exit-on-request" in behaviour:
                crash("0.00.099.000 E srv operator(): the request was too much")
            if "silent" in behaviour:
                threading.Event().wait()
            if body.get("stream"):
                self._stream()
            else:
                message = {"role": "assistant", "content": f"I am {name}"}
                self._answer({"model": body.get("model"), "choices": [{"index": 0, "message": message}]})

        def _stream(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            pieces = itertools.cycle(("I ", "am ", name))
            for sent in itertools.count():
                if sent >= CHUNKS_BEFORE_DEATH and "endless" not in behaviour:
                    break
                self._delta({"content": next(pieces)}, None)
                time.sleep(0.01)
            if "die-mid-stream" in behaviour:
                crash("0.00.099.000 E srv update_slots: the stream was too much")
            self._delta({}, "stop")
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _delta(self, delta: dict[str, str], finish: str | None) -> None:
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            event = {"object": "chat.completion.chunk", "model": name, "choices": [choice]}
            self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

        def _chunk(self, data: bytes) -> None:
            try:
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()
            except OSError:
                say("0.00.050.000 I srv stop: the client left")
                sys.exit()  # ends this connection's thread

        def _answer(self, body: object) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            say(f"0.00.040.000 I srv log_server_r: {format % args}")

    return Handler


def die_for_want_of_memory() -> None:
    if sys.platform == "win32":
        ctypes.windll.ntdll.NtTerminateProcess(ctypes.c_void_p(-1), 0xC0000017)  # STATUS_NO_MEMORY
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def report(state: str, value: float) -> None:
    payload = {"stages": ["text_model"], "current": "text_model", "value": value}
    sys.stdout.write("cmd_child_to_router:state:" + json.dumps({"state": state, "payload": payload}) + "\n")
    sys.stdout.flush()


def ignore(state: str, value: float) -> None:
    """Nothing is told."""


def say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def crash(line: str) -> NoReturn:
    say(line)
    os._exit(1)


def flood() -> None:
    out = sys.stderr.buffer
    block = b"0.00.003.000 I load: one of very many lines, and not worth a look\n" * 1000
    for _ in range(8_000_000 // len(block)):
        out.write(block)
    out.write(b"z" * 10_000_000)
    out.write(b"\n")
    out.flush()


def fork_helper() -> None:
    if sys.platform == "win32":
        code = (
            "import signal, threading; signal.signal(signal.SIGBREAK, signal.SIG_IGN); threading.Event().wait()"
        )
        subprocess.Popen([sys.executable, "-I", "-S", "-c", code], close_fds=False)
    elif os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        threading.Event().wait()


def obey_stdin() -> None:
    with contextlib.suppress(OSError):
        for line in sys.stdin:
            if line == "cmd_router_to_child:exit\n":
                break
    os._exit(0)


if __name__ == "__main__":
    main()
