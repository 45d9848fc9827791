"""`limit` of a model: who finds no place waits, is shown as queued, and the engine does not see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.e2e.test_reload import rewrite, until

CONFIG = """\
models:
  narrow: {file: alpha.gguf, limit: 1, flags: {parallel: 4, ctx-size: 131072}, request: {ignore_eos: true}}
slots:
  primary: {model: narrow, autoload: true}
limits: {queue: 2, wait: 120}
"""
LONG = 30_000
"""Tokens: longer than the test lasts. Whoever asks for them leaves before they have come."""


async def leave(asking: asyncio.Task[Any]) -> None:
    asking.cancel()
    await asyncio.wait({asking})


async def test_who_finds_no_place_waits(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready("narrow")
    ended: list[int] = []

    async def ask(number: int, tokens: int) -> None:
        status, body = await hal0.ask("narrow", max_tokens=tokens)
        assert status == 200, body
        ended.append(number)

    asking = [spawn(ask(0, LONG), name="ask 0")]
    await until(hal0, lambda state: state["slots"][0]["in_flight"] == 1, "the first is served")
    for number in (1, 2):
        asking.append(spawn(ask(number, 8), name=f"ask {number}"))
        await until(hal0, lambda state, n=number: state["slots"][0]["queued"] == n, "it waits")  # type: ignore[misc]
    state = await hal0.slot()
    assert (state["state"], state["in_flight"], state["queued"]) == ("ready", 1, 2)
    busy = [slot for slot in await hal0.get("/slots?model=primary") if slot["is_processing"]]
    assert len(busy) == 1, "the engine has room for four, and sees one"
    status, body = await hal0.ask("narrow")
    assert status == 429, body
    await leave(asking.pop(0))
    await asyncio.gather(*asking)
    assert ended == [1, 2]


async def test_another_limit_counts_at_once(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready("narrow")
    asking = [spawn(hal0.ask("narrow", max_tokens=LONG), name="ask 0")]
    await until(hal0, lambda state: state["slots"][0]["in_flight"] == 1, "the first is served")
    asking.append(spawn(hal0.ask("narrow", max_tokens=LONG), name="ask 1"))
    await until(hal0, lambda state: state["slots"][0]["queued"] == 1, "the second waits")
    rewrite(hal0, "limit: 1", "limit: 2")
    await until(hal0, lambda state: state["slots"][0]["in_flight"] == 2, "both are served")
    for one in asking:
        await leave(one)
