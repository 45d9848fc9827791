"""Conversations on a disk that takes minutes for one (tests/engines/slow_disk.py): nobody waits for it.

Needs Linux, root and /dev/fuse.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.base.tasks import spawn
from tests.e2e.conftest import BETA, SLOTS
from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.e2e.test_conversations import Agent, elsewhere, files, folder, kept

MakeHal0 = Callable[[str], Hal0]
SAVES = SLOTS + "conversations: {save_timeout: 0.5s}\n"
SPEED = 2000.0
"""Bytes a second; a conversation has some 100,000."""
DETACH = 2


@pytest.fixture
def slow(tmp_path: Path) -> Iterator[Callable[[Hal0], None]]:
    """Put a hal0's conversations onto such a disk."""
    if sys.platform != "linux" or os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        pytest.skip("needs Linux, root and /dev/fuse")
    disks: list[tuple[Path, subprocess.Popen[bytes]]] = []

    def mount(hal0: Hal0) -> None:
        (place := folder(hal0)).mkdir(parents=True, mode=0o700)
        (behind := tmp_path / "disk").mkdir(mode=0o700)
        argv = [sys.executable, "-m", "tests.engines.slow_disk", str(place), str(behind), str(SPEED)]
        disk = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert disk.stdout is not None
        said = disk.stdout.readline()
        disks.append((place, disk))
        if said.startswith(b"cannot mount"):
            pytest.skip(said.decode())
        assert said == b"mounted\n"

    yield mount
    for place, disk in disks:
        ctypes.CDLL(None).umount2(os.fsencode(place), DETACH)
        disk.kill()
        disk.communicate()


async def test_a_switch_waits_for_save_timeout_and_no_longer(
    make_hal0: MakeHal0, slow: Callable[[Hal0], None]
) -> None:
    hal0 = make_hal0(SAVES)
    slow(hal0)
    await hal0.start()
    await hal0.until_ready("alpha")
    await Agent(hal0, "alpha").turn()
    switching = spawn(Agent(hal0, "beta", "short").turn(), name="switch")
    async with asyncio.timeout(WAIT_SECONDS):
        while not switching.done():
            await hal0.state()  # the loop waits for no disk
            await asyncio.sleep(0.05)
    assert (await switching)[0] == BETA
    await hal0.until_output("is not kept: not done within 0.5 s")
    async with asyncio.timeout(WAIT_SECONDS):
        while files(hal0) or len(hal0.engines()) > 1:
            await asyncio.sleep(0.05)
    assert await kept(hal0) == {}
    await elsewhere(hal0)
    assert not re.search(r"Traceback|ERROR", hal0.output())


async def test_quitting_waits_no_longer_either(make_hal0: MakeHal0, slow: Callable[[Hal0], None]) -> None:
    hal0 = make_hal0(SAVES)
    slow(hal0)
    await hal0.start()
    await hal0.until_ready("alpha")
    await Agent(hal0, "alpha").turn()
    assert await hal0.stop() == 0, hal0.output()
    assert not hal0.engines()
    await hal0.start()
    assert files(hal0) == [] and await kept(hal0) == {}
    assert not re.search(r"Traceback|ERROR", hal0.output())
