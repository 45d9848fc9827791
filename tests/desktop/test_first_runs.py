"""A first run on a computer without models and without a network, as packaging/first_runs.py plays it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.desktop.accessible import IS_INSTALLED
from tests.desktop.sessions import missing_programs

SCRIPT = Path(__file__).parents[2] / "packaging" / "first_runs.py"
NAMESPACE = ["unshare", "--map-root-user", "--net", "ip", "link", "set", "lo", "up"]


def may_be_without_network() -> bool:
    return (
        shutil.which("unshare") is not None and subprocess.run(NAMESPACE, capture_output=True).returncode == 0
    )


async def test_without_models_and_network_a_person_is_told_so_and_answered(
    tmp_path: Path, llama_server: Path
) -> None:
    if sys.platform != "linux" or not IS_INSTALLED or missing_programs("montage"):
        pytest.skip("this needs Xvfb, at-spi2-core and ImageMagick")
    if not await asyncio.to_thread(may_be_without_network):
        pytest.skip("no network namespace may be made here")
    played = await asyncio.create_subprocess_exec(
        *(sys.executable, str(SCRIPT), str(tmp_path), "--only", "offline"),
        env=os.environ | {"HAL0_LLAMA_SERVER": str(llama_server)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, wrong = await played.communicate()
    assert b", 2 clicks, " in told, wrong.decode()[-2000:]
    assert "“Hello from hal0." in told.decode(), "the demo answers; the seconds are for people"
    assert (tmp_path / "offline.png").stat().st_size > 10_000
