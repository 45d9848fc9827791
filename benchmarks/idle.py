"""What a headless hal0 costs when nobody asks it anything."""

from __future__ import annotations

import time

from benchmarks.lab import Lab
from benchmarks.latency import CHAT
from benchmarks.load import Job
from benchmarks.report import Figure, cpu_seconds, memory_mib


def idle(lab: Lab) -> list[Figure]:
    """Memory and CPU of `hal0 serve` alone (not its engine), after a few requests."""
    slots = "slots:\n  primary: {model: alpha, autoload: true}\n"
    hal0 = lab.hal0("idle", f"model_dirs: [{lab.models()}]\n{slots}")
    hal0.until_ready()
    for stream in (False, True):
        lab.load(Job(hal0.port, "/v1/chat/completions", {**CHAT, "stream": stream}, 20, 2))
    seconds = lab.rounds(10, 5)
    before = cpu_seconds(hal0.pid)
    time.sleep(seconds)
    percent = (cpu_seconds(hal0.pid) - before) / seconds * 100
    rss, pss = memory_mib(hal0.pid)
    return [
        Figure("idle: RSS", rss, "MiB", 60),
        Figure("idle: PSS", pss, "MiB"),
        Figure("idle: CPU", percent, "% of one"),
    ]
