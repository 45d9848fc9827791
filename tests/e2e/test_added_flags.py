"""Rows 36 and 37: what hal0 adds to an engine's command line, and what the engine makes of it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import psutil

from tests.e2e.harness import Hal0

CONFIG = """
models:
  plain: {file: alpha.gguf}
  own: {file: alpha.gguf, flags: {cache-ram: 77}}
  drafts: {file: alpha.gguf, flags: {ctx-size: 4096, spec-draft-model: models/alpha.gguf}}
slots:
  primary: {models: [plain, own, drafts]}
  embed: {kind: embedding, model: embed-model, autoload: true}
"""
MIB = 1 << 20


async def command(hal0: Hal0, model: str, slot: str = "primary") -> set[tuple[str, str]]:
    """Each two neighbours of the engine's command line."""
    if slot == "primary":
        status, body = await hal0.post(f"/api/slots/{slot}/load", {"model": model})
        assert status == 200, body
    return set(itertools.pairwise((await hal0.get(f"/api/slots/{slot}/command"))["command"]))


async def test_prompts_that_are_kept_and_drafts_that_are_used(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready(name="embed")
    assert ("--cache-ram", "0") in await command(hal0, "embed-model", "embed")
    ram = psutil.virtual_memory()
    kept = dict(await command(hal0, "plain"))["--cache-ram"]
    assert int(kept) <= min(8192, ram.total // MIB // 8) and int(kept) <= ram.available // 2 // MIB
    assert ("--cache-ram", "77") in await command(hal0, "own")
    told = {m["id"]: m["prompt_cache"] for m in (await hal0.get("/api/models"))["models"]}
    assert told["own"] == 77 * MIB and told["embed-model"] == 0
    assert told["plain"] == min(8192, ram.total // MIB // 8) * MIB
    assert ("--spec-type", "draft-simple") in await command(hal0, "drafts")
    assert await hal0.chat() == "Alpha is the one who speaks."
    lines = (await hal0.get("/api/slots/primary/logs"))["lines"]
    assert any("draft acceptance" in line for line in lines), "\n".join(lines)
    done = hal0.cli("models", "--fit")
    assert "RAM for earlier prompts: up to" in done.stdout
