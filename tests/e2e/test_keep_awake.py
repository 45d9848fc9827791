"""A real hal0 and a stub of logind on a private bus: sleep is held off while a request is served, and a wake
that logind tells of is noticed at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

import pytest

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.e2e.test_reload import until
from tests.router.power.stub_logind import stub_logind

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="logind is Linux's")

CONFIG = """\
models:
  long: {file: alpha.gguf, flags: {ctx-size: 131072}, request: {ignore_eos: true}}
slots:
  primary: {model: long, autoload: true}
"""


async def leave(asking: asyncio.Task[object]) -> None:
    asking.cancel()
    await asyncio.wait({asking})


async def test_sleep_is_held_off_while_a_request_is_served(make_hal0: Callable[[str], Hal0]) -> None:
    async with stub_logind() as logind:
        hal0 = make_hal0(CONFIG)
        hal0.env["DBUS_SYSTEM_BUS_ADDRESS"] = logind.address
        await hal0.start()
        await hal0.until_ready("long")
        await until(hal0, lambda state: not state["awake"], "it to rest")
        asking = spawn(hal0.ask("primary", max_tokens=100_000), name="a long answer")
        await until(hal0, lambda state: state["awake"], "sleep to be held off")
        await logind.until_held(1)
        await leave(asking)
        await until(hal0, lambda state: not state["awake"], "it to be let go")
        await logind.until_held(0)
        logind.PrepareForSleep(True)
        logind.PrepareForSleep(False)
        await hal0.until_output("hal0 runs again after 0 s in which it did not")
        assert await hal0.chat("primary", max_tokens=8), "its engine was asked, and answers"
