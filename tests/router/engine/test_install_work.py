from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest

from router.base.errors import InstallFailed
from router.base.tasks import spawn
from router.engine.install.work import complaint, in_thread, run_tool, tool_environment
from tests.router.engine.fake_engines import needs_posix


@needs_posix
async def test_a_cancelled_tool_ends_with_everything_it_started(tmp_path: Path) -> None:
    """Tool and grandchild hold the FIFO open: reading it ends when the last of them is gone."""
    fifo = tmp_path / "held"
    await asyncio.to_thread(os.mkfifo, fifo)
    command = f"exec 3> '{fifo}'; sleep 1000 & echo $$ >&3; wait"
    running = spawn(run_tool(["/bin/sh", "-c", command], cwd=tmp_path), name="tool")
    held = await asyncio.to_thread(fifo.open)
    with held:
        tool = int(await asyncio.to_thread(held.readline))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        with pytest.raises(ProcessLookupError):
            os.kill(tool, 0)
        assert await asyncio.wait_for(asyncio.to_thread(held.read), 20) == ""


async def test_a_cancelled_caller_waits_for_its_thread() -> None:
    started, may_end = threading.Event(), threading.Event()

    def work() -> None:
        started.set()
        may_end.wait(20)

    waiting = spawn(in_thread(work), name="waiting")
    await asyncio.to_thread(started.wait, 20)
    waiting.cancel()
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting


@needs_posix
async def test_a_failing_tool_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(InstallFailed, match="sh ended with code 3: E: no such package"):
        await run_tool(["/bin/sh", "-c", "echo 'E: no such package' >&2; echo bye; exit 3"], cwd=tmp_path)
    with pytest.raises(InstallFailed, match="nothing-like-this could not be started"):
        await run_tool(["nothing-like-this"], cwd=tmp_path)
    assert await run_tool(["/bin/echo", "fine"], cwd=tmp_path) == "fine\n"


def test_a_complaint_is_one_line() -> None:
    assert complaint("Reading...\nE: first\nE: second\n") == "E: first"
    assert complaint("a\nlast one \n\n") == "last one"
    assert complaint("") == "it printed nothing"


def test_tools_keep_the_proxy_and_lose_the_bundles_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.frozen", True, raising=False)
    base = {"https_proxy": "http://p.example", "LD_LIBRARY_PATH": "/bundle", "LD_LIBRARY_PATH_ORIG": "/own"}
    assert tool_environment(base) == {"https_proxy": "http://p.example", "LD_LIBRARY_PATH": "/own"}
