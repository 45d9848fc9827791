"""`rounds`: one hal0, six client programs, and what they saw of a slow load and of one that fails."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.programs import Results, run_round, start_all
from tests.e2e.harness import Hal0
from tests.engines.slow import slow_server
from tests.fixtures_models import SpeakingModel

SENTENCE = "Alpha is the one who speaks."
LOAD_SECONDS = 20.0
FAILED_LOAD_SECONDS = 8.0
CONFIG = """
models:
  narrow: {file: alpha.gguf, flags: {n_ctx: 32768}}
slots:
  primary: {model: alpha}
  broken: {model: odd}
"""


@dataclass(frozen=True)
class Rounds:
    """`slow`: slot `primary` loads for LOAD_SECONDS; `failed`: slot `broken` fails. `log` is hal0's."""

    slow: Results
    failed: Results
    log: str


@pytest.fixture(scope="session")
def rounds(
    tmp_path_factory: pytest.TempPathFactory, llama_server: Path, speaking_model: SpeakingModel
) -> Rounds:
    home = tmp_path_factory.mktemp("clients")
    (home / "models").mkdir()
    alpha = Path(shutil.copy(speaking_model(SENTENCE, "alpha"), home / "models" / "alpha.gguf"))
    alpha.with_name("odd.gguf").write_bytes(refused_by_the_engine(alpha.read_bytes()))
    return asyncio.run(run_all(home, llama_server))


def refused_by_the_engine(model: bytes) -> bytes:
    """The header is in order, so hal0 lets it through; a tensor has a name that the engine does not know."""
    return model.replace(b"blk.0.attn_norm.weight", b"xxx.0.attn_norm.weight")


async def run_all(home: Path, llama_server: Path) -> Rounds:
    hal0 = Hal0.prepare(home, slow_server(home, llama_server, LOAD_SECONDS), CONFIG)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(hal0.close)
        await hal0.start()
        programs = await start_all(home / "programs", stack)
        slow = await run_round(programs, "slow", hal0.url, "primary")
        slow_server(home, llama_server, FAILED_LOAD_SECONDS)
        failed = await run_round(programs, "failed", hal0.url, "broken")
        assert await hal0.stop() == 0, hal0.output()
    return Rounds(slow, failed, hal0.output())
