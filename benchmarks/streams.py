"""Streamed chunks a second through hal0 and through a bare pass-through."""

from __future__ import annotations

from typing import Any

from benchmarks.lab import Lab
from benchmarks.latency import CHAT, STUB_CONFIG, Rounds, cpu_ratio, interleave
from benchmarks.load import Job
from benchmarks.report import Figure, median, percentile

PATH = "/v1/chat/completions"
PACE = 60.0
"""Chunks a second of one paced stream: what a fast model writes."""


def streams(lab: Lab) -> list[Figure]:
    """As fast as the stub can with 16 and 64 clients, then at a pace, where the proxy's CPU time counts."""
    hal0 = lab.hal0("streams", STUB_CONFIG)
    engine = int(hal0.until_ready()["port"])
    bare = lab.bare_proxy(engine, hal0)
    ports = {"direct": engine, "hal0": hal0.port, "bare": bare.port}
    pids = {"hal0": hal0.pid, "bare": bare.pid}
    figures = []
    plans: list[tuple[int, int, float | None]] = [(16, 400, None), (64, 100, None), (16, 90, PACE)]
    for clients, tokens, pace in plans:
        body: dict[str, Any] = {**CHAT, "stream": True, "max_tokens": tokens} | ({"pace": pace} if pace else {})
        count = clients if pace else 2 * clients
        jobs = {name: Job(port, PATH, body, count, clients) for name, port in ports.items()}
        done = interleave(lab, jobs, pids, lab.rounds(8, 3))
        title = f"stream ×{clients}" + (f" at {pace:g}/s" if pace else "")
        figures += _figures(title, done, targets=clients == 16 and not pace)
    return figures


def _figures(title: str, done: dict[str, Rounds], *, targets: bool) -> list[Figure]:
    figures = []
    rates = {name: [r.chunks / r.seconds for r in rounds.results] for name, rounds in done.items()}
    first = {name: [s for r in rounds.results for s in r.first] for name, rounds in done.items()}
    for name, rounds in done.items():
        figures.append(Figure(f"{title}: {name}", median(rates[name]), "chunks/s"))
        figures.append(Figure(f"{title}: {name} first chunk p50", percentile(first[name], 50) * 1000, "ms"))
        if rounds.cpu:
            cost = rounds.cpu / sum(r.chunks for r in rounds.results)
            figures.append(Figure(f"{title}: {name} own CPU", cost * 1e6, "µs/chunk"))
    ratio = median([h / b for h, b in zip(rates["hal0"], rates["bare"], strict=True)])
    figures.append(Figure(f"{title}: hal0/bare chunks/s", ratio, "×", 0.9 if targets else None, at_least=True))
    figures.append(cpu_ratio(title, done))
    return figures
