"""Small things about processes and ports of this computer."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

BIN = Path(sys.executable).parent
WAIT_SECONDS = 60.0


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process we started, and whatever of its own children it leaves behind."""
    if process.poll() is not None:
        return
    children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(10.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    left = psutil.wait_procs(children, timeout=1.0)[1]
    for child in left:
        child.kill()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(port: int, path: str, *, any_status: bool = False) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200 or any_status
    except OSError:
        return False
    finally:
        connection.close()


def get_json(port: int, path: str) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def wait_for(
    condition: Callable[[], bool], what: str, process: subprocess.Popen[bytes], pause: float = 0.02
) -> None:
    """Look every `pause` seconds. Raises RuntimeError when `process` ends or WAIT_SECONDS are over."""
    end = time.monotonic() + WAIT_SECONDS
    while not condition():
        if process.poll() is not None:
            raise RuntimeError(f"waited for {what}, but its process ended with {process.returncode}")
        if time.monotonic() > end:
            raise RuntimeError(f"waited {WAIT_SECONDS:.0f} s for {what}")
        time.sleep(pause)


def find_llama_server() -> Path:
    """$HAL0_LLAMA_SERVER, else what `hal0 engine path` says. Raises SystemExit with what to do."""
    named = os.environ.get("HAL0_LLAMA_SERVER")
    if named is None:
        found = subprocess.run([BIN / "hal0", "engine", "path"], capture_output=True, text=True, check=False)
        named = found.stdout.strip()
    path = shutil.which(named) if named else None
    if path is None:
        raise SystemExit("No llama-server was found: run `make engine`, or set HAL0_LLAMA_SERVER.")
    return Path(path)
