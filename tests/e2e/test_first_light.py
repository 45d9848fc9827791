"""Issue A: one port, a real llama-server, and the state object is what is routed."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Callable
from typing import Any

import openai
import psutil
import pytest

from router.base.tasks import spawn
from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.harness import WAIT_SECONDS, Hal0

SENTENCES = {"alpha": ALPHA, "beta": BETA}


async def agrees(hal0: Hal0, model: str) -> None:
    """Snapshot, model list and answer all say `model`."""
    slot = await hal0.until_ready(model)
    assert slot["model"] == model and slot["loaded"] == [model] and slot["target"] is None
    rows = {row["id"]: row for row in (await hal0.get("/v1/models"))["data"]}
    assert rows["primary"]["model"] == model
    loaded = {name for name in SENTENCES if rows[name]["status"]["value"] == "loaded"}
    assert loaded == {model}
    status, body = await hal0.ask("primary")
    assert (status, body["model"]) == (200, model)
    assert body["choices"][0]["message"]["content"] == SENTENCES[model]


async def test_the_same_request_is_answered_by_the_model_switched_to(hal0: Hal0) -> None:
    assert await hal0.chat("primary") == ALPHA
    status, body = await hal0.post("/api/slots/primary/load", {"model": "beta"})
    assert status == 200 and body["slot"]["state"] == "ready"
    assert await hal0.chat("primary") == BETA


async def test_everything_agrees_after_every_step_of_random_switches(hal0: Hal0) -> None:
    """From API, CLI and requests; test_real_tray does the same with clicks in the tray."""
    dice = random.Random(7)
    for _ in range(12):
        model = dice.choice(list(SENTENCES))
        how = dice.choice(["api", "cli", "request", "scoped request"])
        if how == "api":
            assert (await hal0.post("/api/slots/primary/load", {"model": model}))[0] == 200
        elif how == "cli":
            done = await asyncio.to_thread(hal0.cli, "switch", "primary", model)
            assert done.returncode == 0, done.stderr
        else:
            asked = model if how == "request" else f"primary:{model}"
            assert await hal0.chat(asked) == SENTENCES[model]
        await agrees(hal0, model)


async def test_streams_arrive_in_pieces(hal0: Hal0) -> None:
    client = openai.AsyncOpenAI(base_url=hal0.url + "/v1", api_key="none", max_retries=0)
    async with client:
        stream = await client.chat.completions.create(
            model="primary", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        chunks = [chunk async for chunk in stream]
    text = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert "".join(text) == ALPHA and len(text) >= 4


async def test_completions_and_embeddings(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS + "  embed: {kind: embedding, model: embed-model}\n")
    await hal0.start()
    status, body = await hal0.post("/v1/completions", {"model": "alpha", "prompt": "Say it:"})
    assert status == 200 and body["choices"][0]["text"].strip() == ALPHA
    status, body = await hal0.post("/v1/embeddings", {"model": "embed", "input": ["one", "two"]})
    assert status == 200 and len(body["data"]) == 2 and any(body["data"][0]["embedding"])
    status, body = await hal0.post("/v1/embeddings", {"model": "primary", "input": "one"})
    assert (status, body["error"]["code"]) == (400, "model.wrong_kind")


async def test_an_unknown_model_is_not_found_and_nothing_is_loaded(hal0: Hal0) -> None:
    before = await hal0.slot()
    status, body = await hal0.ask("gpt-4")
    assert (status, body["error"]["code"]) == (404, "model.not_found")
    assert (await hal0.slot())["pid"] == before["pid"]


async def test_the_model_list_has_slots_first_and_true_context_lengths(hal0: Hal0) -> None:
    rows = (await hal0.get("/v1/models"))["data"]
    assert rows[0]["id"] == "primary" and {r["owned_by"] for r in rows} == {"hal0"}
    assert len({r["id"] for r in rows}) == len(rows)
    assert all(r["context_length"] == 65536 for r in rows)


async def test_context_length_is_the_flags(make_hal0: Callable[[str], Hal0]) -> None:
    """Seed 004: hardcoded `num_ctx 4096` for every model."""
    hal0 = make_hal0(
        "models:\n  short: {file: alpha.gguf, flags: {n_ctx: 2048, flash_attn: on}}\n"
        "slots:\n  primary: {model: short}\n"
    )
    await hal0.start()
    rows = {r["id"]: r for r in (await hal0.get("/v1/models"))["data"]}
    assert rows["primary"]["context_length"] == rows["short"]["context_length"] == 2048
    assert await hal0.chat("primary") == ALPHA
    assert (await hal0.slot())["context_length"] == 2048, "as the engine itself reports it"


async def test_events_begin_with_the_snapshot_and_then_tell_changes(hal0: Hal0) -> None:
    """A reader that is slower than the switch may miss phases; what it sees comes in their order."""
    wanted = ["queued", "draining", "stopping", "starting", "loading", "warming", "ready"]
    phases: list[str] = []
    revision = -1
    switched: asyncio.Task[tuple[int, Any]] | None = None
    async with asyncio.timeout(WAIT_SECONDS):
        async for name, data in hal0.events():
            assert name == ("snapshot" if revision < 0 else "change")
            assert data["revision"] > revision
            revision = data["revision"]
            if switched is None:
                load = hal0.post("/api/slots/primary/load", {"model": "beta"})
                switched = spawn(load, name="switch")
                continue
            changed = [s for s in data.get("slots", []) if "beta" in (s["model"], s["target"])]
            phases += [s["state"] for s in changed]
            if phases[-1:] == ["ready"]:
                break
    assert switched is not None and (await switched)[0] == 200
    seen = list(dict.fromkeys(phases))
    assert seen == sorted(seen, key=wanted.index)


async def test_selection_survives_a_restart_and_the_config_is_not_rewritten(hal0: Hal0) -> None:
    written = (hal0.home / "hal0.yaml").read_bytes()
    await hal0.post("/api/slots/primary/load", {"model": "beta"})
    assert await hal0.stop() == 0
    await hal0.start()
    await agrees(hal0, "beta")
    assert (hal0.home / "hal0.yaml").read_bytes() == written


IGNORING = ("sh", "-c", 'trap "" INT HUP CHLD; exec "$@"', "sh")


async def test_started_by_nohup_it_outlives_the_terminal_and_still_ends_well(
    make_hal0: Callable[[str], Hal0],
) -> None:
    """Row 29: `nohup hal0 serve &`, and a supervisor that ignores its children."""
    hal0 = make_hal0(SLOTS)
    hal0.within = IGNORING
    await hal0.start()
    await hal0.until_ready("alpha")
    engines = hal0.engines()
    assert hal0.process is not None
    for number in (signal.SIGINT, signal.SIGHUP):
        hal0.process.send_signal(number)
    assert await hal0.chat() == ALPHA
    engines[0].kill()
    slot = await hal0.until_slot(lambda s: s["last_error"] is not None, "the engine's end")
    assert "killed (signal 9)" in slot["last_error"]["message"], "its exit code is known"
    assert await hal0.stop() == 0
    assert not any(engine.is_running() for engine in engines)


async def test_the_end_of_its_terminal_ends_it_well(make_hal0: Callable[[str], Hal0]) -> None:
    """Row 29: it was killed on the spot. It is started with the signal's default, also below nohup."""
    inherited = signal.signal(signal.SIGHUP, lambda *_: None)  # a handler is not inherited
    try:
        hal0 = make_hal0(SLOTS)
        await hal0.start()
    finally:
        signal.signal(signal.SIGHUP, inherited)
    await hal0.until_ready("alpha")
    engines = hal0.engines()
    assert await hal0.stop(signal.SIGHUP) == 0
    assert engines and not any(engine.is_running() for engine in engines)


async def test_without_a_config_the_embedded_model_answers(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0("")
    (hal0.home / "hal0.yaml").write_text(f"server: {{port: {hal0.port}}}\nmodel_dirs: []\n")
    await hal0.start()
    slot = await hal0.until_ready()
    assert slot["model"] == "hal0-demo"
    assert (await hal0.chat(None)).startswith("Hello from hal0")


async def test_no_engine_outlives_a_hal0_that_is_killed(hal0: Hal0) -> None:
    engines = hal0.engines()
    assert len(engines) == 1
    await hal0.kill()
    _gone, alive = await asyncio.to_thread(psutil.wait_procs, engines, 2)
    assert not alive


async def test_no_engine_outlives_a_hal0_that_quits(hal0: Hal0) -> None:
    engines = hal0.engines()
    assert await hal0.stop() == 0
    assert engines and not any(p.is_running() for p in engines)


async def test_the_next_request_after_an_idle_crash_is_answered(hal0: Hal0) -> None:
    crashed = (await hal0.slot())["pid"]
    psutil.Process(crashed).kill()
    await hal0.until_slot(lambda s: s["pid"] != crashed, "the crash to be noticed")
    assert await hal0.chat("primary") == ALPHA
    assert (await hal0.slot())["pid"] != crashed


BROKEN = """
models:
  bad-flag: {file: alpha.gguf, flags: {ctx-sise: 4096}}
  bad-value: {file: alpha.gguf, flags: {cache-type-k: q9_9}}
  missing: {file: nowhere.gguf}
  truncated: {file: truncated.gguf}
slots:
  primary: {model: alpha, autoload: true}
"""


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("bad-flag", ["ctx-sise", "ctx-size"]),
        ("bad-value", ["q9_9"]),
        ("missing", ["nowhere.gguf"]),
        ("truncated", ["truncated.gguf", "truncated"]),
    ],
)
async def test_a_model_that_cannot_start_says_why_and_the_one_before_answers(
    make_hal0: Callable[[str], Hal0], model: str, words: list[str]
) -> None:
    hal0 = make_hal0(BROKEN)
    whole = (hal0.home / "models" / "alpha.gguf").read_bytes()
    (hal0.home / "models" / "truncated.gguf").write_bytes(whole[: len(whole) // 2])
    await hal0.start()
    before = await hal0.until_ready("alpha")
    status, body = await hal0.post("/api/slots/primary/load", {"model": model})
    message = body["error"]["message"]
    assert status == 400 and all(word in message for word in words), message
    assert "\n" not in message
    slot = await hal0.slot()
    assert (slot["state"], slot["model"], slot["pid"]) == ("ready", "alpha", before["pid"])
    assert slot["last_error"]["message"] == message and slot["last_error"]["model"] == model
    assert await hal0.chat("primary") == ALPHA
    status, body = await hal0.ask(model)
    assert status == 400 and body["error"]["code"] == "model.invalid"


async def test_an_engine_that_dies_while_loading_is_quoted_and_the_model_before_restored(
    make_hal0: Callable[[str], Hal0],
) -> None:
    """A GGUF whose header is fine but whose tensors the engine refuses."""
    hal0 = make_hal0("slots:\n  primary: {model: alpha, autoload: true}\n")
    data = bytearray((hal0.home / "models" / "beta.gguf").read_bytes())
    at = data.index(b"blk.0.attn_norm.weight")
    data[at : at + 3] = b"xxx"
    (hal0.home / "models" / "odd.gguf").write_bytes(data)
    await hal0.start()
    await hal0.until_ready("alpha")
    status, body = await hal0.post("/api/slots/primary/load", {"model": "odd"})
    assert (status, body["error"]["code"]) == (502, "engine.failed")
    assert "blk.0.attn_norm.weight" in body["error"]["message"], "the engine's own first error line"
    assert "exit code 1" in body["error"]["message"]
    assert await hal0.chat("primary") == ALPHA
    assert (await hal0.slot())["last_error"]["model"] == "odd"


async def test_a_port_in_use_is_named_with_its_holder(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS)
    await hal0.start()
    second = await asyncio.to_thread(hal0.cli, "serve")
    assert second.returncode == 1
    last = second.stderr.strip().splitlines()[-1]
    assert str(hal0.port) in last and "already used" in last and "server.port" in last


async def test_no_free_engine_port_is_an_error_and_the_slot_says_so(
    make_hal0: Callable[[str], Hal0],
) -> None:
    import socket

    hal0 = make_hal0(SLOTS)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        text = f"server: {{port: {hal0.port}}}\nengine: {{ports: [{port}, {port}]}}\n"
        (hal0.home / "hal0.yaml").write_text(text + f"model_dirs: [{hal0.home / 'models'}]\n" + SLOTS)
        await hal0.start()
        status, body = await hal0.ask("primary")
        assert status == 502 and "in use" in body["error"]["message"], body


async def test_status_logs_and_unload_from_the_command_line(hal0: Hal0) -> None:
    shown = await asyncio.to_thread(hal0.cli, "status")
    assert "primary · alpha · ready" in shown.stdout
    logs = await asyncio.to_thread(hal0.cli, "logs", "primary")
    assert "listening on" in logs.stdout
    assert (await asyncio.to_thread(hal0.cli, "unload", "primary")).returncode == 0
    assert (await hal0.slot())["state"] == "unloaded" and not hal0.engines()
    wrong = await asyncio.to_thread(hal0.cli, "switch", "primary", "gamma")
    assert wrong.returncode == 1 and "gamma" in wrong.stderr


async def test_codes_and_hints_of_a_hal0_that_runs(hal0: Hal0) -> None:
    """Row 46: names that are nearly right, and a hal0.yaml that is broken meanwhile."""
    for words, meant in (
        (("switch", "primry", "beta"), "primary"),
        (("switch", "primary", "bata"), "beta"),
        (("unload", "primry"), "primary"),
        (("logs", "primry"), "primary"),
        (("engine", "remove", "debain-1"), None),
        (("model", "rm", "alpa", "--yes"), "alpha"),
    ):
        done = await asyncio.to_thread(hal0.cli, *words)
        assert done.returncode == 1 and "Traceback" not in done.stderr
        assert meant is None or f'Did you mean "{meant}"?' in done.stderr, done.stderr
    assert (await asyncio.to_thread(hal0.cli, "status")).returncode == 0
    file = hal0.home / "hal0.yaml"
    file.write_text(file.read_text() + "prot: 1\n")
    refused = await asyncio.to_thread(hal0.cli, "reload")
    assert refused.returncode == 1 and "prot: is not a setting" in refused.stderr
    done = await asyncio.to_thread(hal0.cli, "status")
    assert done.returncode == 1 and "primary · alpha" in done.stdout and "has an error" in done.stdout


async def test_check_lists_every_problem_with_its_line(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0("slots:\n  primary: {modle: alpha}\n  embed: {kind: embeding}\n")
    done = await asyncio.to_thread(hal0.cli, "check")
    assert done.returncode == 1
    assert "hal0.yaml:5" in done.stderr and 'did you mean "model"' in done.stderr
    assert "hal0.yaml:6" in done.stderr and 'did you mean "embedding"' in done.stderr


MISTAKEN = """
models:
  tuned:
    file: alpha.gguf
    aliases: [beta]
    flags:
      ctx-sise: 4096
      cache-type-k: q9_9
      lora: [gone.gguf]
      mmproj: $HOME/x.gguf
      ctx-size-draft: 5
      embeddings: on
  gone: {file: nowhere.gguf}
slots:
  primary: {model: nope}
  embed: {kind: embedding, model: tuned}
  cmd: {kind: stt, command: "no-such-program --port {port}"}
"""


@pytest.mark.parametrize("first", ["limits: {queue: 5}\n", "limits: {queue: -5}\n"])
async def test_check_tells_what_only_files_and_the_engine_can_judge_with_its_line(
    make_hal0: Callable[[str], Hal0], first: str
) -> None:
    """Rows 28 and 24: in one run, whether or not the file has other mistakes, and no hal0 needs to run."""
    hal0 = make_hal0(first + MISTAKEN)
    done = await asyncio.to_thread(hal0.cli, "check")
    assert done.returncode == 1
    lines = (hal0.home / "hal0.yaml").read_text().splitlines()
    for written, key, part in (
        ("aliases: [beta]", "models.tuned.aliases", "already means the file"),
        ("ctx-sise", "models.tuned.flags.ctx-sise", "did you mean --ctx-size?"),
        ("cache-type-k", "models.tuned.flags.cache-type-k", "q9_9"),
        ("lora:", "models.tuned.flags.lora", "gone.gguf, and there is no such file"),
        ("mmproj:", "models.tuned.flags.mmproj", "$NAME is not filled in here"),
        ("ctx-size-draft", "models.tuned.flags.ctx-size-draft", "--ctx-size-draft was removed"),
        ("embeddings", "models.tuned.flags.embeddings", "this is a model for chat"),
        ("gone: {", "models.gone.file", "nowhere.gguf was not found"),
        ("model: nope", "slots.primary.model", 'no model is called "nope"'),
        ("model: tuned", "slots.embed.model", "as its file says"),
        ("command:", "slots.cmd.command", 'the program "no-such-program" was not found'),
    ):
        line = 1 + next(i for i, text in enumerate(lines) if written in text)
        (told,) = [text for text in done.stderr.splitlines() if f"hal0.yaml:{line}: {key}: " in text]
        assert part in told
    assert ("limits.queue" in done.stderr) == ("-5" in first)


async def test_a_key_is_asked_for_and_never_shown(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS)
    text = (hal0.home / "hal0.yaml").read_text()
    (hal0.home / "hal0.yaml").write_text(
        text.replace(f"{{port: {hal0.port}}}", f"{{port: {hal0.port}, api_keys: ['env:HAL0_TEST_KEY']}}")
    )
    hal0.env["HAL0_TEST_KEY"] = "a-very-secret-key"
    await hal0.start()
    status, body = await hal0.ask("primary")
    assert (status, body["error"]["code"]) == (401, "auth.invalid_key")
    hal0.session.headers["Authorization"] = "Bearer a-very-secret-key"
    assert await hal0.chat("primary") == ALPHA
    assert "a-very-secret-key" not in json.dumps(await hal0.state()) + hal0.output()
    for engine in hal0.engines():
        assert "a-very-secret-key" not in " ".join(engine.cmdline())


async def test_other_web_pages_and_rebound_names_are_refused(hal0: Hal0) -> None:
    refused = await hal0.get("/api/state", Origin="https://evil.example")
    assert refused["error"]["code"] == "auth.forbidden_origin"
    refused = await hal0.get("/api/state", Host="evil.example")
    assert refused["error"]["code"] == "auth.forbidden_origin"
    assert "slots" in await hal0.get("/api/state", Origin="http://localhost:3000")
