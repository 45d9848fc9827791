"""Which endpoint a pasted base URL means."""

from __future__ import annotations

import pytest

from router.server.paths import Paths
from tests.router.server.test_edge import Edge, edge, get, post

__all__ = ["edge"]


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "//v1/models", 200),
        ("GET", "/v1//models", 200),
        ("GET", "/v1/models/", 200),
        ("GET", "/v1/", 200),
        ("GET", "//", 200),
        ("GET", "/v1/v1/models", 200),
        ("GET", "/v1/v1/models/alpha", 200),
        ("GET", "/v1/models/alpha/", 200),
        ("GET", "/openai/v1/models", 200),
        ("GET", "/v1%20/models", 200),
        ("GET", "/v1/chat/completions/models", 200),
        ("GET", "/v1/api/tags", 200),
        ("GET", "/api/api/tags?a=b", 200),
        ("HEAD", "//v1//models//", 200),
        ("POST", "/v1/api/show", 200),
        ("POST", "/api/show/", 200),
        # LM Studio's own API: who asks finds out whom it talks to (CLIENTS.md).
        ("GET", "/api/v1/models", 404),
        ("GET", "/api/v0/models", 404),
        # What has a model's name in it is that name, whatever it looks like.
        ("GET", "/v1/models/chat/completions", 404),
        ("GET", "/v1/models/v1/models", 404),
        ("GET", "/V1/models", 404),
        ("GET", "/x/v1/models", 404),
        ("POST", "/v1/api/unload", 404),
        ("POST", "/v1/../api/show", 404),
    ],
)
async def test_what_is_meant_in_one_way_is_understood(
    edge: Edge, method: str, target: str, status: int
) -> None:
    raw = get(target, method=method) if method != "POST" else post(target, b'{"model": "alpha"}')
    assert (await edge.told(raw))[0] == status


@pytest.mark.parametrize(
    "target",
    [
        "/v1/v1/chat/completions",
        "/api/v1/chat/completions",
        "/api/chat/completions",
        "/openai/v1/chat/completions",
        "/anthropic/v1/chat/completions",
        "/v1/chat/completions/chat/completions",
        "/v1/chat/completions/v1/chat/completions",
        "/v1/models/chat/completions",
        "/v1//chat//completions/",
        "/v1/v1/messages",
        "/v1/messages/v1/messages",
        "/v1/api/chat",
        "/api/api/chat",
    ],
)
async def test_a_post_gets_there_without_a_redirect(edge: Edge, target: str) -> None:
    """Its handler finds fault with the body, in its dialect."""
    status, _, told = await edge.told(post(target, b"no json"))
    assert status == 400
    assert (told.get("type") == "error") == ("messages" in target)
    assert isinstance(told["error"], str) == target.endswith("api/chat")


@pytest.mark.parametrize(
    ("path", "advice"),
    [
        ("/v1/chat/completion", "did you mean /v1/chat/completions?"),
        ("/V1/Models", "did you mean /v1/models?"),
        ("/v1/embedding", "did you mean /v1/embeddings?"),
        ("/api/tag", "did you mean /api/tags?"),
        ("/favicon.ico", "the OpenAI API is under /v1."),
    ],
)
async def test_the_nearest_path_is_told(edge: Edge, path: str, advice: str) -> None:
    """Row 25."""
    status, _, told = await edge.told(get(path))
    assert (status, told["error"]["message"]) == (404, f"There is nothing at {path}; {advice}")


def test_what_is_known_stays_what_it_is() -> None:
    paths = Paths(["/v1/api/chat", "/api/chat"])
    assert paths.plain("POST", "/v1/api/chat") == "/v1/api/chat"
    assert paths.plain("POST", "") == "" and paths.plain("OPTIONS", "*") == "*"


@pytest.mark.parametrize("name", ["pull", "push", "create", "copy", "delete"])
async def test_what_ollama_does_with_models_is_refused_in_its_dialect(edge: Edge, name: str) -> None:
    """Its clients read `error` as a text; the nearest path was that of another thing."""
    status, _, told = await edge.told(post(f"/api/{name}", b'{"model": "x"}'))
    assert (status, list(told)) == (404, ["error"])
    assert "`hal0 model`" in told["error"]


AZURE = "/openai/deployments/{}/chat/completions?api-version=2024-10-21"


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        (AZURE.format("alpha").partition("?")[0], ("/v1/chat/completions", "alpha")),
        ("/openai/deployments/my%2Fmodel/embeddings", ("/v1/embeddings", "my/model")),
        ("/v1/openai/deployments/alpha/chat/completions/", ("/v1/chat/completions", "alpha")),
        ("/openai/deployments/whisper/audio/transcriptions", ("/v1/audio/transcriptions", "whisper")),
        ("/v1/engines/alpha/completions", ("/v1/completions", "alpha")),
        ("/openai/deployments/alpha/nothing", ("/openai/deployments/alpha/nothing", "")),
        ("/v1/chat/completions", ("/v1/chat/completions", "")),
        ("/v2/rerank", ("/v1/rerank", "")),
    ],
)
def test_a_deployment_is_a_model_and_a_path(path: str, meant: tuple[str, str]) -> None:
    known = (
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/audio/transcriptions",
        "/v1/rerank",
    )
    assert Paths(known).meant("POST", path) == meant
    assert Paths(known).meant("GET", path)[1] == ""


async def test_azures_client_gets_the_deployment_whatever_its_body_names(edge: Edge) -> None:
    """404 "there is nothing at": AzureOpenAI of openai-python asks no other way."""
    for body in (b'{"model": "gpt-4o", "messages": []}', b'{"messages": []}'):
        status, _headers, told = await edge.told(post(AZURE.format("nobody"), body))
        assert status == 404 and 'model or slot "nobody"' in told["error"]["message"]


async def test_what_other_servers_have_is_told_where_it_is_here(edge: Edge) -> None:
    for target, words in (
        ("/running", "GET /api/state"),
        ("/upstream/alpha/props", "field `model`"),
        ("/v1/files/f", "hal0 keeps no files"),
    ):
        status, _headers, told = await edge.told(get(target))
        assert status == 404 and words in told["error"]["message"]
    _status, _headers, told = await edge.told(post("/v1/messages/batches", b"{}"))
    assert told["type"] == "error" and told["error"]["type"] == "not_found_error", "in Anthropic's words"
