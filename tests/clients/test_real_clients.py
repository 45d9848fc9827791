"""Real clients wait out a 20 s load and get the model's sentence; a failed load tells them why, once."""

from __future__ import annotations

import re

import pytest

from tests.clients.conftest import LOAD_SECONDS, SENTENCE, Rounds

GENERATING = {
    "openai": [
        "chat_whole",
        "chat_streamed",
        "chat_helper",
        "completion_streamed",
        "response_whole",
        "response_streamed",
        "response_helper",
    ],
    "anthropic": ["whole", "streamed", "helper"],
    "ollama": ["chat_whole", "chat_streamed", "generate_streamed"],
    "langchain": ["invoke", "streamed", "streamed_async"],
    "node": [
        "openai_whole",
        "openai_streamed",
        "openai_helper",
        "openai_response_streamed",
        "sdk_whole",
        "sdk_streamed",
    ],
    "hermes": ["chat", "title"],
}
ASKING = {"hermes": ["models", "models_without_v1", "context", "context_by_flag"]}
CASES = [(program, case) for program, cases in GENERATING.items() for case in cases]
WHY = "blk.0.attn_norm.weight"
SHORTENED = {
    # Told within a body that began as 200, these complain of its shape and quote it in part.
    ("ollama", "chat_whole"): "hal0 logs broken",
    ("hermes", "title"): "LLM returned invalid response",
}

every_case = pytest.mark.parametrize(("program", "case"), CASES, ids=map(".".join, CASES))


def test_every_case_is_looked_at(rounds: Rounds) -> None:
    for results in (rounds.slow, rounds.failed):
        for program, seen in results.items():
            assert sorted(seen) == sorted(GENERATING[program] + ASKING.get(program, [])), program


@every_case
def test_a_client_waits_for_a_slow_load_and_gets_the_sentence(rounds: Rounds, program: str, case: str) -> None:
    seen = rounds.slow[program][case]
    assert seen.text == SENTENCE, seen
    assert seen.seconds > LOAD_SECONDS - 2, "it waited"


@every_case
def test_no_client_asked_twice(rounds: Rounds, program: str, case: str) -> None:
    asked = decisions(rounds.log)
    if (program, case) == ("hermes", "title"):  # the one that cannot name its request
        assert len([name for name in asked if "." not in name]) == 1, rounds.log
    else:
        assert asked.count(f"slow.{program}.{case}") == 1, rounds.log


def test_everyone_joined_one_load(rounds: Rounds) -> None:
    assert rounds.log.count("slot primary: starting alpha") == 1
    assert len(decisions(rounds.log)) == len(CASES)


@every_case
def test_a_client_is_told_why_a_load_failed(rounds: Rounds, program: str, case: str) -> None:
    seen = rounds.failed[program][case]
    assert seen.text is None and seen.error is not None, seen
    assert SHORTENED.get((program, case), WHY) in seen.error, seen


def test_nobody_tried_a_failed_load_again(rounds: Rounds) -> None:
    """Each try would begin another load: Hermes made three, with up to nine requests."""
    assert rounds.log.count("slot broken: starting odd") == 1, rounds.log
    assert rounds.log.count("answer broken off: ") == len(CASES), rounds.log


def decisions(log: str) -> list[str]:
    """Request ids of all requests that were served."""
    return re.findall(r"dispatch\.decision \S+ request=(\S+)", log)
