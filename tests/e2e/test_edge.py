"""Row 32, as it is served: uvloop, the log that people read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.e2e.harness import Hal0
from tests.router.server.test_edge import MALFORMED
from tests.router.server.test_edge_fuzz import Dice, judge, play


async def test_what_clients_do_wrong_is_a_few_lines_and_no_traceback(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: alpha}\n")
    await hal0.start()
    for raw, _, _ in MALFORMED.values():
        reader, writer = await asyncio.open_connection("127.0.0.1", hal0.port)
        writer.write(raw.replace(b"CONNECT", b"PATCH"))
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1."), raw
        writer.close()
    for batch in range(6):
        dice = [Dice(batch * 50 + i) for i in range(50)]
        for received in await asyncio.gather(*(play(one, hal0.port) for one in dice)):
            judge(received)
    assert await hal0.chat("primary"), "it is well"
    assert await hal0.stop() == 0
    log = hal0.output()
    assert "Traceback" not in log and " ERROR " not in log, log
    assert log.count(" WARNING ") < 20 and "clients: within 60 s" in log, log
