"""What each client program does around its cases; its own imports are those of its environment.

The program says `ready` once everything is imported. For each line on stdin, `{"round", "base", "model"}`, it
runs all its cases at once, prints one JSON line per case, `{"case", "text", "error", "seconds"}`, then `done`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TextIO

READ_TIMEOUT = 5.0
"""Seconds without a byte after which a client gives up: shorter than the load."""

Case = Callable[[str, str, str], str]
"""(base URL without /v1, model, request id) -> what the model said."""


def serve(cases: dict[str, Case], results: TextIO = sys.stdout) -> None:
    say("ready", results)
    for line in sys.stdin:
        asked = json.loads(line)
        with ThreadPoolExecutor(len(cases)) as pool:
            runs = [pool.submit(run, name, case, asked) for name, case in cases.items()]
            for done in runs:
                say(json.dumps(done.result()), results)
        say("done", results)


def run(name: str, case: Case, asked: dict[str, str]) -> dict[str, Any]:
    began = time.monotonic()
    text, error = None, None
    try:
        text = case(asked["base"], asked["model"], f"{asked['round']}.{name}")
    except Exception as exception:  # noqa: BLE001 - whatever a client raises is what its user sees
        error = f"{type(exception).__name__}: {exception}"
    return {"case": name, "text": text, "error": error, "seconds": time.monotonic() - began}


def say(line: str, results: TextIO) -> None:
    results.write(line + "\n")
    results.flush()


def named(request_id: str) -> dict[str, str]:
    """Headers by which hal0's log tells how often a case asked."""
    return {"X-Request-Id": request_id}
