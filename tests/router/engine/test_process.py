"""One engine process, for real: every way it can end, and what is said about it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from router.base.errors import EngineFailed
from router.base.tasks import spawn
from router.engine import process as engine_process
from router.engine.child import ChildState
from router.engine.explain import exit_sentence
from router.engine.log import FILE_BYTES, RING_LINES, EngineLog, LogFiles
from router.engine.process import EngineProcess, Launch
from tests.engines.running import DEADLINE_SECONDS, ENDED, KILLED, environment, gone, soon, until
from tests.router.engine.conftest import SHORT, StartEngine

WINDOWS = sys.platform == "win32"
OUT_OF_MEMORY = (0xC0000017, "Windows had no memory left for it") if WINDOWS else (KILLED, "ran out of memory")


async def speaking(engine: EngineProcess, state: str, seconds: float = DEADLINE_SECONDS) -> None:
    """Wait for a state of the child protocol."""
    async with asyncio.timeout(seconds):
        while engine.child_state is None or engine.child_state.state != state:
            assert not engine.exited.done(), engine.failure().message
            engine.changed.clear()
            await engine.changed.wait()


async def listening(engine: EngineProcess) -> None:
    """Wait for a program that tells nothing: until it accepts connections."""
    process = psutil.Process(engine.pid)
    await until(lambda: bool(process.net_connections("tcp")), "the engine to listen")


async def test_an_ordered_exit_is_clean(start_engine: StartEngine) -> None:
    engine = await start_engine("slow")
    await speaking(engine, "ready")
    await soon(engine.stop())
    assert engine.exited.result() == 0
    assert not psutil.pid_exists(engine.pid or 0), "reaped"


async def test_fractions_arrive_as_they_are_told(start_engine: StartEngine) -> None:
    engine = await start_engine("hang")
    await speaking(engine, "loading")
    assert engine.child_state == ChildState("loading", 0.3)


async def test_without_the_child_protocol_it_is_terminated(start_engine: StartEngine) -> None:
    engine = await start_engine("good", child_mode=False)
    await listening(engine)
    await soon(engine.stop())
    assert engine.exited.result() == ENDED
    assert engine.child_state is None


@pytest.mark.parametrize("child_mode", [True, False])
async def test_a_deaf_engine_is_killed_when_its_graces_are_over(
    start_engine: StartEngine, child_mode: bool
) -> None:
    engine = await start_engine("deaf", child_mode=child_mode)
    await (speaking(engine, "ready") if child_mode else listening(engine))
    loop = asyncio.get_running_loop()
    began = loop.time()
    await soon(engine.stop())
    graces = SHORT.terminate + SHORT.again + (SHORT.order if child_mode else 0.0)
    assert loop.time() - began >= graces
    assert engine.exited.result() == KILLED


@pytest.mark.parametrize("behaviour", ["grandchild", "grandchild+deaf"])
async def test_helpers_end_with_their_engine(start_engine: StartEngine, behaviour: str) -> None:
    engine = await start_engine(behaviour)
    await speaking(engine, "ready")
    helpers = helpers_of(engine.pid)
    assert len(helpers) == 1
    await soon(engine.stop())
    await gone(helpers)


async def test_an_engine_that_dies_is_noticed_though_a_helper_holds_its_pipes(
    start_engine: StartEngine,
) -> None:
    engine = await start_engine("orphan")
    assert await soon(engine.exited) == 1
    assert "the parent of a helper gave up (exit code 1)" in engine.failure().message
    await gone(group(engine.pid))


def helpers_of(pid: int | None) -> list[psutil.Process]:
    """The processes it started; Windows gives it one more, for its console."""
    return [child for child in psutil.Process(pid).children() if child.name() != "conhost.exe"]


def group(pid: int | None) -> list[psutil.Process]:
    """Every process of the engine's session."""

    def belongs(process: psutil.Process) -> bool:
        try:
            return os.getsid(process.pid) == pid
        except (ProcessLookupError, PermissionError):
            return False

    return [process for process in psutil.process_iter() if belongs(process)]


async def test_a_crash_is_told_with_the_first_error_line_and_the_exit_code(start_engine: StartEngine) -> None:
    engine = await start_engine("crash")
    assert await soon(engine.exited) == 1
    error = engine.failure()
    assert error.message == (
        "The engine stopped: failed to open GGUF file 'x.gguf' (No such file or directory) (exit code 1)."
    )
    assert error.details == {"exit_code": 1} and error.code == "engine.failed"
    await soon(engine.stop())


async def test_a_killed_engine_is_told_as_out_of_memory_whatever_it_said_last(
    start_engine: StartEngine,
) -> None:
    engine = await start_engine("oom")
    assert await soon(engine.exited) == OUT_OF_MEMORY[0]
    assert engine.log.last_line is not None
    assert f"{OUT_OF_MEMORY[1]}; try a smaller model" in engine.failure().message
    assert engine.log.last_line not in engine.failure().message


@pytest.mark.parametrize(
    ("code", "explanation", "words"),
    [
        (0, None, "The engine stopped: exit code 0."),
        (1, "no such file", "The engine stopped: no such file (exit code 1)."),
        (-6, "GGML_ASSERT(x) failed", "The engine stopped: GGML_ASSERT(x) failed (it was ended by signal 6)."),
        (-9, "cannot allocate", "The engine stopped: cannot allocate (it was ended by signal 9)."),
    ],
)
def test_sentences(code: int, explanation: str | None, words: str) -> None:
    assert exit_sentence(code, explanation) == words


async def test_a_flood_of_output_neither_blocks_nor_fills_the_memory(
    start_engine: StartEngine, tmp_path: Path
) -> None:
    me = psutil.Process()
    files = LogFiles(tmp_path)
    log = EngineLog(None, files, "engine")
    before = me.memory_info().rss
    engine = await start_engine("flood", log=log)
    await speaking(engine, "ready", 90.0)  # reading it takes seconds of a processor
    grown = me.memory_info().rss - before
    await soon(engine.stop())
    await asyncio.to_thread(files.close)
    assert grown < 20e6, f"{grown / 1e6:.0f} MB more after 18 MB of output"
    assert len(log.ring) <= RING_LINES and max(map(len, log.ring)) <= 16 * 1024
    assert files.path("engine").stat().st_size <= FILE_BYTES


async def test_a_program_that_is_not_there_is_a_sentence() -> None:
    launch = Launch(["/nowhere/llama-server", "--port", "1"], environment(child_mode=True), 1)
    engine = EngineProcess(launch, EngineLog())
    with pytest.raises(EngineFailed) as failed:
        await engine.start()
    words = (  # Windows' and Wine's
        "(The system cannot find the file specified|File not found)" if WINDOWS else "No such file or directory"
    )
    sentence = f"/nowhere/llama-server could not be started: {words}; check its path."
    assert re.fullmatch(sentence, failed.value.message)
    assert engine.pid is None
    await engine.stop()


async def test_a_program_that_may_not_be_run_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "engine").write_text("not a program")
    engine = EngineProcess(Launch([str(tmp_path / "engine")], {}, 1), EngineLog())
    refused = ".*%1.*" if WINDOWS else "Permission denied"
    with pytest.raises(EngineFailed, match=f"could not be started: {refused}; check its path"):
        await engine.start()


async def test_a_start_that_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    mark = str(tmp_path)
    argv = [sys.executable, "-I", "-S", "-c", "import time; time.sleep(600)", mark]
    engine = EngineProcess(Launch(argv, environment(child_mode=False), 1), EngineLog(), SHORT)
    starting = spawn(engine.start(), name="start")
    await asyncio.sleep(0)  # it has begun
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await engine.stop()
    children = psutil.Process().children(recursive=True)
    await gone([p for p in children if mark in p.cmdline()])


async def test_stopping_while_it_loads(start_engine: StartEngine) -> None:
    engine = await start_engine("hang")
    await soon(engine.stop())
    assert engine.exited.done()


async def test_stopping_twice_at_once_and_once_more(start_engine: StartEngine) -> None:
    engine = await start_engine("good")
    await speaking(engine, "ready")
    await soon(asyncio.gather(engine.stop(), engine.stop()))
    await soon(engine.stop())
    assert engine.exited.result() == 0


async def test_an_engine_that_closed_its_stdin_is_still_stopped(start_engine: StartEngine) -> None:
    code = (
        'import os, sys, time; os.close(0); print(\'cmd_child_to_router:state:{"state": "ready"}\', flush=True)'
    )
    engine = await start_engine("", argv=[sys.executable, "-I", "-S", "-c", code + "; time.sleep(600)"])
    await speaking(engine, "ready")
    await soon(engine.stop())
    assert engine.exited.result() == ENDED


async def test_output_that_is_not_text_is_kept_readable(start_engine: StartEngine) -> None:
    code = r"import sys; sys.stderr.buffer.write(b'\xff\xfe bytes\nlast words'); sys.exit(3)"
    engine = await start_engine("", argv=[sys.executable, "-I", "-S", "-c", code])
    assert await soon(engine.exited) == 3
    assert list(engine.log.ring) == ["\ufffd\ufffd bytes", "last words"]
    assert "last words (exit code 3)" in engine.failure().message


async def test_an_exit_is_told_whatever_ending_its_helpers_meets(
    start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slot waits for it, and hal0's end does."""
    engine = await start_engine("good")
    await speaking(engine, "ready")

    def refuse(_pid: int) -> None:
        raise PermissionError("access is denied")

    monkeypatch.setattr(engine_process.platform, "kill", refuse)
    await soon(engine.stop())
    assert engine.exited.done()


async def test_an_engine_that_outlives_its_kill_is_told(
    start_engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None can be got stuck in a driver's call here: a deaf one that is not really killed stands in."""
    engine = await start_engine("deaf", grace=replace(SHORT, kill=0.2))
    await speaking(engine, "ready")
    with monkeypatch.context() as patched:
        patched.setattr(engine_process.platform, "kill", lambda _pid: None)
        with pytest.raises(EngineFailed, match=rf"process {engine.pid}\) could not be ended") as raised:
            await soon(engine.stop())
    assert raised.value.details == {"pid": engine.pid} and not engine.exited.done()
    await soon(engine.stop())
    assert engine.exited.result() == KILLED


SAYS_GOODBYE = """
import signal, sys
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(7))
print("up", flush=True)
while True:
    signal.pause()
"""


async def started(stop: list[str]) -> EngineProcess:
    launch = Launch([sys.executable, "-c", SAYS_GOODBYE], dict(os.environ), 1, child_mode=False, stop=stop)
    engine = EngineProcess(launch, EngineLog(), replace(SHORT, command=10.0))
    await engine.start()
    await until(lambda: "up" in engine.log.ring, "the engine is up")
    return engine


async def test_its_own_command_ends_it() -> None:
    engine = await started(["kill", "-USR1", "{pid}"])
    await soon(engine.stop())
    assert engine.exited.result() == 7, "no signal of hal0's was needed"


async def test_a_command_that_does_not_end_it_leaves_it_to_signals() -> None:
    engine = await started(["/nowhere/stop", "{pid}"])
    await soon(engine.stop())
    assert engine.exited.result() == ENDED
    assert any("/nowhere/stop, which is to stop it, could not be started" in line for line in engine.log.ring)
