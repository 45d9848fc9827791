"""What Hermes' own code finds out about hal0 while a model loads, and after a load has failed."""

from __future__ import annotations

import pytest

from tests.clients.conftest import SENTENCE, Rounds


@pytest.fixture(params=["slow", "failed"])
def seen(request: pytest.FixtureRequest, rounds: Rounds) -> dict:
    return getattr(rounds, request.param)["hermes"]


@pytest.mark.parametrize("case", ["models", "models_without_v1"])
def test_it_lists_slots_then_models(seen: dict, case: str) -> None:
    assert seen[case].text == "primary broken narrow alpha odd", seen[case]


def test_it_finds_the_context_length_the_model_will_load_with(seen: dict) -> None:
    assert seen["context"].text == "65536", seen["context"]
    assert seen["context_by_flag"].text == "32768", seen["context_by_flag"]


def test_asking_does_not_wait_for_the_load(rounds: Rounds) -> None:
    for case in ("models", "models_without_v1", "context", "context_by_flag"):
        assert rounds.slow["hermes"][case].seconds < 10, rounds.slow["hermes"][case]


def test_a_turn_with_all_its_tools_is_answered(rounds: Rounds) -> None:
    assert rounds.slow["hermes"]["chat"].text == SENTENCE, rounds.slow["hermes"]["chat"]


def test_a_failed_load_is_one_sentence_and_no_second_try(rounds: Rounds) -> None:
    seen = rounds.failed["hermes"]["chat"]
    assert seen.error.startswith('RuntimeError: Model "odd" did not load') and seen.seconds < 15, seen
    assert "attempt 2/3" not in seen.program_output, seen
