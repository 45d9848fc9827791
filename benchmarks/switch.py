"""From a request that names the other model to its first token."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.lab import Lab
from benchmarks.latency import CHAT
from benchmarks.load import Job
from benchmarks.processes import answers, stop, wait_for
from benchmarks.report import Figure, median

PATH = "/v1/chat/completions"
BIG = 900_000_000
QUIET = 0.3
"""Seconds: an engine that was asked or replaced just before is still at work for a while."""


def switch(lab: Lab) -> list[Figure]:
    """hal0, llama-server's router mode, and stopping and starting llama-server by hand; page cache warm."""
    figures = _switch(lab, "230 KB", lab.models(), lab.rounds(14, 6))
    if not lab.quick:
        figures += _switch(lab, "900 MB", lab.models(BIG), 6)
    return figures


def _switch(lab: Lab, title: str, models: Path, rounds: int) -> list[Figure]:
    slots = "slots:\n  primary: {model: alpha, autoload: true}\n"
    hal0 = lab.hal0(models.name, f"model_dirs: [{models}]\n{slots}")
    hal0.until_ready()
    router = lab.router_mode(models)
    systems: dict[str, Callable[[str], float]] = {
        "hal0": lambda model: first_token(lab, hal0.port, model),
        "router mode": lambda model: first_token(lab, router.port, model),
        "stop and start": _by_hand(lab, models),
    }
    times: dict[str, list[float]] = {name: [] for name in systems}
    for number in range(rounds + 2):
        for name in _turned(list(systems), number):
            time.sleep(QUIET)
            seconds = systems[name](("beta", "alpha")[number % 2])
            if number > 1:  # the first two fill the page cache and the checks' memory
                times[name].append(seconds * 1000)
    figures = [Figure(f"switch {title}: {name}", median(ms), "ms") for name, ms in times.items()]
    ratio = median([h / r for h, r in zip(times["hal0"], times["router mode"], strict=True)])
    by_hand = median([h / r for h, r in zip(times["hal0"], times["stop and start"], strict=True)])
    stop(hal0.process)
    stop(router.process)
    return [
        *figures,
        Figure(f"switch {title}: hal0/router mode", ratio, "×", 1.0),
        Figure(f"switch {title}: hal0/stop and start", by_hand, "×"),
    ]


def _turned(names: list[str], number: int) -> list[str]:
    """Each has every place in turn: who comes after whom matters on a computer with two cores."""
    first = number // 2 % len(names)
    return names[first:] + names[:first]


def first_token(lab: Lab, port: int, model: str) -> float:
    body = {**CHAT, "model": model, "stream": True, "temperature": 0}
    return lab.load(Job(port, PATH, body, 1)).first[0]


def _by_hand(lab: Lab, models: Path) -> Callable[[str], float]:
    """Ends the engine that runs, starts another, asks it as soon as it is healthy."""
    running = [lab.engine(models / "alpha.gguf")]

    def ask(model: str) -> float:
        began = time.perf_counter()
        running[0].process.terminate()
        running[0].process.wait(30)
        engine = running[0] = lab.engine(models / f"{model}.gguf")
        wait_for(lambda: answers(engine.port, "/health"), "an engine", engine.process, pause=0.002)
        ready = time.perf_counter() - began
        return ready + first_token(lab, engine.port, model)

    return ask


def profiles(lab: Lab) -> list[Figure]:
    """Two models that differ only in `request:` share a process: asking for the other one costs nothing."""
    models = lab.models()
    config = f"""
model_dirs: [{models}]
models:
  cool: {{file: alpha.gguf, request: {{temperature: 0}}}}
  warm: {{file: alpha.gguf, request: {{temperature: 0.9}}}}
slots:
  primary: {{model: cool, autoload: true}}
"""
    hal0 = lab.hal0("profiles", config)
    pid = hal0.until_ready()["pid"]
    same: list[float] = []
    other: list[float] = []
    first_token(lab, hal0.port, "cool")
    for _ in range(lab.rounds(40, 15)):
        for model in ("warm", "cool"):
            other.append(first_token(lab, hal0.port, model) * 1000)
            same.append(first_token(lab, hal0.port, model) * 1000)
    assert hal0.slot()["pid"] == pid, "a profile switch must keep the process"
    return [
        Figure("profile switch: same model again", median(same), "ms"),
        Figure("profile switch: added", median(other) - median(same), "ms", 5.0),
    ]
