"""What a router must get right, each over HTTP against real engines."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from router.base.tasks import spawn
from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.engines import echo
from tests.engines.slow import slow_server
from tests.fixtures_models import SpeakingModel

NUMBERS = " ".join(str(n) for n in range(3000))
ECHO = f"{sys.executable} {Path(echo.__file__)} {{port}}"


@pytest.fixture
def talker(model_folder: Path, speaking_model: SpeakingModel) -> Path:
    """A model that counts to 3000, slowly enough to be interrupted."""
    slow = speaking_model(NUMBERS, "talker", pad_bytes=120_000_000)
    return shutil.copy(slow, model_folder / "talker.gguf")


@asynccontextmanager
async def streaming(hal0: Hal0, model: str) -> AsyncIterator[aiohttp.ClientResponse]:
    """A streamed answer that has begun."""
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Count"}]}
    async with hal0.session.post(hal0.url + "/v1/chat/completions", json=body) as answer:
        assert answer.status == 200
        await answer.content.readuntil(b"\n\n")
        yield answer


async def drain(answer: aiohttp.ClientResponse) -> str:
    return (await answer.read()).decode()


async def engine_is_idle(hal0: Hal0) -> None:
    """Wait until llama-server itself says that no slot of its own is working."""
    async with asyncio.timeout(5):
        while any(slot["is_processing"] for slot in await hal0.get("/slots")):
            await asyncio.sleep(0.02)


def loads(hal0: Hal0, slot: str = "primary") -> int:
    return hal0.output().count(f"slot {slot}: starting")


async def test_a_b_c_a_b_c_is_three_loads(make_hal0: Callable[[str], Hal0], talker: Path) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: talker, autoload: true, drain_timeout: 600}\n")
    names = ["gamma", "delta", "epsilon"]
    for name in names:
        shutil.copy(hal0.home / "models" / "alpha.gguf", hal0.home / "models" / f"{name}.gguf")
    await hal0.start()
    await hal0.until_ready("talker")
    async with streaming(hal0, "talker") as busy:
        assert await hal0.chat("beta") == BETA, "beside the stream"
        asked = [spawn(hal0.chat(name), name=name) for name in names * 2]
        await hal0.until_slot(lambda s: s["queued"] == 6, "six to wait until the talker has left")
        busy.close()
    assert await asyncio.gather(*asked) == [ALPHA] * 6
    assert loads(hal0) == 2 + 3


async def test_where_memory_is_short_a_switch_waits_for_streams_to_end(
    make_hal0: Callable[[str], Hal0], talker: Path
) -> None:
    hal0 = make_hal0(
        "memory: {headroom: 1TiB}\nslots:\n  primary: {model: talker, drain_timeout: 60, switch: manual}\n"
    )
    await hal0.start()
    load = "/api/slots/primary/load"
    assert (await hal0.post(load, {"model": "talker", "force": True}))[0] == 200
    async with streaming(hal0, "talker") as busy:
        other = spawn(hal0.post(load, {"model": "beta", "force": True}), name="beta")
        await hal0.until_slot(lambda s: s["state"] == "draining", "draining")
        assert (await hal0.slot())["in_flight"] == 1
        busy.close()
    assert (await other)[0] == 200 and await hal0.chat("beta") == BETA


async def test_a_long_stream_is_only_broken_off_when_a_third_model_needs_its_place(
    make_hal0: Callable[[str], Hal0], talker: Path
) -> None:
    """Row 40: it was cut after drain_timeout, though the new model fitted beside it."""
    hal0 = make_hal0("slots:\n  primary: {model: talker, autoload: true, drain_timeout: 1}\n")
    await hal0.start()
    await hal0.until_ready("talker")
    async with streaming(hal0, "talker") as busy:
        assert await hal0.chat("beta") == BETA
        slot = await hal0.slot()
        assert (slot["leaving"], slot["draining"], slot["drain_deadline"]) == (["talker"], 1, None)
        began = time.monotonic()
        while time.monotonic() - began < 2.0:
            assert b"error" not in await busy.content.readuntil(b"\n\n")
        other = spawn(hal0.chat("alpha"), name="alpha")
        await hal0.until_slot(lambda s: s["drain_deadline"] is not None, "the time it has now")
        said = await drain(busy)
    assert '"code": "model_not_available"' in said.splitlines()[-2] and "drain_timeout" in said
    assert await other == ALPHA


async def test_slots_load_in_parallel(make_hal0: Callable[[str], Hal0], llama_server: Path) -> None:
    hal0 = make_hal0("slots:\n  one: {model: alpha}\n  two: {model: beta}\n")
    hal0.env["HAL0_LLAMA_SERVER"] = str(slow_server(hal0.home, llama_server, 2.0))
    await hal0.start()
    asked = [spawn(hal0.chat(name), name=name) for name in ("one", "two")]
    async with asyncio.timeout(WAIT_SECONDS):
        while not all(slot["state"] in ("starting", "loading") for slot in (await hal0.state())["slots"]):
            await asyncio.sleep(0.02)
    assert await asyncio.gather(*asked) == [ALPHA, BETA]


async def test_waiting_for_a_turn_is_bounded(make_hal0: Callable[[str], Hal0], talker: Path) -> None:
    hal0 = make_hal0(
        "slots:\n  primary: {model: talker, autoload: true, drain_timeout: 600}\nlimits: {wait: 2}\n"
    )
    await hal0.start()
    await hal0.until_ready("talker")
    async with streaming(hal0, "talker"):
        assert await hal0.chat("beta") == BETA, "beside the stream; a third engine has to wait for its end"
        status, body = await hal0.ask("alpha")
        # After a second the answer had begun, to keep its client alive: the refusal is its body.
        assert (status, body["error"]["code"]) == (200, "slot.wait_timeout")
        slot = await hal0.slot()
        assert (slot["state"], slot["model"], slot["in_flight"]) == ("ready", "beta", 1)


async def test_a_queued_client_that_leaves_causes_no_load(
    make_hal0: Callable[[str], Hal0], talker: Path
) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: talker, autoload: true, drain_timeout: 600}\n")
    await hal0.start()
    await hal0.until_ready("talker")
    async with streaming(hal0, "talker"):
        assert await hal0.chat("beta") == BETA
        asked = spawn(hal0.chat("alpha"), name="alpha")
        await hal0.until_slot(lambda s: s["queued"] == 1, "one to wait until the talker has left")
        asked.cancel()
        await hal0.until_slot(lambda s: s["queued"] == 0 and s["state"] == "ready", "nobody to wait")
    assert loads(hal0) == 2, "of the talker and of beta"


@pytest.mark.parametrize("stream", [True, False])
async def test_a_client_that_leaves_frees_the_engine_at_once(
    make_hal0: Callable[[str], Hal0], talker: Path, stream: bool
) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: talker, autoload: true}\n")
    await hal0.start()
    await hal0.until_ready("talker")
    asked = spawn(hal0.ask("primary", stream=stream), name="leaves")
    await hal0.until_slot(lambda s: s["in_flight"] == 1, "it to be served")
    async with asyncio.timeout(5):
        while not any(slot["is_processing"] for slot in await hal0.get("/slots")):
            await asyncio.sleep(0.02)
    asked.cancel()
    await hal0.until_slot(lambda s: s["in_flight"] == 0, "its lease to end")
    await engine_is_idle(hal0)


async def test_idle_unload_and_the_next_request_loads_again(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: alpha, idle_unload: 1}\n")
    await hal0.start()
    assert await hal0.chat() == ALPHA
    began = time.monotonic()
    await hal0.until_slot(lambda s: s["state"] == "unloaded", "the idle unload")
    assert time.monotonic() - began > 0.8 and not hal0.engines()
    assert await hal0.chat() == ALPHA
    assert loads(hal0) == 2


async def test_one_request_too_many_is_429_with_retry_after(
    make_hal0: Callable[[str], Hal0], talker: Path
) -> None:
    hal0 = make_hal0(
        "slots:\n  primary: {model: talker, autoload: true, drain_timeout: 600}\nlimits: {queue: 1}\n"
    )
    shutil.copy(hal0.home / "models" / "alpha.gguf", hal0.home / "models" / "gamma.gguf")
    await hal0.start()
    await hal0.until_ready("talker")
    async with streaming(hal0, "talker") as busy:
        waiting = [spawn(hal0.chat(name), name=name) for name in ("alpha", "beta")]
        await hal0.until_slot(lambda s: s["queued"] == 2, "one to join the switch and one to wait")
        body = {"model": "gamma", "messages": []}
        async with hal0.session.post(hal0.url + "/v1/chat/completions", json=body) as answer:
            assert answer.status == 429 and int(answer.headers["Retry-After"]) > 0
            assert (await answer.json())["error"]["code"] == "slot.queue_full"
        busy.close()
    assert await asyncio.gather(*waiting) == [ALPHA, BETA]


async def test_unloading_is_idempotent_and_never_stalls_another_slot(
    make_hal0: Callable[[str], Hal0],
) -> None:
    hal0 = make_hal0("slots:\n  one: {model: alpha, autoload: true}\n  two: {model: beta, autoload: true}\n")
    await hal0.start()
    await asyncio.gather(hal0.until_ready("alpha", "one"), hal0.until_ready("beta", "two"))
    for _ in range(2):
        assert (await hal0.post("/api/slots/one/unload"))[0] == 200
    assert await hal0.chat("two") == BETA
    for _ in range(2):
        assert (await hal0.post("/api/unload"))[0] == 200
    assert not hal0.engines()


async def test_models_that_differ_only_in_request_fields_share_a_process(
    make_hal0: Callable[[str], Hal0],
) -> None:
    """ggml-org/llama.cpp#23704 asks for this: the switch costs nothing."""
    hal0 = make_hal0(
        "models:\n"
        "  cool: {file: alpha.gguf, request: {temperature: 0}}\n"
        "  hot: {file: alpha.gguf, request: {temperature: 2, max_tokens: 2}}\n"
        "slots:\n  primary: {model: cool, models: [cool, hot, beta], autoload: true}\n"
    )
    await hal0.start()
    pid = (await hal0.until_ready("cool"))["pid"]
    assert (await hal0.slot())["loaded"] == ["cool", "hot"]
    status, body = await hal0.ask("hot")
    assert (status, body["model"]) == (200, "hot"), "it is named by its own id"
    assert body["choices"][0]["finish_reason"] == "length", "its own request fields apply"
    async with streaming(hal0, "hot") as answer:
        assert '"model":"hot"' in (said := await drain(answer)) and '"model":"cool"' not in said
    assert await hal0.chat("primary") == ALPHA
    await hal0.post("/api/slots/primary/load", {"model": "hot"})
    slot = await hal0.slot()
    assert (slot["model"], slot["pid"]) == ("hot", pid)


async def test_a_body_without_content_type_and_ids_with_slashes_and_colons(
    make_hal0: Callable[[str], Hal0],
) -> None:
    hal0 = make_hal0(
        "models:\n  'org/alpha:7b': {file: alpha.gguf}\nslots:\n  primary: {model: 'org/alpha:7b'}\n"
    )
    await hal0.start()
    raw = b'{"model": "org/alpha:7b", "messages": [{"role": "user", "content": "hi"}]}'
    async with hal0.session.post(
        hal0.url + "/v1/chat/completions", data=raw, skip_auto_headers=["Content-Type"]
    ) as answer:
        assert (await answer.json())["model"] == "org/alpha:7b"
    for path in ("org/alpha:7b", "org%2Falpha%3A7b"):
        assert (await hal0.get(f"/v1/models/{path}"))["id"] == "org/alpha:7b"
    assert await hal0.chat("primary:org/alpha:7b") == ALPHA


async def test_multipart_goes_on_byte_for_byte_and_speech_comes_back_so(
    make_hal0: Callable[[str], Hal0],
) -> None:
    hal0 = make_hal0(
        f'slots:\n  stt: {{kind: stt, command: "{ECHO}"}}\n  tts: {{kind: tts, command: "{ECHO}"}}\n'
    )
    await hal0.start()
    boundary = "----a boundary's edge"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    raw = (
        f'{head}file"; filename="clip.ogg"\r\nContent-Type: audio/ogg\r\n\r\n'.encode()
        + bytes(range(256)) * 40
        + f'\r\n{head}model"\r\n\r\nstt\r\n{head}language"\r\n\r\nde\r\n--{boundary}--\r\n'.encode()
    )
    kind = f'multipart/form-data; boundary="{boundary}"'
    async with hal0.session.post(
        hal0.url + "/v1/audio/transcriptions", data=raw, headers={"Content-Type": kind}
    ) as answer:
        seen = await answer.json()
    assert seen["sha256"] == hashlib.sha256(raw).hexdigest()
    assert (seen["path"], seen["content_type"]) == ("/v1/audio/transcriptions", kind)
    async with hal0.session.post(hal0.url + "/v1/audio/speech", json={"model": "tts", "input": "x"}) as answer:
        assert answer.content_type == "audio/mpeg" and await answer.read() == echo.SPEECH


async def test_a_large_image_body_is_passed_and_a_larger_one_refused(hal0: Hal0) -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 12_000_000}}
    large = {"model": "primary", "messages": [{"role": "user", "content": [picture]}]}
    data = io.BytesIO(json.dumps(large).encode())
    async with hal0.session.post(hal0.url + "/v1/chat/completions", data=data) as answer:
        status, body = answer.status, await answer.json()
    assert (status, body["error"]["code"]) == (400, "request.invalid"), "this model has no eyes, and says so"
    async with hal0.session.post(
        hal0.url + "/v1/chat/completions", data=b"{", headers={"Content-Length": str(300 * 2**20)}
    ) as answer:
        assert answer.status == 413


async def test_chunks_arrive_as_the_engine_makes_them(make_hal0: Callable[[str], Hal0], talker: Path) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: talker, autoload: true}\n")
    await hal0.start()
    await hal0.until_ready("talker")
    pieces = []
    async with streaming(hal0, "talker") as answer:
        async for piece in answer.content.iter_any():
            pieces.append((time.monotonic(), piece))
            if len(pieces) == 20:
                break
    assert pieces[-1][0] - pieces[0][0] > 0.02, "a buffered answer comes all at once"
    assert all(piece.count(b"data:") <= 3 for _, piece in pieces)


async def test_a_web_page_of_this_computer_may_ask(hal0: Hal0) -> None:
    headers = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-type, x-stainless-lang",
    }
    async with hal0.session.options(hal0.url + "/v1/chat/completions", headers=headers) as answer:
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
        assert "x-stainless-lang" in answer.headers["Access-Control-Allow-Headers"]


async def test_quitting_closes_streams_and_reaps_everything(
    make_hal0: Callable[[str], Hal0], talker: Path
) -> None:
    hal0 = make_hal0("slots:\n  primary: {model: talker, autoload: true}\n")
    await hal0.start()
    await hal0.until_ready("talker")
    engines = hal0.engines()
    async with streaming(hal0, "talker") as busy:
        assert hal0.process is not None
        hal0.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT_SECONDS):
            said = await drain(busy)
    assert "model_not_available" in said
    assert await asyncio.to_thread(hal0.process.wait, WAIT_SECONDS) == 0
    assert engines and not any(engine.is_running() for engine in engines)


async def test_a_request_while_the_slot_is_being_unloaded_waits_and_loads_again(hal0: Hal0) -> None:
    unloading = spawn(hal0.post("/api/slots/primary/unload"), name="unload")
    answers = await asyncio.gather(*(hal0.chat() for _ in range(5)))
    assert set(answers) == {ALPHA} and (await unloading)[0] == 200


@pytest.mark.parametrize("policy", ["switch: manual", "pinned: true"])
async def test_a_manual_or_pinned_slot_never_switches_by_request(
    make_hal0: Callable[[str], Hal0], policy: str
) -> None:
    hal0 = make_hal0(SLOTS.replace("autoload: true", f"autoload: true, {policy}"))
    await hal0.start()
    await hal0.until_ready("alpha")
    for name in ("beta", "primary:beta"):
        status, body = await hal0.ask(name)
        assert (status, body["error"]["code"]) == (404, "model.not_loaded")
    assert await hal0.chat("alpha") == ALPHA
    assert (await hal0.post("/api/slots/primary/load", {"model": "beta"}))[0] == 200
