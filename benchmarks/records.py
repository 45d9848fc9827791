"""What it costs that requests are recorded, kept and told as they end, and what it takes after many of them."""

from __future__ import annotations

import sys

from benchmarks.lab import Lab
from benchmarks.latency import CHAT, STUB_CONFIG, Rounds, interleave
from benchmarks.load import Job
from benchmarks.report import Figure, median, memory_mib

MANY, QUICK, PART = 100_000, 5_000, 5_000
READS = "import sys, urllib.request as u\nstream = u.urlopen(sys.argv[1])\nwhile stream.read1(65536): pass"
"""What an open Activity view does, without drawing."""

EMBEDDING = {"model": "embed", "input": "some words to be turned into numbers"}
JOBS = (
    ("one client", "/v1/embeddings", EMBEDDING, 300, 1),
    ("16 clients", "/v1/embeddings", EMBEDDING, 1600, 16),
    ("streams", "/v1/chat/completions", {**CHAT, "stream": True, "max_tokens": 400}, 32, 16),
)


def records(lab: Lab) -> list[Figure]:
    """Compare a hal0 that keeps them and tells a reader of each with one that keeps none and tells nobody."""
    on = lab.hal0("records-on", STUB_CONFIG)
    off = lab.hal0("records-off", f"{STUB_CONFIG}activity: {{keep: 0}}\n")
    for hal0 in (on, off):
        for slot in ("primary", "embed"):
            hal0.until_ready(slot)
    events = f"http://127.0.0.1:{on.port}/api/events?activity=true"
    lab.start([sys.executable, "-c", READS, events], "reader")
    figures = []
    for title, path, body, count, clients in JOBS:
        jobs = {name: Job(h.port, path, body, count, clients) for name, h in (("on", on), ("off", off))}
        done = interleave(lab, jobs, {"on": on.pid, "off": off.pid}, lab.rounds(8, 4))
        figures += _compare(f"records, {title}", done)
    many = QUICK if lab.quick else MANY
    for _ in range(many // PART):
        lab.load(Job(on.port, "/v1/embeddings", EMBEDDING, PART, 16))
    rss, pss = memory_mib(on.pid)
    told = f"records, after {many:,} requests"
    return [*figures, Figure(f"{told}: RSS", rss, "MiB", 60), Figure(f"{told}: PSS", pss, "MiB")]


def _compare(title: str, done: dict[str, Rounds]) -> list[Figure]:
    on, off = done["on"], done["off"]

    def ratio(ones: list[float], others: list[float]) -> float:
        return median([one / other for one, other in zip(ones, others, strict=True)])

    rates = (
        [[r.chunks / r.seconds for r in rounds.results] for rounds in (on, off)] if on.results[0].chunks else []
    )
    return [
        Figure(f"{title}: p50", ratio(on.p50s, off.p50s), "×", 1.03),
        Figure(f"{title}: rate", ratio(*(rates or (on.rates, off.rates))), "×", 0.97, at_least=True),
        Figure(f"{title}: CPU", ratio(on.cpus, off.cpus), "×"),
    ]
