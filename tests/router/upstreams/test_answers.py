"""One request to one server elsewhere: what is sent, what comes back, what moves on."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from router.base.errors import UpstreamFailed
from router.config.schema import UpstreamConfig, UpstreamKind
from router.state import UpstreamState
from router.upstreams.answer import AskFailed
from router.upstreams.call import HOPS, MAX_HOPS
from tests.engines.running import free_port, soon
from tests.router.upstreams.conftest import Use, chat
from tests.router.upstreams.servers import (
    Certificate,
    StubUpstream,
    hanging,
    make_certificate,
    refusing,
    streaming,
)

KEY = "sk-upstream-0123456789"
CLIENTS = {
    "Authorization": "Bearer sk-the-clients-own",
    "x-api-key": "sk-the-clients-own",
    "Cookie": "session=sk-the-clients-own",
    "X-Forwarded-For": "10.9.9.9",
    "Host": "clients.example",
    "anthropic-version": "2023-06-01",
}


async def test_the_body_is_rewritten_and_only_harmless_headers_go_on(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("lxc", server.url, api_key="env:LXC_KEY"), environment={"LXC_KEY": KEY})
        async with await bench.ask("lxc/llama", chat(headers=CLIENTS)) as answer:
            body = json.loads(await answer.read())
            assert (answer.head.status, answer.served_by) == (200, "lxc/llama")
        assert body["choices"][0]["message"]["content"] == "Hello from elsewhere."
        method, path, headers, sent = server.requests[-1]
        assert (method, path, json.loads(sent)["model"]) == ("POST", "/v1/chat/completions", "llama")
        assert headers["Authorization"] == f"Bearer {KEY}" and headers["x-api-key"] == KEY
        assert headers["Anthropic-Version"] == "2023-06-01" and headers[HOPS] == "1"
        assert "sk-the-clients-own" not in str(headers) and "10.9.9.9" not in str(headers)


async def test_without_a_key_none_is_sent_not_even_the_clients(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        async with await bench.ask("lxc/llama", chat(headers=CLIENTS)) as answer:
            await answer.read()
        for _, _, headers, _ in server.requests:
            assert not {"Authorization", "X-Api-Key", "x-api-key", "Cookie"} & set(headers)


async def test_a_stream_comes_piece_by_piece(use: Use) -> None:
    more = asyncio.Event()
    async with StubUpstream(chat=streaming("one", "two", then=more.wait)).running() as server:  # type: ignore[arg-type]
        bench = use(UpstreamConfig("lxc", server.url))
        async with await bench.ask("lxc/llama", chat(streams=True)) as answer:
            assert answer.head.is_stream
            chunks = answer.chunks()
            got = b""
            while b"two" not in got:
                got += await soon(anext(chunks))
            assert b"[DONE]" not in got, "it has not ended yet, and still we have its beginning"
            more.set()
            got += b"".join([piece async for piece in chunks])
            assert got.endswith(b"data: [DONE]\n\n")


async def test_who_leaves_early_frees_the_server(use: Use) -> None:
    left = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            left.set()

    async with StubUpstream(chat=streaming("one", then=endless)).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        async with await bench.ask("lxc/llama", chat(streams=True)) as answer:
            await soon(anext(answer.chunks()))
        await soon(left.wait(), "the server to see the client leave")


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_what_it_finds_wrong_with_the_request_is_the_answer(use: Use, status: int) -> None:
    async with StubUpstream(chat=refusing(status, f"Too long; you sent {KEY}.")).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, api_key=KEY))
        async with await bench.ask("lxc/llama", chat()) as answer:
            assert answer.head.status == status
            body = await answer.read()
        assert json.loads(body)["error"]["message"] == "Too long; you sent [hidden]."


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"detail": [{"loc": ["body", "n"], "msg": "Too big"}]}', "n: Too big"),
        ('{"error": "Too big"}', "Too big"),
        ('{"title": "Bad", "detail": "Too big"}', "Bad: Too big"),
        ("<html><title>400 Bad Request</title></html>", "400 Bad Request"),
        ("Too big", "Too big"),
        ("", 'Upstream "lxc" refused the request with '),
        ("{}", 'Upstream "lxc" refused the request with '),
    ],
)
async def test_the_reason_is_told_whatever_its_shape(use: Use, status: int, body: str, words: str) -> None:
    """Row 19: the status stays, and the reason is in the envelope."""

    async def refuse(_request: web.Request) -> web.Response:
        return web.Response(text=body, status=status)

    async with StubUpstream(chat=refuse).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        async with await bench.ask("lxc/llama", chat()) as answer:
            assert answer.head.status == status
            assert json.loads(await answer.read())["error"]["message"].startswith(words)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "does not accept the key"),
        (402, "wants to be paid"),
        (403, "does not allow this"),
        (404, "no such model"),
        (408, "gave up waiting"),
        (410, "no longer has"),
        (423, "locked"),
        (424, "something it needs"),
        (444, "444"),
        (451, "may not answer"),
        (498, "498"),
        (425, "too early"),
        (429, "too many requests"),
        (500, "500"),
        (502, "502"),
        (503, "503"),
        (307, "does not follow"),
    ],
)
async def test_what_lies_with_the_server_moves_on(use: Use, status: int, words: str) -> None:
    refusal = refusing(status, f"Sorry, {KEY}", **{"Retry-After": "7", "Location": "http://127.0.0.1:1/"})
    async with StubUpstream(chat=refusal).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, api_key=KEY))
        with pytest.raises(UpstreamFailed) as caught:
            await bench.ask("lxc/llama", chat())
        error = caught.value
        assert words in error.message and KEY not in str(error.details) + error.message
        assert error.retry_after == 7.0 and (error.status, error.code) == (502, "upstream.failed")


async def test_one_that_does_not_answer_is_given_up(use: Use) -> None:
    async with StubUpstream(chat=hanging).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, timeout=0.2))
        with pytest.raises(UpstreamFailed, match="did not answer in time"):
            await bench.ask("lxc/llama", chat())
        assert bench.upstream("lxc").state is UpstreamState.OK, "one slow request is no lost server"


async def test_one_that_stands_still_in_its_answer_ends_it(use: Use) -> None:
    async with StubUpstream(chat=streaming("one", then=asyncio.Event().wait)).running() as server:  # type: ignore[arg-type]
        bench = use(UpstreamConfig("lxc", server.url, timeout=0.2))
        async with await bench.ask("lxc/llama", chat(streams=True)) as answer:
            with pytest.raises(AskFailed, match="in the middle of its answer"):
                await soon(answer.read())


async def test_a_head_without_a_body_is_no_beginning(use: Use) -> None:
    """The head alone commits to nothing: the next one may still be asked."""

    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        assert request.transport is not None
        request.transport.abort()
        return response

    async with StubUpstream(chat=cut).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        with pytest.raises(UpstreamFailed, match=r"closed the connection|connection broke"):
            await bench.ask("lxc/llama", chat())


async def test_a_document_in_another_charset_keeps_its_letters(use: Use) -> None:
    body = '{"choices": [{"message": {"content": "Grüße"}}]}'

    async def latin(_request: web.Request) -> web.Response:
        return web.Response(
            body=body.encode("latin-1"), headers={"Content-Type": "application/json; charset=ISO-8859-1"}
        )

    async with StubUpstream(chat=latin).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        async with await bench.ask("lxc/llama", chat()) as answer:
            assert (await answer.read()).decode() == body


async def test_compressed_answers_are_read_as_what_they_say(use: Use) -> None:
    body = b'{"choices": [{"message": {"content": "Hi"}}]}'

    async def squeezed(_request: web.Request) -> web.Response:
        return web.Response(body=gzip.compress(body), headers={"Content-Encoding": "gzip"})

    async with StubUpstream(chat=squeezed).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        async with await bench.ask("lxc/llama", chat()) as answer:
            assert await answer.read() == body
            assert "content-encoding" not in answer.head.headers and answer.head.length == len(body)


async def test_a_connection_closed_meanwhile_is_replaced(use: Use) -> None:
    """A server that restarted closed the connections kept for it: nobody should notice."""
    port = free_port()
    async with StubUpstream().running(port=port) as server:
        bench = use(UpstreamConfig("lxc", server.url))
        async with await bench.ask("lxc/llama", chat()) as answer:
            await answer.read()
    async with StubUpstream("newer").running(port=port), await bench.ask("lxc/llama", chat()) as answer:
        assert b"newer" in await answer.read()


async def test_hal0s_that_ask_each_other_do_not_go_round_for_ever(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        with pytest.raises(UpstreamFailed, match="in a circle"):
            await bench.ask("lxc/llama", chat(headers={HOPS: str(MAX_HOPS)}))
        assert server.asked("/v1/chat/completions") == 0


async def test_what_is_no_part_of_openais_api_is_asked_of_a_hal0_only(use: Use) -> None:
    async with StubUpstream().running() as server:
        root = server.url.removesuffix("/v1")
        bench = use(UpstreamConfig("lxc", server.url), UpstreamConfig("big", root, UpstreamKind.HAL0))
        tokenize = replace(chat(), path="/tokenize")
        with pytest.raises(UpstreamFailed, match="/tokenize is no part"):
            await bench.ask("lxc/llama", tokenize)
        async with await bench.ask("big/llama", tokenize) as answer:
            await answer.read()
        assert server.asked("/tokenize") == 1


class TestTls:
    @pytest.fixture
    def certificate(self, tmp_path: Path) -> Certificate:
        return make_certificate(tmp_path)

    async def test_a_certificate_that_is_trusted(self, use: Use, certificate: Certificate) -> None:
        async with StubUpstream().running(certificate.server()) as server:
            bench = use(UpstreamConfig("lan", server.url), trust=certificate.trusted())
            async with await bench.ask("lan/llama", chat()) as answer:
                assert b"Hello" in await answer.read()

    async def test_one_that_nobody_signed(self, use: Use, certificate: Certificate) -> None:
        async with StubUpstream().running(certificate.server()) as server:
            bench = use(UpstreamConfig("lan", server.url, api_key=KEY))
            status = await bench.state("lan", UpstreamState.DOWN)
            assert status.error == "Its certificate is not trusted: self-signed certificate."
            assert server.requests == [], "neither a key nor a word was sent"

    async def test_one_of_another_host_and_one_that_is_over(self, use: Use, tmp_path: Path) -> None:
        for made, words in (
            (make_certificate(tmp_path, "10.1.2.3"), "IP address mismatch"),
            (make_certificate(tmp_path, expired=True), "certificate has expired"),
        ):
            async with StubUpstream().running(made.server()) as server:
                bench = use(UpstreamConfig("lan", server.url), trust=made.trusted())
                status = await bench.state("lan", UpstreamState.DOWN)
                assert words in (status.error or ""), status.error

    async def test_https_where_http_is_spoken(self, use: Use) -> None:
        async with StubUpstream().running() as server:
            bench = use(UpstreamConfig("lan", server.url.replace("http:", "https:")))
            status = await bench.state("lan", UpstreamState.DOWN)
            assert "does not speak TLS" in (status.error or "")


@pytest.mark.parametrize("status", [401, 402])
async def test_one_models_price_or_key_is_not_the_servers(use: Use, status: int) -> None:
    """A server was down for 2 s for everybody when one of its models was not paid for."""

    async def answer(request: web.Request) -> web.Response:
        if (await request.json())["model"] == "dear":
            return await refusing(status, "Not this one.")(request)  # type: ignore[return-value]
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": "Hi"}}]})

    async with StubUpstream(models=("dear", "free"), chat=answer).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        for model in ("dear", "free", "dear", "free"):
            try:
                async with await bench.ask(f"lxc/{model}", chat()) as got:
                    assert b"Hi" in await got.read() and model == "free"
            except UpstreamFailed as error:
                assert "Not this one" in error.message and model == "dear"
            assert bench.upstream("lxc").state is UpstreamState.OK


async def test_a_key_that_its_list_refuses_too_is_the_servers_matter(use: Use) -> None:
    server = StubUpstream(models=("a", "b"), chat=refusing(401))
    async with server.running():
        bench = use(UpstreamConfig("lxc", server.url))
        await bench.state("lxc", UpstreamState.OK)
        server.listing = refusing(401)
        with pytest.raises(UpstreamFailed, match="does not accept the key"):
            await bench.ask("lxc/a", chat())
        await bench.state("lxc", UpstreamState.DOWN)


async def test_no_key_in_any_log_or_error(use: Use, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = []
    async with (
        StubUpstream(chat=refusing(401, f"Wrong key {KEY}")).running() as wrong,
        StubUpstream(listing=refusing(403, f"Not with {KEY}")).running() as closed,
    ):
        bench = use(
            UpstreamConfig("wrong", wrong.url, api_key=KEY),
            UpstreamConfig("closed", closed.url, api_key=KEY),
            UpstreamConfig("away", f"http://127.0.0.1:{free_port()}/v1", api_key=KEY),
        )
        for name in ("wrong", "closed", "away"):
            with pytest.raises(UpstreamFailed) as caught:
                await bench.ask(f"{name}/llama", chat())
            told.append(f"{caught.value!r} {caught.value.details} {caught.value.__cause__!r}")
    everything = caplog.text + str(told) + repr(bench.store.snapshot) + repr(bench.config)
    assert KEY not in everything and "[hidden]" in everything
