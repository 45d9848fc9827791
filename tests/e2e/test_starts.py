"""Where and how often hal0 is started: odd folders, and twice at once."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ALPHA, SLOTS
from tests.e2e.harness import WAIT_SECONDS, Hal0

ODD = "Büro & Co (жук) 100% it's"


@pytest.fixture
async def odd(tmp_path: Path, llama_server: Path, model_folder: Path) -> AsyncIterator[Hal0]:
    """In a folder with blanks, umlauts, letters of no Western code page, and what shells obey."""
    home = tmp_path / ODD
    (home / "models").mkdir(parents=True)
    shutil.copy(model_folder / "alpha.gguf", home / "models" / "größe ж 1.gguf")
    config = f'model_dirs: ["{(home / "models").as_posix()}"]\nslots:\n  primary: {{model: größe ж 1}}\n'
    hal0 = Hal0.prepare(home, llama_server, config)
    yield hal0
    await hal0.close()


async def test_folders_and_models_may_have_any_name(odd: Hal0) -> None:
    await odd.start()
    assert await odd.chat() == ALPHA
    status = await asyncio.to_thread(odd.cli, "logs", "primary")
    assert "listening on" in status.stdout, status.stderr
    assert await odd.stop() == 0
    (log,) = odd.home.rglob("hal0.log")
    assert "größe ж 1" in log.read_text(encoding="utf-8")


def ended(hal0: Hal0) -> int | None:
    """Its exit code; None while it runs."""
    assert hal0.process is not None
    return hal0.process.poll()


async def test_of_two_that_start_at_once_one_serves_and_the_other_says_why(
    tmp_path: Path, llama_server: Path, model_folder: Path
) -> None:
    first = Hal0.prepare(tmp_path, llama_server, SLOTS)
    second = Hal0(first.home, first.env, first.port)
    try:
        # Whoever loses may be answered by the other before it ends, or end before it is answered.
        await asyncio.gather(first.start(), second.start(), return_exceptions=True)
        async with asyncio.timeout(WAIT_SECONDS):
            while (ends := [ended(first), ended(second)]) == [None, None]:
                await asyncio.sleep(0.02)
        winner, loser = (first, second) if ends[0] is None else (second, first)
        assert ended(loser) == 1 and ended(winner) is None
        assert "already used" in winner.output()  # both write there
        await winner.until_ready("alpha")
        assert len(winner.engines()) == 1 and await winner.chat() == ALPHA
    finally:
        await first.close()
        await second.close()
