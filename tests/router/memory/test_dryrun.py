"""Asking an engine: real processes that tell, stay silent, hang or have children; none is left behind."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path

import psutil
import pytest

from resources import demo_model
from router.base.tasks import spawn
from router.catalog.model import Model
from router.config.schema import Kind
from router.engine.command import build_command
from router.engine.environment import engine_environment
from router.engine.options import read_options
from router.memory.forecast.dryrun import AT_ONCE, DryRunner, Told, parse_breakdown
from router.memory.forecast.needs import MIB, DeviceNeed
from tests.engines.running import until
from tests.homes import system_variables

GPU = {
    "kind": "device", "name": "CUDA0", "description": "RTX 4090", "total": 24564, "free": 23000,
    "self": 2457, "model": 866, "context": 1536, "compute": 54, "unaccounted": 0,
}  # fmt: skip
HOST = {"kind": "host", "name": "Host", "self": 12, "model": 10, "context": 0, "compute": 1}
EMPTY = {"kind": "buffer_type", "name": "CPU_REPACK", "self": 0, "model": 0, "context": 0, "compute": 0}
ENVIRONMENT = system_variables()


def breakdown(*rows: dict[str, object], unit: str = "MiB") -> bytes:
    return json.dumps({"type": "fit_memory_breakdown", "data": {"unit": unit, "rows": rows}}).encode()


def script(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def children() -> list[psutil.Process]:
    """Those of this test: what fixtures of others still run is not ours, nor are Windows' consoles."""
    found = [child for child in psutil.Process().children(recursive=True) if child not in _OTHERS]
    return [child for child in found if not _is_console(child)]


def _is_console(process: psutil.Process) -> bool:
    try:
        return process.name() == "conhost.exe"
    except psutil.NoSuchProcess:
        return True


_OTHERS: list[psutil.Process] = []


@pytest.fixture(autouse=True)
def _look_at_others() -> None:
    _OTHERS[:] = psutil.Process().children(recursive=True)


def test_each_device_is_told_of_in_bytes_and_rounding_is_made_good() -> None:
    assert parse_breakdown(breakdown(GPU, HOST, EMPTY)) == (
        DeviceNeed("CUDA0", 866 * MIB, 1536 * MIB, 55 * MIB, is_gpu=True),
        DeviceNeed("Host", 10 * MIB, 0, 2 * MIB),
    )


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"not json",
        b"[]",
        b'{"type":"log","msg":"\\"fit_memory_breakdown\\""}',
        b'{"type":"fit_memory_breakdown"}',
        b'{"type":"fit_memory_breakdown","data":{"unit":"MiB","rows":[{}]}}',
        breakdown(EMPTY),
        breakdown(HOST, unit="pages"),
        breakdown({**HOST, "model": None}),
    ],
)
def test_any_other_line_tells_nothing(line: bytes) -> None:
    assert parse_breakdown(line) is None


async def test_llama_server_tells_before_it_loads_and_is_gone(llama_server: Path, tmp_path: Path) -> None:
    model = Model("demo", Kind.CHAT, "demo", file=demo_model(), flags={"ctx-size": "65536"})
    argv = build_command(model, await read_options(llama_server), llama_server, 0, log_jsonl=True)
    environment = engine_environment(ENVIRONMENT, api_key="", private_config=tmp_path, child_mode=False)
    runner = DryRunner()
    told = await runner.ask([*argv, "--fit", "off", "--fit", "on"], environment)
    assert told is not None and told.projector == 0
    (needs,) = told.contexts
    assert needs[0].context == 16 * MIB  # 65,536 tokens, 1 head of 64 for keys and values, 2 bytes
    assert needs[0].name == "Host" and not needs[0].is_gpu
    assert await runner.ask([*argv, "-m", str(tmp_path / "absent.gguf")], environment) is None
    assert children() == []


async def test_what_it_says_first_counts_and_its_children_end_with_it(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-I', '-S', '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(note)!r}, 'w').write(str(child.pid))\n"
        "print('some words')\n"
        f"print({breakdown(HOST).decode()!r})\n"
        f"print({breakdown(GPU).decode()!r}, flush=True)\n"
        "time.sleep(600)\n"
    )
    host = (DeviceNeed("Host", 10 * MIB, 0, 2 * MIB),)
    assert await DryRunner().ask(script(code), ENVIRONMENT) == Told((host,))
    grandchild = int(note.read_text())
    await until(lambda: not running(grandchild), "the grandchild's end")


def running(pid: int) -> bool:
    """A zombie waits for whoever reaps orphans here, and runs no more."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    "code",
    [
        "print('nothing of use')",
        "import sys; sys.exit(1)",
        "import time; time.sleep(600)",
        "import sys; sys.stdout.write('x' * (1 << 22)); sys.stdout.flush(); input()",
    ],
    ids=["says nothing", "fails", "hangs", "an endless line"],
)
async def test_an_engine_that_does_not_tell_is_ended_in_time(code: str) -> None:
    began = time.monotonic()
    assert await DryRunner(limit=0.5).ask(script(code), ENVIRONMENT) is None
    assert time.monotonic() - began < 600
    assert children() == []


async def test_a_program_that_is_not_there_tells_nothing(tmp_path: Path) -> None:
    assert await DryRunner().ask([str(tmp_path / "absent")], ENVIRONMENT) is None


async def test_only_two_run_at_once_and_none_outlives_its_asker() -> None:
    runner = DryRunner()
    asked = [
        spawn(runner.ask(script("import time; time.sleep(600)"), ENVIRONMENT), name=f"ask {number}")
        for number in range(AT_ONCE + 2)
    ]
    await until(lambda: len(children()) == AT_ONCE, "two engines")
    asked[0].cancel()
    await asyncio.wait([asked[0]])
    await until(lambda: len(children()) == AT_ONCE, "the next one in its place")
    for each in asked:
        each.cancel()
    await asyncio.gather(*asked, return_exceptions=True)
    assert children() == []
