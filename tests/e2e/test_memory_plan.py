"""Who may load when memory is short: on a stub GPU of 24 GiB, 1 GiB in use, with engines that really run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.base.tasks import spawn
from tests.e2e.gpu_engine import gpu_engine
from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.router.memory.stub import StubDriver

MIB = 1 << 20
NEEDS = {"alpha": (14_000, 0), "beta": (12_000, 0), "open": (10_000, 256), "embed-model": (1_000, 0)}
TWO_SLOTS = """
models:
  alpha: {file: alpha.gguf, flags: {ctx-size: 4096}}
  beta: {file: beta.gguf, flags: {ctx-size: 4096}}
slots:
  first: {model: alpha, models: [alpha], autoload: true%s}
  second: {model: beta, models: [beta, alpha]}
"""

ONE_SLOT = """
models:
  alpha: {file: alpha.gguf, flags: {ctx-size: 4096}}
  beta: {file: beta.gguf, flags: {ctx-size: 4096}}
slots:
  primary: {model: alpha, autoload: true}
"""

Prepare = Callable[..., Hal0]


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> StubDriver:
    return StubDriver.build(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def on_gpu(make_hal0: Callable[[str], Hal0], driver: StubDriver, tmp_path: Path, llama_server: Path) -> Prepare:
    """`on_gpu(config)`: a hal0, not started, on a computer with that GPU."""
    (tmp_path / "engine").mkdir()
    program = gpu_engine(tmp_path / "engine", llama_server, NEEDS)

    def prepare(config: str) -> Hal0:
        driver.say("gpu 24576 1024 0 NVIDIA GeForce RTX 3090")
        hal0 = make_hal0(config)
        hal0.env |= driver.env() | {"HAL0_LLAMA_SERVER": str(program)}
        return hal0

    return prepare


async def load(hal0: Hal0, slot: str, model: str, **more: Any) -> tuple[int, Any]:
    return await hal0.post(f"/api/slots/{slot}/load", {"model": model, **more})


async def until_known(hal0: Hal0) -> dict[str, dict[str, Any]]:
    """/api/models by id, once the engine was asked about every model."""
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            found = await hal0.get("/api/models")
            if all(model["needs_source"] == "engine" for model in found["models"]):
                return {model["id"]: model for model in found["models"]}
            await asyncio.sleep(0.05)


async def test_what_does_not_fit_is_refused_with_the_arithmetic_and_nothing_is_touched(on_gpu: Prepare) -> None:
    hal0 = on_gpu(TWO_SLOTS % ", pinned: true")
    await hal0.start()
    before = await hal0.until_ready("alpha", "first")
    for status, body in (await load(hal0, "second", "beta"), await hal0.ask("second")):
        error = body["error"]
        assert (status, error["code"]) == (507, "memory.insufficient"), body
        assert error["message"] == (
            'Model "beta" does not fit: it needs 11.7 GiB of NVIDIA GeForce RTX 3090; 9.3 GiB is free, '
            "first is "
            "in use or pinned and keeps 13.7 GiB, 512 MiB is kept free: 2.9 GiB short; unload another slot, "
            "choose a smaller model, or force it."
        )
        (pool,) = error["details"]["pools"]
        assert pool["short"] == 12_000 * MIB + pool["headroom"] - pool["free"] == 2_960 * MIB
    after = await hal0.slot("first")
    assert (after["pid"], after["state"], after["last_error"]) == (before["pid"], "ready", None)
    second = await hal0.slot("second")
    assert (second["pid"], second["last_error"]["code"]) == (None, "memory.insufficient")
    assert len(hal0.engines()) == 1
    known = await until_known(hal0)
    assert known["beta"]["slots"] == {
        "second": {"fit": "short", "margin": 2_960 * MIB, "evict": [], "beside": False}
    }
    listed = await asyncio.to_thread(hal0.cli, "models", "--fit")
    assert "short by 2.9 GiB" in next(line for line in listed.stdout.splitlines() if line.startswith("beta"))


async def test_force_loads_it_all_the_same(on_gpu: Prepare) -> None:
    hal0 = on_gpu(TWO_SLOTS % ", pinned: true")
    await hal0.start()
    before = await hal0.until_ready("alpha", "first")
    status, body = await load(hal0, "second", "beta", force=True)
    assert status == 200, body
    assert (await hal0.slot("second"))["state"] == "ready"
    assert (await hal0.slot("first"))["pid"] == before["pid"], "pinned"
    assert len(hal0.engines()) == 2


async def test_an_idle_slot_makes_room_is_named_and_loads_again_when_asked(on_gpu: Prepare) -> None:
    hal0 = on_gpu(TWO_SLOTS % "")
    await hal0.start()
    await hal0.until_ready("alpha", "first")
    known = await until_known(hal0)
    assert (known["beta"]["fit"], known["beta"]["slots"]["second"]["evict"]) == ("fits", ["first"])
    asked = spawn(hal0.chat("second"), name="a request for second")
    made = await hal0.until_slot(lambda s: bool(s["evicting"]), "who makes room", "second")
    assert (made["evicting"], made["target"]) == (["first"], "beta")
    assert "Beta" in await asked
    first = await hal0.slot("first")
    assert (first["state"], first["model"], first["pid"]) == ("unloaded", "alpha", None)
    assert (await hal0.slot("second"))["evicting"] == []
    assert "Alpha" in await hal0.chat("first")
    assert (await hal0.slot("second"))["state"] == "unloaded"
    assert len(hal0.engines()) == 1


async def test_two_that_are_loaded_at_the_start_cannot_both_pass(on_gpu: Prepare) -> None:
    config = (TWO_SLOTS % "").replace("models: [beta, alpha]", "models: [beta, alpha], autoload: true")
    hal0 = on_gpu(config)
    await hal0.start()
    async with asyncio.timeout(WAIT_SECONDS):
        while True:
            slots = sorted((await hal0.state())["slots"], key=lambda slot: slot["state"] == "ready")
            if slots[1]["state"] == "ready" and slots[0]["state"] in ("failed", "unloaded"):
                break
            await asyncio.sleep(0.05)
    error = slots[0]["last_error"]
    assert error is None or error["code"] == "memory.insufficient"
    assert len(hal0.engines()) == 1


async def test_where_only_one_fits_the_old_engine_is_gone_before_the_new_one_starts(on_gpu: Prepare) -> None:
    """Seed 004: "the old llama-server was never waited on to release GPU memory before starting a new one,
    causing OOM on rapid model switches"."""
    hal0 = on_gpu(ONE_SLOT)
    await hal0.start()
    await hal0.until_ready("alpha")
    most, switching = 0, True

    async def watch() -> None:
        nonlocal most
        while switching:
            most = max(most, len(await asyncio.to_thread(hal0.engines)))

    watcher = spawn(watch(), name="watch")
    for model in ["beta", "alpha"] * 3:
        assert (await load(hal0, "primary", model))[0] == 200
    switching = False
    await watcher
    assert most == 1


OPEN = """
models:
  open: {file: open.gguf}
slots:
  primary: {model: open, models: [open]}
  embedding: {kind: embedding, model: embed-model, models: [embed-model]}
"""


async def test_an_open_context_is_told_before_the_load_and_is_what_the_engine_gets(
    on_gpu: Prepare, model_folder: Path
) -> None:
    (model_folder / "alpha.gguf").rename(model_folder / "open.gguf")
    hal0 = on_gpu(OPEN)
    await hal0.start()
    known = (await until_known(hal0))["open"]
    # 23 GiB less 1,000 MiB for the embeddings, 1/32 and the headroom: some 11 GiB for the context.
    assert (known["context_auto"], known["context_trained"]) == (True, 65_536)
    async with asyncio.timeout(WAIT_SECONDS):
        while (context := await told(hal0, "open")) == 65_536:
            await asyncio.sleep(0.05)
    assert context == 32_768
    assert await told(hal0, "primary") == context
    await hal0.chat("primary")
    assert await told(hal0, "open") == await told(hal0, "primary") == context
    props = await hal0.get("/props?model=primary")
    assert props["default_generation_settings"]["n_ctx"] == context
    (engine,) = hal0.engines()
    argv = engine.cmdline()
    assert argv[argv.index("--ctx-size") + 1] == str(context)
    pid = engine.pid
    await hal0.post("/v1/embeddings", {"model": "embedding", "input": "words"})
    assert len(hal0.engines()) == 2 and pid in [p.pid for p in hal0.engines()], "there was room left for it"
    assert (await hal0.slot("primary"))["pid"] == pid, "choosing a context is no reason to restart"


async def told(hal0: Hal0, name: str) -> int | None:
    """The context length /v1/models tells."""
    rows = (await hal0.get("/v1/models"))["data"]
    found: int | None = next(row["context_length"] for row in rows if row["id"] == name)
    return found


async def test_what_does_not_fit_is_loaded_in_a_way_in_which_it_does(
    make_hal0: Callable[[str], Hal0], driver: StubDriver, tmp_path: Path, llama_server: Path
) -> None:
    """The refusal names the way, the command takes it, and hal0.yaml has it then, beside what was there."""
    (tmp_path / "engine").mkdir()
    program = gpu_engine(tmp_path / "engine", llama_server, {"alpha": (3_000, 0)}, offloads=True)
    driver.say("gpu 3072 1024 0 Small card")
    hal0 = make_hal0(
        "models:\n  alpha: {file: alpha.gguf, flags: {ctx-size: 4096}}  # mine\nslots:\n  primary: {}\n"
    )
    hal0.env |= driver.env() | {"HAL0_LLAMA_SERVER": str(program)}
    await hal0.start()
    status, body = await load(hal0, "primary", "alpha")
    assert status == 507, body
    assert "it would fit with 0 layers on the GPU (n-gpu-layers 0)" in body["error"]["message"]
    way = {"flags": ["n-gpu-layers=0"], "needs": 3_000 * MIB, "host": 0, "model": None}
    assert body["error"]["details"]["ways"] == [way]
    assert (await hal0.slot("primary"))["last_error"]["remedy"] == ["n-gpu-layers=0"]
    assert await hal0.get("/api/fit?model=alpha&slot=primary") == {"fits": False, "ways": [way]}
    await until_known(hal0)
    listed = await asyncio.to_thread(hal0.cli, "models", "--fit")
    assert "  alpha: it would fit with 0 layers on the GPU" in listed.stdout, listed.stderr
    done = await asyncio.to_thread(hal0.cli, "switch", "primary", "alpha", "--fit")
    assert done.returncode == 0, done.stderr
    assert "alpha: it would fit with 0 layers" in done.stdout and "is running in primary" in done.stdout
    written = (hal0.home / "hal0.yaml").read_text()
    assert "n-gpu-layers: 0" in written and "ctx-size: 4096" in written and "# mine" in written


STARTS = """
models:
  alpha: {file: alpha.gguf, flags: {ctx-size: 4096}}
  beta: {file: beta.gguf, flags: {ctx-size: 4096}}
slots:
  second: {model: beta, models: [beta], autoload: true}
  first: {model: alpha, models: [alpha], autoload: true, priority: 5}
"""


async def test_what_is_loaded_at_the_start_is_not_unloaded_for_the_rest_of_the_start(on_gpu: Prepare) -> None:
    """Not both fit: the most wanted is there, until somebody asks for the other."""
    hal0 = on_gpu(STARTS)
    await hal0.start()
    await hal0.until_ready("alpha", "first")
    refused = await hal0.until_slot(lambda s: s["last_error"] is not None, "a refusal", "second")
    assert refused["last_error"]["code"] == "memory.insufficient"
    assert "first was loaded before it and keeps 13.7 GiB" in refused["last_error"]["message"]
    assert (await hal0.slot("first"))["state"] == "ready"
    assert await hal0.chat("second")
    assert (await hal0.slot("first"))["state"] == "unloaded"
