"""Choosing another llama-server while slots run: they keep theirs until they are switched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.harness import Hal0
from tests.engines.running import until

MARK = "HAL0_TEST_ENGINE"


@pytest.fixture
def two_engines(tmp_path: Path, llama_server: Path) -> list[str]:
    """The real llama-server, installed twice under other names; its environment tells which one it is."""
    for name in ("release-old", "release-new"):
        server = tmp_path / "data" / "hal0" / "engines" / name / "bin" / "llama-server"
        server.parent.mkdir(parents=True)
        server.write_text(f'#!/bin/sh\nexport {MARK}={name}\nexec "{llama_server}" "$@"\n')
        server.chmod(0o755)
    return ["release-old", "release-new"]


async def engine(hal0: Hal0, *words: str) -> str:
    done = await asyncio.to_thread(hal0.cli, "engine", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def running(hal0: Hal0) -> list[tuple[int, str]]:
    found = []
    for process in hal0.engines():
        with suppress(psutil.NoSuchProcess):  # it ends just now
            found.append((process.pid, process.environ()[MARK]))
    return found


async def test_running_slots_keep_their_engine_until_they_are_switched(
    make_hal0: Callable[[str], Hal0], two_engines: list[str]
) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: alpha, autoload: true}\n")
    del hal0.env["HAL0_LLAMA_SERVER"]
    hal0.env["PATH"] = "/usr/bin:/bin"
    await engine(hal0, "use", "release-old")
    await hal0.start()
    await hal0.until_ready("alpha")
    ((pid, name),) = running(hal0)
    assert name == "release-old"
    said = await engine(hal0, "use", "release-new")
    assert "release-new" in said and "at its next switch" in said
    await hal0.chat("alpha")
    assert running(hal0) == [(pid, "release-old")]
    assert (await hal0.post("/api/slots/primary/load", {"model": "beta"}))[0] == 200
    await until(lambda: [name for _, name in running(hal0)] == ["release-new"], "the old one's end")
    assert "release-old" in await engine(hal0, "rollback")
    assert (await hal0.post("/api/slots/primary/load", {"model": "alpha"}))[0] == 200
    await until(lambda: [name for _, name in running(hal0)] == ["release-old"], "the new one's end")
    listed = await engine(hal0, "list")
    assert [line[0] for line in listed.splitlines() if "release-old" in line] == ["*"]
