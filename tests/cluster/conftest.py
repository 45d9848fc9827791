"""A real Ray Serve with two replicas, in an environment of its own (packaging/client_envs.py)."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.engines.running import free_port

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-cluster" / "bin" / "python"
APP = Path(__file__).with_name("serve_app.py")
START_SECONDS = 150.0


@pytest.fixture(scope="package")
def ray_serve() -> Iterator[str]:
    """Its base URL. Ten seconds to start, so once for all tests."""
    if not PYTHON.exists():
        pytest.fail("Ray Serve is not installed; `python packaging/client_envs.py` prepares .venv-cluster.")
    port = free_port()
    # Ray's sockets lie in it, and their paths may have 107 letters.
    folder = tempfile.mkdtemp(prefix="ray", dir="/tmp")
    env = {"PATH": os.environ["PATH"], "HOME": folder, "LANG": "C.UTF-8", "RAY_USAGE_STATS_ENABLED": "0"}
    process = subprocess.Popen(
        [PYTHON, APP, str(port), folder],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    ready = threading.Event()
    reader = threading.Thread(target=_listen, args=(process, said, ready), daemon=True)
    reader.start()
    try:
        assert ready.wait(START_SECONDS) and process.poll() is None, "".join(said)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        _end(process)
        reader.join(10)
        assert process.stdout is not None
        process.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def _listen(process: subprocess.Popen[str], said: list[str], ready: threading.Event) -> None:
    """Until its output ends; ended without a word is ready, too: nobody should wait then."""
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line)
        if line.strip() == "ready":
            ready.set()
    ready.set()


def _end(process: subprocess.Popen[str]) -> None:
    """The end of its input is an order; whoever is left of Ray's own processes after that is killed."""
    family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for child in family:
        if child.is_running():
            child.kill()
    psutil.wait_procs(family, 10)
