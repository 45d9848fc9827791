"""What asks the driver is loaded once there is a driver's library (stub_nvml.c), and not before."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.homes import system_variables
from tests.router.memory.stub import ROOT, TWO, StubDriver

SCRIPT = """
import sys
from router.memory.measure.nvidia import NvidiaSource

source = NvidiaSource()
print(len(source.read(())), "pynvml" in sys.modules, flush=True)
input()
print(len(source.read(())), "pynvml" in sys.modules, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pynvml searches folders there")
def test_a_driver_is_read_from_when_its_library_is_there(tmp_path: Path) -> None:
    driver = StubDriver.build(tmp_path)
    driver.say(*TWO)
    library, away = tmp_path / "libnvidia-ml.so.1", tmp_path / "away"
    library.rename(away)
    env = {**system_variables(), **driver.env()}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT], env=env, cwd=ROOT, text=True, stdin=pipe, stdout=pipe
    ) as reader:
        assert reader.stdin and reader.stdout
        assert reader.stdout.readline() == "0 False\n"
        away.rename(library)
        print(file=reader.stdin, flush=True)
        assert reader.stdout.readline() == "2 True\n"
