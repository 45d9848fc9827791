"""Whether a UI that stalls 150 ms in every second delays requests: it shares the process with the router."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.lab import Lab
from benchmarks.latency import STUB_CONFIG
from benchmarks.load import Job
from benchmarks.report import Figure, percentile

BODY = {"model": "embed", "input": "some words to be turned into numbers"}


def stalling(lab: Lab) -> list[Figure]:
    """Eight clients ask on a schedule, so that a stall cannot hide the requests it delays."""
    host = lab.hal0("ui", STUB_CONFIG, [sys.executable, "-m", "benchmarks.ui_host"], stdin=subprocess.PIPE)
    host.until_ready("embed")
    job = Job(host.port, "/v1/embeddings", BODY, 640, 8, interval=0.05)
    lab.load(job)
    times: dict[str, list[float]] = {"calm": [], "stall": []}
    for _ in range(lab.rounds(4, 2)):
        for order, into in times.items():
            assert host.process.stdin is not None
            host.process.stdin.write(f"{order}\n".encode())
            host.process.stdin.flush()
            into.extend(lab.load(job).latencies)
    figures = []
    for order, latencies in times.items():
        for percent in (50, 99):
            value = percentile(latencies, percent) * 1000
            figures.append(Figure(f"UI {order}: p{percent}", value, "ms"))
    added = (percentile(times["stall"], 99) - percentile(times["calm"], 99)) * 1000
    return [*figures, Figure("UI stalling 150 ms/s: added p99", added, "ms", 5.0)]
