"""Which flags `hal0 tune` tries, and which it keeps: pure, but for what it is given to measure with.

A setting is kept only if each of its runs was faster than each run of the one before, by `LEAST`, and by more
than the runs of either differ; what is kept in the end has to win once more against the flags that the model
had, both measured twice more in turn: what else the computer does changes meanwhile.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LEAST: Final = 0.03
"""A smaller share of the time is not worth a flag."""

AGAIN: Final = 2
"""How often what won is measured again, in turn with what was before."""

DEFAULT_UBATCH: Final = 512
SMALL_CACHE: Final = ("cache-type-k=q8_0", "cache-type-v=q8_0", "flash-attn=on")

Setting = tuple[str, ...]
"""Flags ("name=value") beside the model's own; () for those alone."""


@dataclass(frozen=True, slots=True)
class Run:
    """One request as the engine timed it: tokens, and tokens a second."""

    prompt: int
    prompt_per_second: float
    generated: int
    generated_per_second: float

    def seconds(self, prompt: int, generate: int) -> float:
        """Return how long so many tokens read and written would take."""
        return prompt / self.prompt_per_second + generate / self.generated_per_second


@dataclass(frozen=True, slots=True)
class Trial:
    """`runs` are empty where the model did not load so, and `error` says why."""

    setting: Setting
    runs: tuple[Run, ...] = ()
    error: str = ""

    def reads(self) -> float:
        return statistics.median(run.prompt_per_second for run in self.runs)

    def writes(self) -> float:
        return statistics.median(run.generated_per_second for run in self.runs)


@dataclass(frozen=True, slots=True)
class Machine:
    """`cores` are those of the processor, `threads` what they run at once. `prompt`, `generate`: tokens of a
    run."""

    cores: int
    threads: int
    has_gpu: bool
    prompt: int
    generate: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """`trials` in the order they were made; `best` is what is to be kept, () for nothing. `before`, `after`:
    all runs without it and with it, where it had to win once more."""

    trials: tuple[Trial, ...]
    best: Setting
    before: Trial | None = None
    after: Trial | None = None


def alternatives(machine: Machine, own: Mapping[str, str | bool], *, cache: bool) -> list[list[Setting]]:
    """Return what to try, one kind of flag after the other. `own`: the model's flags; `cache`: a smaller KV
    cache as well, which answers may differ with."""
    found: list[list[Setting]] = [
        _numbers("threads", _threads(machine), own) if _on_processor(machine, own) else [],
        [(f"ubatch-size={size}", f"batch-size={max(2048, size)}") for size in _batches(machine, own)],
        [(f"flash-attn={on}",) for on in ("on", "off") if own.get("flash-attn", "auto") != on],
        _layers(machine, own),
        [SMALL_CACHE] if cache and "cache-type-k" not in own else [],
    ]
    return [group for group in found if group]


def search(
    measure: Callable[[Setting], Trial], groups: Sequence[Sequence[Setting]], machine: Machine
) -> Outcome:
    """Try each alternative beside the best so far. `measure` raises what ends the search."""
    trials = [measure(())]
    best = trials[0]
    for group in groups:
        tried = best.setting
        for setting in group:
            trials.append(measure(combined(tried, setting)))
            if is_faster(trials[-1], best, machine):
                best = trials[-1]
    if best.setting == ():
        return Outcome(tuple(trials), ())
    turns = [measure(setting) for _ in range(AGAIN) for setting in ((), best.setting)]
    before, after = (Trial(of[0].setting, _all_runs(of)) for of in (turns[::2], turns[1::2]))
    wins = is_faster(after, before, machine)
    return Outcome((*trials, *turns), best.setting if wins else (), before, after)


def _all_runs(trials: Sequence[Trial]) -> tuple[Run, ...]:
    """Return the runs of all; none where one of them had none."""
    return tuple(run for trial in trials for run in trial.runs) if all(trial.runs for trial in trials) else ()


def is_faster(new: Trial, old: Trial, machine: Machine) -> bool:
    """Return whether the difference is more than what runs of one setting differ by, and worth a flag."""
    if not new.runs or not old.runs:
        return False
    after, before = (
        sorted(run.seconds(machine.prompt, machine.generate) for run in trial.runs) for trial in (new, old)
    )
    differ = max(after[-1] - after[0], before[-1] - before[0])
    beyond = statistics.median(before) - statistics.median(after) > differ
    return beyond and after[-1] < before[0] * (1 - LEAST)


def combined(one: Setting, other: Setting) -> Setting:
    """Return both, the latter where they say the same flag."""
    said = {flag.partition("=")[0] for flag in other}
    return tuple(sorted([*(flag for flag in one if flag.partition("=")[0] not in said), *other]))


def _on_processor(machine: Machine, own: Mapping[str, str | bool]) -> bool:
    return not machine.has_gpu or not own.keys().isdisjoint(("n-cpu-moe", "cpu-moe", "n-gpu-layers"))


def _threads(machine: Machine) -> list[int]:
    return [machine.cores, machine.threads, machine.cores // 2, machine.cores - 1]


def _batches(machine: Machine, own: Mapping[str, str | bool]) -> list[int]:
    """Return sizes that a prompt of this length is read differently with."""
    given = str(own.get("ubatch-size", DEFAULT_UBATCH))
    sizes = [size for size in (256, 512, 1024, 2048) if size <= 2 * machine.prompt]
    return [size for size in sizes if str(size) != given]


def _layers(machine: Machine, own: Mapping[str, str | bool]) -> list[Setting]:
    """Where there is a GPU: all on it, or nothing; of experts on the processor, fewer."""
    if not machine.has_gpu:
        return []
    experts = str(own.get("n-cpu-moe", ""))
    if experts.isdecimal() and int(experts) > 1:
        return _numbers("n-cpu-moe", [int(experts) * 3 // 4, int(experts) // 2], own)
    given = str(own.get("n-gpu-layers", "all"))
    return [(f"n-gpu-layers={layers}",) for layers in ("all", "0") if layers != given]


def _numbers(name: str, values: Sequence[int], own: Mapping[str, str | bool]) -> list[Setting]:
    wanted = dict.fromkeys(value for value in values if value > 0 and str(value) != str(own.get(name)))
    return [(f"{name}={value}",) for value in wanted]
