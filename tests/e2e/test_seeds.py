"""The bugs that hal0's predecessor had, each against a real hal0 with real engines. The docstrings quote its
reports ("seeds").

Those that are decisions alone are in tests/router/test_resolve.py and slots/test_scheduler.py; waiting clients
in test_alive.py.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from router.base.tasks import spawn
from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.harness import Hal0
from tests.engines.running import until
from tests.engines.slow import slow_server

LOAD_SECONDS = 2.0
STREAM_TOKENS = 3000
"""Takes longer than the load as a rule, and never as long as the drain timeout."""

TWO_SLOTS = """
slots:
  primary: {model: alpha, autoload: true, switch: manual}
  agent-hermes: {model: beta, autoload: true, switch: manual}
  embed: {kind: embedding, model: embed-model}
"""


async def test_naming_the_other_slots_model_reaches_that_slot(make_hal0: Callable[[str], Hal0]) -> None:
    """Seed 000: "POST /v1/chat/completions resolves every request ... and dispatches to the primary slot,
    regardless of what model the request body specifies"."""
    hal0 = make_hal0(TWO_SLOTS)
    await hal0.start()
    await asyncio.gather(hal0.until_ready("alpha"), hal0.until_ready("beta", "agent-hermes"))
    assert await hal0.chat("beta") == BETA
    assert await hal0.chat("agent-hermes") == BETA
    assert await hal0.chat("alpha") == ALPHA
    await hal0.until_output("resolution_path=loaded slot=agent-hermes served=beta")


async def test_unknown_models_never_reach_primary(hal0: Hal0) -> None:
    """Seed 002: "Old Tier-4 rule-7 silently routed any unmatched model -> primary"."""
    for path, body in (("/v1/chat/completions", {"messages": []}), ("/v1/completions", {"prompt": "x"})):
        status, answer = await hal0.post(path, {"model": "gpt-4o", **body})
        assert (status, answer["error"]["code"]) == (404, "model.not_found")
    assert "dispatch.decision" not in hal0.output()


async def test_embeddings_and_images_never_reach_the_chat_slot(make_hal0: Callable[[str], Hal0]) -> None:
    """Seed 002: "a silent misroute: unknown/embed/image requests got misdelivered to the chat slot"."""
    hal0 = make_hal0(TWO_SLOTS)
    await hal0.start()
    status, body = await hal0.post("/v1/embeddings", {"input": "no model named"})
    assert status == 200 and body["data"]
    status, body = await hal0.post("/v1/embeddings", {"model": "alpha", "input": "x"})
    assert (status, body["error"]["code"]) == (400, "model.wrong_kind")
    status, body = await hal0.post("/v1/images/generations", {"prompt": "x"})
    assert (status, body["error"]["code"]) == (400, "request.invalid")


async def test_a_slot_that_is_down_is_an_honest_error_not_another_slot(
    make_hal0: Callable[[str], Hal0],
) -> None:
    """Seed 001: "Down container -> existing readiness gate ... rather than silently serving from" elsewhere."""
    hal0 = make_hal0(TWO_SLOTS)
    (hal0.home / "models" / "beta.gguf").write_bytes(b"GGUF no more")
    await hal0.start()
    await hal0.until_ready("alpha")
    for name in ("agent-hermes", "beta"):
        status, body = await hal0.ask(name)
        assert status == 400 and "beta.gguf" in body["error"]["message"], body


async def test_a_failed_switch_releases_every_waiter(make_hal0: Callable[[str], Hal0]) -> None:
    """Seed 004: "Always drain_queue() + complete_switch() after switch failure so queued requests don't
    hang forever waiting on a never-set switching event"."""
    hal0 = make_hal0(SLOTS)
    data = (hal0.home / "models" / "beta.gguf").read_bytes()
    bad = data.replace(b"blk.0.attn_norm.weight", b"xxx.0.attn_norm.weight")
    (hal0.home / "models" / "odd.gguf").write_bytes(bad)
    await hal0.start()
    await hal0.until_ready("alpha")
    switch = spawn(hal0.post("/api/slots/primary/load", {"model": "odd"}), name="switch")
    asked = [hal0.ask(name) for name in ["odd", "primary"] * 5]
    async with asyncio.timeout(20):
        answers = await asyncio.gather(*asked)
        assert (await switch)[0] == 502
    for name, (status, body) in zip(["odd", "primary"] * 5, answers, strict=True):
        if name == "odd":
            assert status == 502 and body["error"]["code"] == "engine.failed"
        else:
            assert body["choices"][0]["message"]["content"] == ALPHA
    slot = await hal0.slot()
    assert (slot["model"], slot["state"], slot["queued"]) == ("alpha", "ready", 0)


async def test_where_memory_is_short_the_old_engine_is_reaped_before_the_new_one_starts(
    make_hal0: Callable[[str], Hal0],
) -> None:
    """Seed 004: "the old llama-server was never waited on to release GPU memory before starting a new one,
    causing OOM on rapid model switches"."""
    hal0 = make_hal0("memory: {headroom: 1TiB}\nslots:\n  primary: {model: alpha}\n")
    await hal0.start()
    load = "/api/slots/primary/load"
    assert (await hal0.post(load, {"model": "alpha", "force": True}))[0] == 200
    engine = hal0.engines()[0]
    for status, body in (await hal0.post(load, {"model": "beta"}), await hal0.ask("beta")):
        assert (status, body["error"]["code"]) == (507, "memory.insufficient")
    assert hal0.engines() == [engine] and await hal0.chat("alpha") == ALPHA, "nothing was touched"
    async with counting(hal0) as alive:
        for model in ["beta", "alpha"] * 3:
            assert (await hal0.post(load, {"model": model, "force": True}))[0] == 200
    assert max(alive) == 1


async def test_where_both_fit_the_old_engine_answers_until_the_new_one_is_ready(
    make_hal0: Callable[[str], Hal0], llama_server: Path
) -> None:
    """The same seed's other half: where memory is proven to be there for both, nobody has to wait."""
    hal0 = make_hal0("slots:\n  primary: {model: alpha, autoload: true, switch: manual, drain_timeout: 600}\n")
    hal0.env["HAL0_LLAMA_SERVER"] = str(slow_server(hal0.home, llama_server, LOAD_SECONDS))
    await hal0.start()
    await hal0.until_ready("alpha")
    stream = spawn(_long_stream(hal0, STREAM_TOKENS), name="stream")
    await hal0.until_slot(lambda s: s["in_flight"] == 1, "the stream")
    async with counting(hal0) as alive:
        load = spawn(hal0.post("/api/slots/primary/load", {"model": "beta"}), name="load")
        await hal0.until_slot(lambda s: s["target"] == "beta" and s["state"] == "starting", "the load")
        follows = [spawn(hal0.ask(name), name=name) for name in ("primary", "beta")]
        answers = []
        while not load.done():
            answers.append(await hal0.ask("alpha"))
        assert (await load)[0] == 200
    statuses = [status for status, _ in answers]
    assert statuses.count(200) >= 1, "who names the old model is answered while the new one loads"
    told = {body["choices"][0]["message"]["content"] for status, body in answers if status == 200}
    assert told == {ALPHA}
    assert statuses == sorted(statuses) and set(statuses) <= {200, 404}, "until alpha is not loaded any more"
    for _, body in [await answer for answer in follows]:
        assert body["choices"][0]["message"]["content"] == BETA
    assert await stream == "length", "a stream on the old engine ends as if nothing had happened"
    assert max(alive) == 2
    await until(lambda: len(hal0.engines()) == 1, "the old engine's end")


@asynccontextmanager
async def counting(hal0: Hal0) -> AsyncIterator[list[int]]:
    """How many engines there were, each time one looked."""
    alive = [len(hal0.engines())]
    over = asyncio.Event()

    async def watch() -> None:
        while not over.is_set():
            alive.append(await asyncio.to_thread(lambda: len(hal0.engines())))

    watcher = spawn(watch(), name="watch")
    try:
        yield alive
    finally:
        over.set()
        await watcher


async def _long_stream(hal0: Hal0, tokens: int) -> str:
    """An answer of so many tokens; the reason its end was given."""
    body = {"model": "alpha", "messages": [{"role": "user", "content": "Hello?"}], "stream": True}
    reason = ""
    more = {"ignore_eos": True, "max_tokens": tokens}
    async with hal0.session.post(hal0.url + "/v1/chat/completions", json={**body, **more}) as answer:
        async for line in answer.content:
            if line.startswith(b"data: {"):
                event = json.loads(line.removeprefix(b"data: "))
                assert "error" not in event, event
                reason = event["choices"][0]["finish_reason"] or reason if event["choices"] else reason
    return reason


async def test_yaml_words_and_underscores_become_the_engines_flags(make_hal0: Callable[[str], Hal0]) -> None:
    """Seed 004: "str(True)='True' which is INVALID for llama.cpp's --flash-attn flag"; "error: invalid
    argument: --n-ctx"; "underscores to hyphens in flag names"."""
    hal0 = make_hal0(
        "models:\n  tuned: {file: alpha.gguf, flags: {n_ctx: 4096, flash_attn: on, cont_batching: yes}}\n"
        "slots:\n  primary: {model: tuned}\n"
    )
    await hal0.start()
    assert await hal0.chat() == ALPHA
    argv = hal0.engines()[0].cmdline()
    assert argv[argv.index("--flash-attn") + 1] == "on"
    assert argv[argv.index("--ctx-size") + 1] == "4096"
    assert "--cont-batching" in argv and "True" not in argv
    slot = await hal0.slot()
    assert slot["context_length"] == 4096, "seed 004: num_ctx hardcoded to 4096 for every model"


async def test_engines_listen_on_loopback_only_and_hal0_reaches_them(hal0: Hal0) -> None:
    """Seed 004: "llama-server defaults to binding on 127.0.0.1": here that is right, and said explicitly."""
    engine = hal0.engines()[0]
    addresses = {c.laddr.ip for c in engine.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    assert addresses == {"127.0.0.1"}
    argv = engine.cmdline()
    assert argv[argv.index("--host") + 1] == "127.0.0.1"


async def test_router_and_engine_ports_cannot_collide(make_hal0: Callable[[str], Hal0]) -> None:
    """Seed 004: "Sidecar and llama-server were both configured on port 8080"."""
    hal0 = make_hal0(SLOTS)
    text = f"server: {{port: 8150}}\nengine: {{ports: [8101, 8199]}}\nmodel_dirs: []\n{SLOTS}"
    (hal0.home / "hal0.yaml").write_text(text)
    done = await asyncio.to_thread(hal0.cli, "check")
    assert done.returncode == 1 and "8150" in done.stderr and "hal0.yaml:2" in done.stderr


async def test_what_the_engine_said_is_kept_in_a_writable_place(hal0: Hal0) -> None:
    """Seed 004: "llama-server stderr was DEVNULL"; "/tmp read-only. Writing ... failed with EROFS"."""
    log = next(hal0.home.rglob("engine-primary.log"))
    assert log.is_relative_to(hal0.home / "state")
    assert await hal0.stop() == 0
    assert "listening on" in log.read_text()


async def test_a_request_without_a_model_reaches_the_chat_slot(hal0: Hal0) -> None:
    """Seed 004: "route requests with no model body to the currently active backend instead of 503"."""
    assert await hal0.chat(None) == ALPHA


async def test_an_engine_that_cannot_be_reached_is_named_in_the_error(hal0: Hal0) -> None:
    """Seed 004: "it was silently swallowed by the catch-all except block"."""
    engine = hal0.engines()[0]
    engine.suspend()
    asked = spawn(hal0.ask("primary"), name="asked")
    await hal0.until_slot(lambda s: s["in_flight"] == 1, "it to be served")
    engine.kill()
    status, body = await asked
    assert (status, body["error"]["code"]) == (502, "engine.failed")
    assert "signal 9" in body["error"]["message"] or "killed" in body["error"]["message"]
