"""A real llama-server that takes its time: a wrapper sleeps before it becomes the engine."""

from __future__ import annotations

from pathlib import Path

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
    path.write_text(SCRIPT.format(engine=engine, seconds=seconds))
    path.chmod(0o755)
    return path
