"""Model folders with more in them than chat models, before a real llama-server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from router.catalog.gguf import read_header
from tests.e2e.conftest import ALPHA
from tests.e2e.harness import Hal0
from tests.router.catalog.files import write_gguf, write_llava_mmproj

FIRST_RUN = "slots:\n  primary: {autoload: true}\n"


@pytest.fixture
def crowded(model_folder: Path) -> Path:
    """Files that sort before every chat model and are none."""
    for name, arch in (("0-draft", "dflash"), ("0-eagle", "eagle3"), ("0-voice", "wavtokenizer-dec")):
        write_gguf(model_folder / f"{name}.gguf", arch=arch)
    write_gguf(model_folder / "0-base.gguf")  # a language model without a chat template
    return model_folder


async def test_the_first_run_takes_a_model_that_can_chat(
    make_hal0: Callable[[str], Hal0], crowded: Path
) -> None:
    """Row 11: primary took the draft first and failed; a person is told what those files are."""
    hal0 = make_hal0(FIRST_RUN)
    await hal0.start()
    await hal0.until_ready("alpha")
    assert await hal0.chat() == ALPHA
    listed = await hal0.get("/api/models")
    assert {m["id"] for m in listed["models"]} == {"0-base", "alpha", "beta", "embed-model"}
    assert [Path(left["file"]).stem for left in listed["left_out"]] == ["0-draft", "0-eagle", "0-voice"]
    done = await asyncio.to_thread(hal0.cli, "models")
    assert "not offered: 0-draft.gguf is a draft for another model" in done.stdout


async def test_a_legacy_projector_is_loaded_with_its_model_alone(
    make_hal0: Callable[[str], Hal0], model_folder: Path
) -> None:
    """Rows 8 to 10: an old converter's projector, in a folder with another model of the same width."""
    width = read_header(model_folder / "alpha.gguf").embedding_length
    assert width == read_header(model_folder / "beta.gguf").embedding_length
    write_llava_mmproj(model_folder / "mmproj-alpha-F32.gguf", width or 0)
    best = write_llava_mmproj(model_folder / "mmproj-alpha-F16.gguf", width or 0)
    hal0 = make_hal0(FIRST_RUN)
    await hal0.start()
    await hal0.until_ready("alpha")
    (engine,) = hal0.engines()
    command = engine.cmdline()
    assert command[command.index("--mmproj") + 1] == str(best)
    assert await hal0.chat() == ALPHA
    assert (await hal0.post("/api/slots/primary/load", {"model": "beta"}))[0] < 300
    beta = psutil.Process((await hal0.until_ready("beta"))["pid"]).cmdline()
    assert "beta" in str(beta) and "--mmproj" not in beta
