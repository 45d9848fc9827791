"""A → B → A with a conversation of 3,000 tokens: from the request that comes back to its first token."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.lab import Lab
from benchmarks.load import Job
from benchmarks.processes import stop
from benchmarks.real_model import real_model
from benchmarks.report import Figure, median
from benchmarks.switch import PATH, QUIET, first_token

RULES = 135
"""Some 3,000 tokens of SmolLM2's."""

SLOTS = "slots:\n  primary: {model: smol, models: [smol, beta], autoload: true}\n"
SHORT = "slots:\n  primary: {model: alpha, models: [alpha, beta], autoload: true}\n"
OFF = "conversations: {keep: 0}\n"


def conversations(lab: Lab) -> list[Figure]:
    """hal0, hal0 that keeps nothing, and llama-server's router mode; then what it costs who has none."""
    models = lab.models()
    smol = models / "smol.gguf"
    if not smol.exists():
        smol.symlink_to(real_model())
    figures = _there_and_back(lab, models)
    smol.unlink()
    return figures + _without_any(lab, models)


def _there_and_back(lab: Lab, models: Path) -> list[Figure]:
    hal0 = lab.hal0("keeps", f"model_dirs: [{models}]\n{SLOTS}")
    forgets = lab.hal0("forgets", f"model_dirs: [{models}]\n{SLOTS}{OFF}")
    router = lab.router_mode(models)
    ports = {"hal0": hal0.port, "hal0, keep: 0": forgets.port, "router mode": router.port}
    first: dict[str, list[float]] = {name: [] for name in ports}
    back: dict[str, list[float]] = {name: [] for name in ports}
    for number in range(lab.rounds(3, 1)):
        for name, port in ports.items():
            talk = _Talk(lab, port, number)
            first[name].append(talk.turn())
            first_token(lab, port, "beta")
            time.sleep(QUIET)
            back[name].append(talk.turn())
    for server in (hal0, forgets, router):
        stop(server.process)
    ratio = median([h / r for h, r in zip(back["hal0"], back["router mode"], strict=True)])
    return [
        *(Figure(f"3,000 tokens, first time: {name}", median(s), "s") for name, s in first.items()),
        *(Figure(f"3,000 tokens, switched back: {name}", median(s), "s") for name, s in back.items()),
        Figure("3,000 tokens, switched back: hal0/router mode", ratio, "×", 0.05),
    ]


class _Talk:
    """An agent: a long system prompt, and every turn sends all of it again. Each `number` is another one's."""

    def __init__(self, lab: Lab, port: int, number: int) -> None:
        self._lab, self._port = lab, port
        rules = (f"Rule {n}: answer question {n} with care, never forget item {n * 7}." for n in range(RULES))
        system = f"Agent {number}, you are helpful. {' '.join(rules)}"
        self._messages = [{"role": "system", "content": system}]

    def turn(self) -> float:
        """Seconds to the first token."""
        self._messages.append({"role": "user", "content": "What is the next step?"})
        body: dict[str, Any] = {"model": "smol", "messages": self._messages, "max_tokens": 1}
        job = Job(self._port, PATH, {**body, "stream": True, "temperature": 0}, 1)
        seconds = self._lab.load(job).first[0]
        self._messages.append({"role": "assistant", "content": "The next step follows."})
        return seconds


def _without_any(lab: Lab, models: Path) -> list[Figure]:
    """A switch between models that have read next to nothing, with and without keeping."""
    config = f"model_dirs: [{models}]\n{SHORT}"
    systems: dict[str, Callable[[str], float]] = {}
    for name, more in (("keeps", ""), ("keep: 0", OFF)):
        server = lab.hal0(f"short-{name[:5].strip(':')}", config + more)
        server.until_ready()
        systems[name] = lambda model, port=server.port: first_token(lab, port, model)  # type: ignore[misc]
    times: dict[str, list[float]] = {name: [] for name in systems}
    for number in range(lab.rounds(22, 8)):
        for name in list(systems)[:: 1 if number // 2 % 2 else -1]:
            time.sleep(QUIET)
            seconds = systems[name](("beta", "alpha")[number % 2])
            if number > 1:
                times[name].append(seconds * 1000)
    added = median([a - b for a, b in zip(times["keeps"], times["keep: 0"], strict=True)])
    return [
        *(Figure(f"switch without a conversation: {name}", median(ms), "ms") for name, ms in times.items()),
        Figure("switch without a conversation: added", added, "ms", 5.0),
    ]
