"""`together:` with real engines: which slots are loaded at the same time, and what people are told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.e2e.test_reload import rewrite
from tests.engines.running import soon

CONFIG = """\
models:
  long: {file: alpha.gguf, flags: {parallel: 2, ctx-size: 65536}, request: {ignore_eos: true}}
slots:
  primary: {model: long}
  second: {model: beta}
  coder: {model: alpha}
  free: {model: beta}
together: [[primary, second], [coder]]
limits: {wait: 60}
"""


async def loaded(hal0: Hal0) -> set[str]:
    return {slot["name"] for slot in (await hal0.state())["slots"] if slot["pid"]}


async def test_a_request_unloads_the_slots_of_other_sets(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    assert (await hal0.state())["together"] == [["primary", "second"], ["coder"]]
    for name in ("second", "free"):
        await hal0.chat(name)
    status, body = await hal0.post("/api/slots/primary/load", {"model": "long"})
    assert status == 200, body
    assert await loaded(hal0) == {"primary", "second", "free"}
    await hal0.chat("coder")
    assert await loaded(hal0) == {"coder", "free"}
    await hal0.until_output("slot coder: unloads primary and second: together: in hal0.yaml does not let both")


async def test_one_that_answers_is_waited_for_and_the_command_says_so(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    stream = spawn(hal0.ask("primary", max_tokens=60_000), name="a long answer")
    await hal0.until_slot(lambda s: s["in_flight"] == 1, "the answer")
    switch = spawn(asyncio.to_thread(hal0.cli, "switch", "coder", "alpha"), name="switch")
    await hal0.until_slot(lambda s: s["apart"] == ["primary"], "it to wait", "coder")
    told = (await asyncio.to_thread(hal0.cli, "status")).stdout
    assert "waits until primary is idle, not to be loaded together (hal0.yaml)" in told
    assert await loaded(hal0) == {"primary"}
    stream.cancel()
    done = await soon(switch, "the switch, now that nobody is served")
    assert done.returncode == 0 and "alpha is running in coder." in done.stdout, done
    assert "coder: queued · waits until primary is idle, not to be loaded together" in done.stdout + done.stderr
    assert await loaded(hal0) == {"coder"}


async def test_a_pinned_slot_stays_and_the_refusal_says_why(
    make_hal0: Callable[[str], Hal0],
) -> None:
    hal0 = make_hal0(CONFIG.replace("second: {model: beta}", "second: {model: beta, pinned: true}"))
    await hal0.start()
    await hal0.chat("second")
    status, body = await hal0.ask("coder")
    assert (status, body["error"]["code"]) == (409, "slot.not_together")
    assert (
        "together: in hal0.yaml does not let it be loaded at the same time as second, which is pinned"
        in (body["error"]["message"])
    )
    refused = await asyncio.to_thread(hal0.cli, "switch", "coder", "alpha")
    assert refused.returncode == 1 and "together: in hal0.yaml" in refused.stderr
    assert await loaded(hal0) == {"second"}
    rewrite(hal0, "[[primary, second], [coder]]", "[[primary, second, coder]]")
    await hal0.until_output("SetTogether")
    await hal0.chat("coder")
    assert await loaded(hal0) == {"second", "coder"}


async def test_what_is_wrong_is_a_finding_of_check(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG.replace("[coder]]", "[codr]]").replace("together", "#\ntogether"))
    found = await asyncio.to_thread(hal0.cli, "check")
    assert found.returncode == 1
    assert 'hal0.yaml:12: together: there is no slot "codr" (did you mean "coder"?)' in found.stderr, (
        found.stderr
    )
