"""`hal0`: a running one with two speaking models; `make_hal0`: any other; `hosts`: two computers for them."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.harness import Hal0
from tests.e2e.hosts import TwoHosts, why_not
from tests.fixtures_models import SpeakingModel

ALPHA = "Alpha is the one who speaks."
BETA = "Beta answers you this time."
SLOTS = "slots:\n  primary: {model: alpha, autoload: true}\n"


@pytest.fixture
def model_folder(tmp_path: Path, speaking_model: SpeakingModel) -> Path:
    """A folder with alpha.gguf, beta.gguf and embed-model.gguf."""
    folder = tmp_path / "models"
    folder.mkdir()
    for sentence, name in ((ALPHA, "alpha"), (BETA, "beta")):
        shutil.copy(speaking_model(sentence, name), folder / f"{name}.gguf")
    words = speaking_model("Words become numbers here.", "embed-model", kind="embedding")
    shutil.copy(words, folder / "embed-model.gguf")
    return folder


@pytest.fixture
async def make_hal0(
    tmp_path: Path, llama_server: Path, model_folder: Path
) -> AsyncIterator[Callable[[str], Hal0]]:
    """`make_hal0(config)`: prepared, not started; ended with the test."""
    made: list[Hal0] = []

    def make(config: str = SLOTS) -> Hal0:
        hal0 = Hal0.prepare(tmp_path, llama_server, config)
        made.append(hal0)
        return hal0

    yield make
    for hal0 in made:
        await hal0.close()


@pytest.fixture
async def hal0(make_hal0: Callable[[str], Hal0]) -> Hal0:
    """Serving, with alpha ready in `primary`."""
    running = make_hal0(SLOTS)
    await running.start()
    await running.until_ready("alpha")
    return running


@pytest.fixture
def hosts() -> Iterator[TwoHosts]:
    """Two computers and their cables; the test is skipped where they cannot be made."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    made = TwoHosts()
    yield made
    made.close()
