"""Starts what is compared, on this computer's loopback and in private folders, and ends all of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import loops
from benchmarks.load import Job, Result
from benchmarks.processes import BIN, answers, free_port, get_json, stop, wait_for
from resources.speaking import build_speaking_model
from router.engine.environment import scrubbed
from router.platforms import current as platform

ROOT = Path(__file__).parent.parent
STUB_COMMAND = f"{sys.executable} {Path(__file__).with_name('stub_engine.py')} --port {{port}}"


@dataclass(frozen=True, slots=True)
class Server:
    """Something that runs and answers on `port`."""

    port: int
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid


class Hal0(Server):
    """A running `hal0 serve` (or the host of the UI benchmark)."""

    def slot(self, name: str = "primary") -> dict[str, Any]:
        slots = get_json(self.port, "/api/state")["slots"]
        return next(slot for slot in slots if slot["name"] == name)

    def until_ready(self, name: str = "primary") -> dict[str, Any]:
        wait_for(lambda: self.slot(name)["state"] in ("ready", "failed"), f"slot {name}", self.process)
        slot = self.slot(name)
        if slot["state"] == "failed":
            raise RuntimeError(f"slot {name}: {slot['last_error']}")
        return slot

    def engine_key(self, name: str = "primary") -> dict[str, str]:
        """The header its engine asks for; the engine is our own grandchild, so its environment may be read."""
        key = psutil.Process(self.slot(name)["pid"]).environ().get("LLAMA_API_KEY")
        return {"Authorization": f"Bearer {key}"} if key else {}


class Lab:
    """Use as a context: what it started ends with the block.

    Attributes:
        folder: private; models lie in its `models`.
        llama_server: the engine's executable.
        quick: fewer rounds, small models only.
    """

    def __init__(self, folder: Path, llama_server: Path, *, quick: bool) -> None:
        self.folder = folder
        self.llama_server = llama_server
        self.quick = quick
        self._stack = ExitStack()
        self._load: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rounds(self, full: int, quick: int) -> int:
        return quick if self.quick else full

    # -- what is compared ------------------------------------------------------------------------------

    def hal0(self, name: str, config: str, argv: list[str] | None = None, **pipes: int) -> Hal0:
        """`config`: hal0.yaml without its server and engine sections. `argv`: another program than `hal0`."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        port = free_port()
        first = 10000 + (port * 40) % 20000
        head = f"server: {{port: {port}}}\nengine: {{ports: [{first}, {first + 39}]}}\n"
        (home / "hal0.yaml").write_text(head + config)
        folders = {f"XDG_{n}_HOME": str(home / n.lower()) for n in ("CONFIG", "DATA", "STATE", "CACHE")}
        own = {"HAL0_CONFIG": str(home / "hal0.yaml"), "HAL0_LLAMA_SERVER": str(self.llama_server)}
        env = {**folders, **own, "HOME": str(home)}
        process = self.start(argv or [BIN / "hal0", "serve"], name, env, **pipes)
        wait_for(lambda: answers(port, "/health"), "hal0", process)
        return Hal0(port, process)

    def bare_proxy(self, engine: int, like: Hal0) -> Server:
        """A bare pass-through before `engine`, on the same loop as `like`."""
        port = free_port()
        loop = ["--loop", loops.loop_of(like.pid)]
        argv = [
            sys.executable,
            "-m",
            "benchmarks.bare_proxy",
            "--port",
            str(port),
            "--engine",
            str(engine),
            *loop,
        ]
        process = self.start(argv, f"bare-{port}")
        wait_for(lambda: answers(port, "/", any_status=True), "the bare proxy", process)
        return Server(port, process)

    def router_mode(self, models: Path) -> Server:
        """llama-server's own router over the folder `models`, one model at a time."""
        port = free_port()
        options = ["--models-dir", models, "--models-max", "1", "--host", "127.0.0.1", "--port", str(port)]
        process = self.start([self.llama_server, *options, "--offline"], f"router-{port}")
        wait_for(lambda: answers(port, "/health"), "llama-server's router", process)
        return Server(port, process)

    def engine(self, model: Path) -> Server:
        """A plain llama-server with `model`, not ready yet."""
        port = free_port()
        argv = [self.llama_server, "-m", model, "--host", "127.0.0.1", "--port", str(port), "--offline"]
        return Server(port, self.start(argv, f"engine-{port}"))

    def models(self, pad_bytes: int = 0) -> Path:
        """A folder with alpha.gguf and beta.gguf, each with as many bytes more."""
        folder = self.folder / f"models-{pad_bytes}"
        folder.mkdir(exist_ok=True)
        for name in ("alpha", "beta"):
            if not (path := folder / f"{name}.gguf").exists():
                sentence = f"{name.title()} says these few words."
                build_speaking_model(path, sentence, name=name, pad_bytes=pad_bytes)
        return folder

    # -- measuring -------------------------------------------------------------------------------------

    def load(self, job: Job) -> Result:
        """Have the load process do `job`."""
        if self._load is None:
            argv = [sys.executable, "-m", "benchmarks.load"]
            self._load = self.start(argv, "load", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._load.stdin is not None and self._load.stdout is not None
        self._load.stdin.write(json.dumps(asdict(job)).encode() + b"\n")
        self._load.stdin.flush()
        line = self._load.stdout.readline()
        if not line:
            raise RuntimeError(f"the load failed: {(self.folder / 'load.log').read_text()[-800:]}")
        return Result(**json.loads(line))

    # -- processes -------------------------------------------------------------------------------------

    def start(
        self, argv: list[Any], name: str, env: Mapping[str, str] | None = None, **pipes: int
    ) -> subprocess.Popen[bytes]:
        """Run a program whose output goes to `<name>.log`; it dies with this process, whatever happens."""
        with (self.folder / f"{name}.log").open("ab") as log:
            options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, **pipes}
            process: subprocess.Popen[bytes] = subprocess.Popen(
                [str(part) for part in argv],
                cwd=ROOT,
                env={**scrubbed(os.environ), **(env or {})},
                **options,
                **platform.spawn_options(),
            )
        self._stack.callback(stop, process)
        return process
