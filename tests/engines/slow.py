"""A real llama-server that takes its time: a wrapper sleeps before it becomes the engine."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.engines.running import make_program

SCRIPT = """#!/bin/sh
for argument in "$@"; do
    case "$argument" in --version | --help | --log-jsonl) exec "{engine}" "$@" ;; esac
done
sleep {seconds}
exec "{engine}" "$@"
"""


def slow_server(folder: Path, engine: Path, seconds: float) -> Path:
    """An executable that answers questions about itself at once and serves after `seconds`."""
    path = folder / "slow-llama-server"
    if sys.platform == "win32":
        return make_program(path, Path(__file__).with_name("late.py"), str(seconds), str(engine))
    path.write_text(SCRIPT.format(engine=engine, seconds=seconds))
    path.chmod(0o755)
    return path
