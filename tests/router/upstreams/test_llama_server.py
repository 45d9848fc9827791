"""A real llama-server as the server elsewhere, also behind TLS."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from router.base.errors import UpstreamFailed
from router.config.schema import SlotConfig, UpstreamConfig
from router.state import SlotState, UpstreamState
from router.upstreams.call import Call
from tests.engines.running import free_port
from tests.fixtures_models import SpeakingModel
from tests.resources.engine import Engine, running
from tests.router.upstreams.conftest import Use
from tests.router.upstreams.servers import make_certificate

KEY = "sk-llama-0123456789"


@pytest.fixture(scope="module")
def llama(llama_server: Path, speaking_model: SpeakingModel) -> Iterator[Engine]:
    model = speaking_model("Far away, and yet here.", "far")
    with running(llama_server, model, "--api-key", KEY, "--alias", "far") as engine:
        yield engine


def chat(**more: object) -> Call:
    def body(model: str) -> bytes:
        return json.dumps({"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}).encode()

    return Call("/v1/chat/completions", body, streams="stream" in more)


async def test_its_model_its_context_and_its_words(use: Use, llama: Engine) -> None:
    bench = use(
        UpstreamConfig("lxc", f"{llama.url}/v1", api_key="env:KEY"),
        environment={"KEY": KEY},
        slots={"far": SlotConfig("far", upstream="lxc/far")},
    )
    status = await bench.state("lxc", UpstreamState.OK)
    assert status.models == ("far",) and (status.context_lengths[0] or 0) > 0
    slot = bench.slot("far")
    assert (slot.state, slot.context_length) == (SlotState.READY, status.context_lengths[0])
    async with await bench.ask("far", chat()) as answer:
        body = json.loads(await answer.read())
        assert body["choices"][0]["message"]["content"] == "Far away, and yet here."
    async with await bench.instead(chat(stream=True), "lxc") as answer:
        pieces = [piece async for piece in answer.chunks()]
        assert answer.served_by == "lxc/far" and answer.head.is_stream
    whole = b"".join(pieces)
    assert whole.count(b"data: {") > 1 and whole.endswith(b"data: [DONE]\n\n")


async def test_the_wrong_key_is_told_and_the_right_one_never(
    use: Use, llama: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    bench = use(UpstreamConfig("lxc", f"{llama.url}/v1", api_key=f"{KEY}-wrong"))
    with pytest.raises(UpstreamFailed, match="401 Unauthorized") as caught:
        await bench.ask("lxc/far", chat())
    assert KEY not in caplog.text + str(caught.value.details) + caught.value.message


async def test_its_own_complaint_is_handed_on(use: Use, llama: Engine) -> None:
    bench = use(UpstreamConfig("lxc", f"{llama.url}/v1", api_key=KEY))
    bad = Call("/v1/chat/completions", lambda _model: b'{"messages": 7}')
    async with await bench.ask("lxc/far", bad) as answer:
        assert answer.head.status == 400 and b"messages" in await answer.read()


@asynccontextmanager
async def tls_in_front_of(url: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """What a reverse proxy does: TLS outside, plain inside, byte for byte."""
    host, _, port = url.removeprefix("http://").partition(":")

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await source.read(65536):
                target.write(piece)
                await target.drain()
        target.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_connection(host, int(port))
        await asyncio.gather(carry(reader, forth), carry(back, writer))

    outside = free_port()
    server = await asyncio.start_server(serve, "127.0.0.1", outside, ssl=context)
    try:
        yield f"https://127.0.0.1:{outside}/v1"
    finally:
        server.close()


async def test_behind_tls_only_with_a_certificate_that_is_trusted(
    use: Use, llama: Engine, tmp_path: Path
) -> None:
    made = make_certificate(tmp_path)
    async with tls_in_front_of(llama.url, made.server()) as url:
        stranger = use(UpstreamConfig("far", url, api_key=KEY))
        status = await stranger.state("far", UpstreamState.DOWN)
        assert "certificate is not trusted" in (status.error or "")
        friend = use(UpstreamConfig("far", url, api_key=KEY), trust=made.trusted())
        await friend.state("far", UpstreamState.OK)
        async with await friend.ask("far/far", chat()) as answer:
            assert b"Far away" in await answer.read()
        await friend.registry.close()
