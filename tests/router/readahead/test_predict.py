"""Habits are learnt, and what is none is not taken for one."""

from __future__ import annotations

import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from router.readahead.predict import Asked, likely_next


def asked(models: str, hours: list[int] | None = None) -> tuple[Asked, ...]:
    return tuple(
        Asked(model, 1000.0 * number, hours[number % len(hours)] if hours else 12)
        for number, model in enumerate(models)
    )


def test_of_two_in_turn_the_other_one_follows() -> None:
    assert likely_next(asked("ABABABABABAB"), 12) == "A"
    assert likely_next(asked("ABABABABABA"), 12) == "B"


def test_in_a_round_the_next_one_follows() -> None:
    assert likely_next(asked("ABC" * 6), 12) == "A"
    assert likely_next(asked("ABC" * 6 + "A"), 12) == "B"


def test_what_comes_at_its_hour_is_known_by_the_hour() -> None:
    # Something else each noon and evening, the same one each morning.
    days = asked("ABCADEAFGAHIAJKALMANOAPQARS", [9, 12, 20])
    assert likely_next(days, 9) == "A"
    assert likely_next(days, 14) is None


def test_a_habit_needs_more_than_a_few_loads() -> None:
    assert likely_next((), 12) is None
    assert likely_next(asked("A"), 12) is None
    assert likely_next(asked("ABAB"), 12) is None


def test_a_habit_that_ends_is_given_up() -> None:
    rng = random.Random(1)
    habit = "AB" * 10
    then = habit + "".join(rng.sample("CDEFGHIJ", 8)) * 3
    assert likely_next(asked(then), 12) is None


@given(models=st.text("ABCD", max_size=60), hours=st.lists(st.integers(0, 23), min_size=1, max_size=5))
def test_only_another_model_that_was_asked_for_is_guessed(models: str, hours: list[int]) -> None:
    turns = "".join(m for m, before in zip(models, "-" + models, strict=False) if m != before)
    guessed = likely_next(asked(turns, hours), hours[0])
    assert guessed is None or (guessed in turns and guessed != turns[-1])


def test_random_use_is_hardly_ever_guessed() -> None:
    guesses = 0
    for seed in range(30):
        rng = random.Random(seed)
        drawn = [(rng.choice("ABCDE"), rng.randrange(24)) for _ in range(120)]
        turns = [drawn[0], *(b for a, b in pairwise(drawn) if a[0] != b[0])]
        loads = tuple(Asked(model, float(at), hour) for at, (model, hour) in enumerate(turns))
        guesses += sum(likely_next(loads[:n], loads[n].hour) is not None for n in range(40, len(loads)))
    assert guesses < 30, "of some 1,700"
