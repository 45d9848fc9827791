"""Added latency and requests a second: hal0 and a bare pass-through before the same engine, minus the engine.

Rounds are interleaved, so that whatever else the computer does hits all alike; ratios are of one round each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks.lab import STUB_COMMAND, Lab
from benchmarks.load import Job, Result
from benchmarks.report import Figure, cpu_seconds, median, percentile

MESSAGES = [{"role": "user", "content": "Hello?"}]
CHAT: dict[str, Any] = {"model": "primary", "messages": MESSAGES, "max_tokens": 1}
STUB_CONFIG = f"""
slots:
  primary: {{command: "{STUB_COMMAND}", autoload: true}}
  embed: {{kind: embedding, command: "{STUB_COMMAND}", autoload: true}}
"""


@dataclass(slots=True)
class Rounds:
    """What one system did: a result and its own CPU seconds per round; no CPU where none was measured."""

    results: list[Result] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        return sum(self.cpus)

    @property
    def p50s(self) -> list[float]:
        return [percentile(r.latencies, 50) for r in self.results]

    @property
    def rates(self) -> list[float]:
        return [len(r.latencies) / r.seconds for r in self.results]

    @property
    def all(self) -> list[float]:
        return [latency for r in self.results for latency in r.latencies]


def interleave(lab: Lab, jobs: Mapping[str, Job], pids: Mapping[str, int], rounds: int) -> dict[str, Rounds]:
    """Every job once a round, in turning order; one unmeasured small round first."""
    done = {name: Rounds() for name in jobs}
    order = list(jobs)
    for job in jobs.values():
        lab.load(replace(job, count=max(job.clients, job.count // 10)))
    for _ in range(rounds):
        for name in order:
            before = cpu_seconds(pids[name]) if name in pids else 0.0
            done[name].results.append(lab.load(jobs[name]))
            if name in pids:
                done[name].cpus.append(cpu_seconds(pids[name]) - before)
        order = [*order[1:], order[0]]
    return done


def compare(title: str, done: Mapping[str, Rounds], *, targets: bool) -> list[Figure]:
    """Figures of each system against "direct", and hal0's ratios to "bare"."""
    figures = []
    direct = done["direct"]
    added = {}
    for name, rounds in done.items():
        added[name] = [(p - d) * 1000 for p, d in zip(rounds.p50s, direct.p50s, strict=True)]
        if name == "direct":
            figures.append(Figure(f"{title}: direct p50", median(direct.p50s) * 1000, "ms"))
        else:
            p99 = percentile(rounds.all, 99) - percentile(direct.all, 99)
            figures.append(Figure(f"{title}: {name} added p50", median(added[name]), "ms"))
            figures.append(Figure(f"{title}: {name} added p99", p99 * 1000, "ms"))
        figures.append(Figure(f"{title}: {name} rate", median(rounds.rates), "req/s"))
        if rounds.cpu:
            figures.append(Figure(f"{title}: {name} own CPU", rounds.cpu / len(rounds.all) * 1e6, "µs/req"))
    rates = [h / b for h, b in zip(done["hal0"].rates, done["bare"].rates, strict=True)]
    ratio = median(added["hal0"]) / max(median(added["bare"]), 1e-6)
    figures.append(Figure(f"{title}: hal0/bare added p50", ratio, "×", 1.1 if targets else None))
    limit = 0.9 if targets else None
    figures.append(Figure(f"{title}: hal0/bare rate", median(rates), "×", limit, at_least=True))
    figures.append(cpu_ratio(title, done))
    return figures


def cpu_ratio(title: str, done: Mapping[str, Rounds]) -> Figure:
    """hal0's CPU time against the pass-through's, by rounds: what other work on the computer disturbs least."""
    pairs = zip(done["hal0"].cpus, done["bare"].cpus, strict=True)
    return Figure(f"{title}: hal0/bare CPU", median([hal0 / bare for hal0, bare in pairs]), "×")


def stub(lab: Lab) -> list[Figure]:
    """On the stub: embeddings (JSON passed on) and chat without `stream` (hal0 streams and puts together)."""
    hal0 = lab.hal0("stub", STUB_CONFIG)
    figures = []
    embedding = {"model": "embed", "input": "some words to be turned into numbers"}
    for slot, path, body in (("embed", "/v1/embeddings", embedding), ("primary", "/v1/chat/completions", CHAT)):
        engine = int(hal0.until_ready(slot)["port"])
        bare = lab.bare_proxy(engine, hal0)
        for clients, count in ((1, 300), (16, 1600)):
            ports = {"direct": engine, "hal0": hal0.port, "bare": bare.port}
            jobs = {name: Job(port, path, body, count, clients) for name, port in ports.items()}
            pids = {"hal0": hal0.pid, "bare": bare.pid}
            done = interleave(lab, jobs, pids, lab.rounds(12, 4))
            title = f"stub {path.rpartition('/')[2]} ×{clients}"
            figures += compare(title, done, targets=slot == "embed")
            spent = sum(r.cpu for r in done["hal0"].results) / len(done["hal0"].all)
            figures.append(Figure(f"{title}: the load's own CPU", spent * 1e6, "µs/req"))
    return figures


def real(lab: Lab) -> list[Figure]:
    """On llama-server: one token, without `stream`; its own router mode beside."""
    models = lab.models()
    hal0 = lab.hal0("real", f"model_dirs: [{models}]\nslots:\n  primary: {{model: alpha, autoload: true}}\n")
    engine = int(hal0.until_ready()["port"])
    key = hal0.engine_key()
    bare, router = lab.bare_proxy(engine, hal0), lab.router_mode(models)
    ports = {"direct": engine, "hal0": hal0.port, "bare": bare.port, "router mode": router.port}
    pids = {"hal0": hal0.pid, "bare": bare.pid, "router mode": router.pid}
    figures = []
    for clients, count in ((1, 60), (16, 160)):
        body = {**CHAT, "temperature": 0}
        jobs = {
            name: Job(
                port,
                "/v1/chat/completions",
                {**body, "model": "alpha"},
                count,
                clients,
                key if name in ("direct", "bare") else {},
            )
            for name, port in ports.items()
        }
        done = interleave(lab, jobs, pids, lab.rounds(8, 3))
        figures += compare(f"llama-server chat ×{clients}", done, targets=False)
    return figures
