"""Hermes' own code in a conversation of thirty turns, while another model is asked in between."""

from __future__ import annotations

import asyncio
import json
import shutil
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.clients.conftest import SENTENCE
from tests.clients.programs import HERE, HERMES, environment, require_installed
from tests.e2e.conftest import BETA
from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel

TURNS, EVERY = 30, 3
REVIEWS = 2
"""After ten turns and after twenty Hermes has its model review the conversation on the side, at the same
time as the next turn: in the conversation's own sequence, as it begins alike. That turn is then put into an
empty one."""
NEW = 100
"""Tokens that a turn adds at most, with the answer before it and what its template says around them."""


@pytest.mark.timeout(600)
async def test_no_turn_reads_again_what_was_read_before_a_switch(
    tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel
) -> None:
    require_installed()
    (tmp_path / "models").mkdir()
    for sentence, name in ((SENTENCE, "alpha"), (BETA, "beta")):
        shutil.copy(speaking_model(sentence, name), tmp_path / "models" / f"{name}.gguf")
    hal0 = Hal0.prepare(tmp_path, llama_server, "slots:\n  primary: {model: alpha, autoload: true}\n")
    try:
        await hal0.start()
        await hal0.until_ready("alpha")
        program = await asyncio.create_subprocess_exec(
            *(HERMES, HERE / "scripts" / "hermes_conversation.py"),
            *(hal0.url, "alpha", "beta", str(TURNS), str(EVERY)),
            stdout=PIPE,
            stderr=PIPE,
            env=environment(tmp_path),
        )
        out, err = await program.communicate()
        assert program.returncode == 0, err.decode()
        turns = [json.loads(line) for line in out.splitlines()]
        assert [turn["text"] for turn in turns] == [SENTENCE] * TURNS
        back = [turn for turn in turns if turn["back"]]
        good = [turn for turn in back if turn["sent"] - turn["cached"] < NEW < turn["sent"] / 20]
        assert len(back) == TURNS // EVERY - 1 and len(good) >= len(back) - REVIEWS, back
        assert await hal0.stop() == 0, hal0.output()
        # Of a turn that a review ran beside nobody could say whose tokens they were.
        assert hal0.output().count("tokens_from_disk=") >= len(good) - REVIEWS
    finally:
        await hal0.close()
