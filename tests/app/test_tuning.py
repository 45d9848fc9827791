"""What `hal0 tune` tries and keeps, with engines whose true speeds are known."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands.tuning import (
    LEAST,
    Machine,
    Run,
    Setting,
    Trial,
    alternatives,
    combined,
    is_faster,
    search,
)

PC = Machine(cores=8, threads=16, has_gpu=False, prompt=512, generate=128)
GPU = Machine(cores=8, threads=16, has_gpu=True, prompt=512, generate=128)


class Engine:
    """`factors`: by how much each flag makes it faster; `spread`: what a run differs by, either way."""

    def __init__(self, factors: dict[str, float], spread: float, seed: int) -> None:
        self._factors = factors
        self._spread = spread
        self._chance = random.Random(seed)

    def speed(self, setting: Setting) -> float:
        speed = 1.0
        for flag in setting:
            speed *= self._factors.get(flag, 1.0)
        return speed

    def measure(self, setting: Setting) -> Trial:
        if any(self._factors.get(flag) == 0 for flag in setting):
            return Trial(setting, error="it does not load so")
        return Trial(setting, tuple(self._run(setting) for _ in range(3)))

    def _run(self, setting: Setting) -> Run:
        share = self.speed(setting) * (1 + self._spread * self._chance.uniform(-1, 1))
        return Run(512, 900.0 * share, 128, 40.0 * share)


FLAGS = [flag for group in alternatives(PC, {}, cache=True) for setting in group for flag in setting]


@given(
    st.dictionaries(st.sampled_from(FLAGS), st.floats(0.2, 3.0) | st.just(0.0)),
    st.floats(0.0, LEAST / 2),
    st.integers(0, 10_000),
)
def test_it_never_ends_with_a_slower_setting_than_it_began(
    factors: dict[str, float], spread: float, seed: int
) -> None:
    """Whatever the flags do, as long as runs differ by less than what counts as better."""
    engine = Engine(factors, spread, seed)
    found = search(engine.measure, alternatives(PC, {}, cache=True), PC)
    assert engine.speed(found.best) >= 1.0
    if found.best:
        assert found.before is not None and found.after is not None
        assert [trial.setting for trial in found.trials[-4:]] == [(), found.best] * 2
        assert is_faster(found.after, found.before, PC), "it has won twice"


@pytest.mark.parametrize("spread", [0.05, 0.2, 0.5])
def test_flags_that_change_nothing_are_hardly_ever_kept_however_noisy_it_is(spread: float) -> None:
    kept = sum(bool(search(Engine({}, spread, seed).measure, GROUPS, PC).best) for seed in range(1000))
    assert kept < 20, f"{kept} of 1000"


GROUPS = alternatives(PC, {}, cache=False)


def test_what_is_found_is_combined() -> None:
    factors = {"threads=16": 1.3, "ubatch-size=1024": 1.2, "flash-attn=off": 0.5, "flash-attn=on": 1.1}
    found = search(Engine(factors, 0.01, 1).measure, GROUPS, PC)
    assert found.best == ("batch-size=2048", "flash-attn=on", "threads=16", "ubatch-size=1024")
    assert found.trials[0].setting == () and found.trials[-2].setting == ()


def test_one_that_does_not_load_is_told_and_the_others_are_tried() -> None:
    found = search(Engine({"threads=8": 0.0, "flash-attn=on": 1.5}, 0.0, 1).measure, GROUPS, PC)
    assert found.best == ("flash-attn=on",)
    assert [trial.error for trial in found.trials if trial.error] == ["it does not load so"]


def test_a_gain_that_did_not_last_is_none() -> None:
    """A computer that got hot meanwhile, say."""
    speeds = iter([1.0, 2.0, *[1.0] * 50])

    def measure(setting: Setting) -> Trial:
        share = next(speeds)
        return Trial(setting, (Run(512, 900 * share, 128, 40 * share),) * 3)

    found = search(measure, [[("threads=8",)]], PC)
    assert found.best == () and len(found.trials) == 6


def test_a_computer_that_gets_faster_meanwhile_proves_nothing() -> None:
    """Each measurement finds it less busy than the one before."""
    speeds = iter([1.1**number for number in range(50)])

    def measure(setting: Setting) -> Trial:
        share = next(speeds)
        return Trial(setting, (Run(512, 900 * share, 128, 40 * share),) * 3)

    assert search(measure, GROUPS, PC).best == ()


def test_what_ends_the_search_ends_it() -> None:
    def measure(_setting: Setting) -> Trial:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(measure, GROUPS, PC)


@pytest.mark.parametrize(
    ("machine", "own", "cache", "tried"),
    [
        (PC, {}, False, ["threads", "ubatch-size", "flash-attn"]),
        (GPU, {}, False, ["ubatch-size", "flash-attn", "n-gpu-layers"]),
        (GPU, {"n-cpu-moe": "24"}, False, ["threads", "ubatch-size", "flash-attn", "n-cpu-moe"]),
        (PC, {}, True, ["threads", "ubatch-size", "flash-attn", "cache-type-k"]),
        (PC, {"cache-type-k": "q4_0"}, True, ["threads", "ubatch-size", "flash-attn"]),
    ],
)
def test_only_flags_that_can_matter_here_are_tried(
    machine: Machine, own: dict[str, str], cache: bool, tried: list[str]
) -> None:
    groups = alternatives(machine, own, cache=cache)
    assert [group[0][0].partition("=")[0] for group in groups if group] == tried


def test_what_the_model_has_already_is_not_tried() -> None:
    own = {"threads": "8", "ubatch-size": "256", "flash-attn": "on", "n-cpu-moe": "24"}
    flags = {flag for group in alternatives(GPU, own, cache=False) for setting in group for flag in setting}
    assert flags.isdisjoint(f"{name}={value}" for name, value in own.items())
    assert {"threads=16", "threads=4", "n-cpu-moe=18", "n-cpu-moe=12", "flash-attn=off"} <= flags


@given(st.lists(st.sampled_from(FLAGS), max_size=4), st.lists(st.sampled_from(FLAGS), max_size=4))
def test_the_later_of_two_flags_counts(one: list[str], other: list[str]) -> None:
    names: Callable[[list[str]], set[str]] = lambda flags: {flag.partition("=")[0] for flag in flags}  # noqa: E731
    both = combined(tuple(one), tuple(other))
    assert set(other) <= set(both) and names(list(both)) == names(one) | names(other)
