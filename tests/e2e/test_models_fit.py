"""What models will take: published by a running hal0, told by `GET /api/models` and `hal0 models --fit`."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.harness import Hal0

BIG = """
models:
  alpha: {file: alpha.gguf, flags: {ctx-size: 65536, parallel: 1}}
  huge: {file: beta.gguf, flags: {ctx-size: 4096, mmproj: projector}}
slots:
  primary: {model: alpha, autoload: true}
  whisper: {kind: stt, command: "python3 -m http.server {port}"}
"""


@pytest.fixture
async def hal0(make_hal0: Callable[[str], Hal0], tmp_path: Path) -> Hal0:
    """Not started; `huge` has a projector (of holes) that is bigger than any computer's memory."""
    (tmp_path / "projector").touch()
    os.truncate(tmp_path / "projector", 2**41)
    return make_hal0(BIG)


async def until_known(hal0: Hal0) -> dict[str, dict[str, Any]]:
    """/api/models by id, once every model with a file has a forecast."""
    async for _event, data in hal0.events():
        if "models" in data and all(m["needs"] for m in data["models"] if m["file"]):
            break
    return {m["id"]: m for m in (await hal0.get("/api/models"))["models"]}


async def test_every_model_says_what_it_takes_and_whether_it_fits(hal0: Hal0) -> None:
    await hal0.start()
    await hal0.until_ready("alpha")
    async with asyncio.timeout(30):
        found = await until_known(hal0)
    alpha, huge = found["alpha"], found["huge"]
    assert alpha["needs_source"] == huge["needs_source"] == "engine"
    assert 16 * 2**20 < alpha["needs"] < 200 * 2**20
    assert (alpha["fit"], alpha["loaded_in"]) == ("fits", ["primary"])
    assert huge["fit"] == "short" and huge["margin"] > 0
    state = {m["id"]: m for m in (await hal0.state())["models"]}
    assert state["alpha"]["needs"] == alpha["needs"]
    assert [p for p in hal0.engines() if "beta" in " ".join(p.cmdline())] == []


async def test_the_command_line_lists_them_best_fit_first(hal0: Hal0) -> None:
    await hal0.start()
    done = await asyncio.to_thread(hal0.cli, "models", "--fit")
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split() == ["MODEL", "SIZE", "QUANT", "CONTEXT", "NEEDS", "FIT"]
    rows = {line.split()[0]: line for line in lines}
    assert "F16" in rows["alpha"] and "65536" in rows["alpha"] and "MiB" in rows["alpha"]
    assert "≈" not in rows["alpha"]
    assert "short by" in rows["huge"]
    assert list(rows).index("alpha") < list(rows).index("huge")
    assert lines[-1].startswith(("RAM: ", "VRAM: ")) and lines[-1].endswith(" free now")


async def test_forecasts_are_kept_over_a_restart(make_hal0: Callable[[str], Hal0], tmp_path: Path) -> None:
    hal0 = make_hal0("slots: {primary: {}}\n")
    await hal0.start()
    async with asyncio.timeout(30):
        before = await until_known(hal0)
    assert await hal0.stop() == 0
    file = hal0.own_folder("cache") / "forecasts.json"
    saved = json.loads(file.read_text())["forecasts"]
    assert len(saved) == len(before)
    written = file.stat().st_mtime_ns
    await hal0.start()
    async with asyncio.timeout(30):
        after = await until_known(hal0)
    assert {name: m["needs"] for name, m in after.items()} == {name: m["needs"] for name, m in before.items()}
    assert file.stat().st_mtime_ns == written, "asked again"


async def test_without_hal0_the_command_says_so(make_hal0: Callable[[str], Hal0]) -> None:
    done = await asyncio.to_thread(make_hal0("slots: {primary: {}}\n").cli, "models")
    assert done.returncode == 1
    assert done.stdout == "" and "hal0 serve" in done.stderr


async def test_what_does_not_fit_is_told_how_it_would(hal0: Hal0) -> None:
    """A real engine on this computer's RAM: with so large a projector nothing helps, and that is said."""
    await hal0.start()
    await hal0.until_ready("alpha")
    async with asyncio.timeout(30):
        await until_known(hal0)
    assert await hal0.get("/api/fit?model=alpha&slot=primary") == {"fits": True, "ways": []}
    assert await hal0.get("/api/fit?model=huge") == {"fits": False, "ways": []}
    assert (await hal0.get("/api/fit?model=hug"))["error"]["code"] == "model.not_found"
    done = await asyncio.to_thread(hal0.cli, "models", "--fit")
    assert "  huge: nothing is known that would make it fit" in done.stdout, done.stderr
