"""Row 17: lists of models of every shape, and servers that have none."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from router.base.errors import UpstreamFailed
from router.config.schema import UpstreamConfig, UpstreamKind
from router.config.upstreams import base_url
from router.state import UpstreamState
from router.upstreams.listing import next_page, parse_listing
from tests.router.upstreams.conftest import Use, chat
from tests.router.upstreams.servers import Handler, StubUpstream, hanging, refusing

A_B = ("a", "b")


@pytest.mark.parametrize(
    ("told", "models"),
    [
        ({"data": [{"id": "a"}, {"id": "b"}]}, A_B),
        ([{"id": "a"}, {"id": "b"}], A_B),
        (["a", "b"], A_B),
        ({"models": [{"name": "a"}, {"model": "b", "name": "B"}]}, A_B),
        ({"models": ["a", "b"]}, A_B),
        ({"data": {"a": {"context_length": 4}, "b": {}}}, A_B),
        ({"models": {"a": {"object": "model"}, "b": {}}}, A_B),
        ({"a": {"owned_by": "me"}, "b": {"owned_by": "me"}}, A_B),
        ({"data": {"data": [{"id": "a"}, {"id": "b"}]}}, A_B),
        ({"data": {"models": ["a", "b"]}}, A_B),
        ({"result": [{"id": "7f", "name": "x"}, {"id": "b"}]}, ("7f", "b")),
        ({"data": [None, {"id": "a"}, 7, {"id": None, "name": "b"}, {}, {"id": ""}, []]}, A_B),
        ({"data": [{"model_name": "a"}, {"key": "b", "type": "llm"}]}, A_B),
        ({"object": "list", "data": None}, ()),
        ({"object": "list", "data": []}, ()),
        ([], ()),
        ({}, None),
        (None, None),
        ("a", None),
        (7, None),
        ({"data": None}, None),
        ({"data": "a"}, None),
        ({"data": 7}, None),
        ({"error": {"message": "No."}, "data": []}, None),
        ({"status": {"code": 1}}, None),
        ({"message": "Welcome"}, None),
        ({"data": {"data": {"data": {"data": {"data": ["a"]}}}}}, None),
    ],
)
def test_every_shape_of_a_list(told: Any, models: tuple[str, ...] | None) -> None:
    found = parse_listing(told)
    assert (found and found.models) == models if models is not None else found is None


def test_contexts_and_what_was_left_out() -> None:
    found = parse_listing({"a": {"context_length": 4096, "id": "other"}, "b": {"max_model_len": 8}})
    assert found is not None and dict(zip(found.models, found.context_lengths, strict=True)) == {
        "a": 4096,
        "b": 8,
    }
    nothing = parse_listing([None, {}, "a\nb", "c"])
    assert nothing is not None and (nothing.models, nothing.left_out) == (("c",), 3)


@pytest.mark.parametrize(
    ("told", "query"),
    [
        ({"data": [{"id": "a"}], "has_more": True, "last_id": "a b"}, "after=a+b&after_id=a+b"),
        ({"data": [{"id": "a"}], "has_more": True}, "after=a&after_id=a"),
        ({"data": [{"id": "a"}], "has_more": False, "last_id": "a"}, None),
        ({"models": [], "nextPageToken": "t="}, "pageToken=t%3D"),
        ({"next": "https://elsewhere.example/v1/models?page=2"}, "page=2"),
        ({"next": None}, None),
        ([], None),
        ({"has_more": True, "data": [None]}, None),
    ],
)
def test_the_next_page(told: Any, query: str | None) -> None:
    assert next_page(told) == query


async def test_all_pages_are_read_and_a_loop_ends(use: Use) -> None:
    seen: list[str] = []

    async def paged(request: web.Request) -> web.Response:
        seen.append(request.query_string)
        row = {"": "a", "a": "b"}.get(request.query.get("after", ""), "b")
        return web.json_response({"data": [{"id": row}], "has_more": True, "last_id": row})

    async with StubUpstream(listing=paged).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        assert (await bench.state("lxc", UpstreamState.OK)).models == A_B
    assert len(seen) == 3


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="<html><title>Welcome</title></html>", content_type="text/html")


def saying(body: Any) -> Handler:
    async def answer(_request: web.Request) -> web.Response:
        return web.json_response(body)

    return answer


@pytest.mark.parametrize(
    "listing",
    [
        refusing(404),
        refusing(405),
        refusing(401),
        refusing(500),
        _page,
        hanging,
        saying({"x": 1}),
        saying(["b"]),
    ],
)
async def test_with_its_models_named_no_list_is_needed(use: Use, listing: Handler) -> None:
    """Row 17: it was down, and all its answers 502."""
    async with StubUpstream(listing=listing).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, models=("llama",), timeout=0.3))
        status = await bench.state("lxc", UpstreamState.OK)
        assert status.models == ("llama",) and status.error is None
        async with await bench.ask("lxc/llama", chat()) as answer:
            assert b"Hello" in await answer.read()


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        (refusing(401), "name its models under models:"),
        (refusing(404), "name its models under models:"),
        (_page, 'is no model list; correct its base_url ("Welcome").'),
        (saying({"error": "no models today"}), "Its model list: no models today; correct its base_url."),
        (saying({"x": 1}), "is no model list; correct its base_url."),
    ],
)
async def test_without_them_it_is_told_what_to_do(use: Use, listing: Handler, words: str) -> None:
    async with StubUpstream(listing=listing).running() as server:
        bench = use(UpstreamConfig("lxc", server.url))
        error = (await bench.state("lxc", UpstreamState.DOWN)).error or ""
        assert words in error and "\n" not in error and error.endswith(".")


@pytest.mark.parametrize("written", ["", "/", "/v1", "/v1/", "/models", "/v1/models", "/v1/chat/completions/"])
async def test_an_address_is_understood_however_it_was_pasted(use: Use, written: str) -> None:
    async with StubUpstream().running() as server:
        url = base_url(server.url.removesuffix("/v1") + written, UpstreamKind.OPENAI)
        bench = use(UpstreamConfig("lxc", url))
        await bench.state("lxc", UpstreamState.OK)
        async with await bench.ask("lxc/llama", chat()) as answer:
            await answer.read()
        assert server.asked("/v1/chat/completions") == 1


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize(("there", "written"), [("/api/v1", "/api"), ("", "/v1"), ("/api", "/api/v1")])
async def test_with_v1_or_without_both_are_tried(use: Use, there: str, written: str, named: bool) -> None:
    async def only_there(request: web.Request) -> web.StreamResponse:
        if request.path == f"{there}/chat/completions":
            return web.json_response({"choices": [{"message": {"content": "Found."}}]})
        if request.path == f"{there}/models" and not named:
            return web.json_response(["llama"])
        return web.json_response({"detail": "Not Found"}, status=404)

    async with StubUpstream(chat=only_there, listing=only_there).running() as server:
        url = server.url.removesuffix("/v1") + written
        bench = use(UpstreamConfig("lxc", url, models=("llama",) if named else None))
        await bench.state("lxc", UpstreamState.OK)
        for _ in range(2):
            async with await bench.ask("lxc/llama", chat()) as answer:
                assert b"Found." in await answer.read()
        assert server.asked(f"{there}/chat/completions") == 2
        assert server.asked(f"{written}/chat/completions") == (1 if named else 0), "it is remembered"


async def test_a_model_that_is_nowhere_is_told_once(use: Use) -> None:
    async with StubUpstream(chat=refusing(404, "No model x.")).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, models=("x",)))
        with pytest.raises(UpstreamFailed, match="No model x"):
            await bench.ask("lxc/x", chat())
