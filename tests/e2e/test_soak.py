"""200 clients, two models, 100 switches: everyone is answered by the model they named, or refused honestly."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable

import pytest

from tests.e2e.conftest import ALPHA, BETA
from tests.e2e.harness import Hal0
from tests.engines.running import until

CLIENTS = 200
SWITCHES = 100
SENTENCES = {"alpha": ALPHA, "beta": BETA}
REFUSALS = {"slot.queue_full", "slot.wait_timeout", "slot.switch_cancelled", "slot.aborted"}
CONFIG = """
slots:
  primary: {model: alpha, autoload: true, drain_timeout: 5}
limits: {queue: 10, wait: 60}
"""


@pytest.mark.timeout(300)
async def test_nobody_is_answered_by_the_wrong_model_and_nothing_hangs(
    make_hal0: Callable[[str], Hal0],
) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready("alpha")
    dice = random.Random(11)
    outcomes: Counter[str] = Counter()
    switching = True

    async def client(number: int) -> None:
        """Asks again and again, in its own mix of names and forms, until the switches are done."""
        mine = random.Random(number)
        while switching:
            name = mine.choice(["alpha", "beta", "primary", "primary:beta"])
            status, body = await hal0.ask(name)
            if "error" in body:
                assert body["error"]["code"] in REFUSALS, (status, body)
                outcomes[body["error"]["code"]] += 1
                await asyncio.sleep(mine.uniform(0.05, 0.3))
                continue
            said = body["choices"][0]["message"]["content"]
            wanted = SENTENCES.get(name.removeprefix("primary:"))
            assert said == (wanted or SENTENCES[body["model"]]), (name, body)
            outcomes["answered"] += 1

    async def switcher() -> None:
        nonlocal switching
        for _ in range(SWITCHES):
            model = dice.choice(list(SENTENCES))
            status, body = await hal0.post("/api/slots/primary/load", {"model": model})
            assert status == 200 or body["error"]["code"] in REFUSALS, body
        # Orders go before requests: where they come fast, clients are answered after them.
        await until(lambda: outcomes["answered"] > CLIENTS, "more than one answer each", seconds=120)
        switching = False

    async with asyncio.timeout(280):
        await asyncio.gather(switcher(), *(client(number) for number in range(CLIENTS)))
    await hal0.until_slot(lambda s: s["in_flight"] == s["queued"] == 0, "the last lease to end")
    assert outcomes["answered"] > CLIENTS
    await until(lambda: len(hal0.engines()) <= 1, "the end of the engine of the model before")
    engines = hal0.engines()
    assert await hal0.stop() == 0
    assert not any(engine.is_running() for engine in engines)
    assert "Traceback" not in hal0.output()
