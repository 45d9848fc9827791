"""Row 35: every path that docs/api.md names answers, over a real llama-server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from router.server.app import make_app
from router.server.request.context import Context
from router.state import StateStore
from tests.e2e.harness import Hal0
from tests.resources.ggufs import build_bert

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "api.md"
CONFIG = """
slots:
  primary: {model: alpha, autoload: true}
  embed: {kind: embedding, model: embed-model, autoload: true}
  rank: {kind: rerank, model: bertrank, autoload: true}
  stt: {kind: stt}
  tts: {kind: tts}
  image: {kind: image}
"""
MESSAGES = [{"role": "user", "content": "Hello?"}]
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/v1/chat/completions": {"messages": MESSAGES},
    "/v1/chat/completions/input_tokens": {"messages": MESSAGES},
    "/v1/responses/input_tokens": {"input": "Hi"},
    "/v1/completions": {"prompt": "x"},
    "/v1/responses": {"input": "x"},
    "/v1/messages": {"messages": MESSAGES, "max_tokens": 4},
    "/v1/messages/count_tokens": {"messages": MESSAGES},
    "/v1/embeddings": {"input": "x"},
    "/v1/rerank": {"query": "x", "documents": ["y"]},
    "/v1/reranking": {"query": "x", "documents": ["y"]},
    "/completion": {"prompt": "x", "n_predict": 2},
    "/infill": {"input_prefix": "x", "input_suffix": "y", "n_predict": 2},
    "/tokenize": {"content": "x"},
    "/detokenize": {"tokens": [7]},
    "/apply-template": {"messages": MESSAGES},
    "/api/show": {"model": "primary"},
    "/api/chat": {"model": "primary", "messages": MESSAGES},
    "/api/generate": {"model": "primary", "prompt": "x"},
    "/api/embed": {"model": "embed", "input": "x"},
    "/api/embeddings": {"model": "embed", "prompt": "x"},
    "/models/switch": {"slot": "primary", "model": "alpha"},
    "/api/slots/{name}/load": {"model": "alpha"},
}
ASKED_OF_OTHERS: Final = ("/api/hub/", "/api/downloads", "/api/engine/install")
"""Hugging Face, or PyPI: they are there, but nobody may be asked from a test."""
OLLAMA_POSTS: Final = ("/api/show", "/api/chat", "/api/generate", "/api/embed", "/api/embeddings")


def documented(text: str) -> Iterator[tuple[str, str]]:
    """(method, path) of each row of each table whose first column is `path`.

    A cell has paths in backticks: a method stands before the paths it is for; a row without any is read. What
    follows `POST /v1/audio/transcriptions` as `/translations` is beside it; `unload`, too.
    """
    in_table = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            in_table = False
        elif cells[0] == "path":
            in_table = True
        elif in_table and not cells[0].startswith("---"):
            yield from _of_cell(cells[0])


def _of_cell(cell: str) -> Iterator[tuple[str, str]]:
    method, before = "", ""
    for spoken in re.findall(r"`([^`]+)`", cell):
        word, _space, path = spoken.rpartition(" ")
        method = word or method
        path = path.partition("?")[0]
        if before and path.count("/") == 1 and before.count("/") > 2 and not path.startswith(("/v1", "/api")):
            path = before.rpartition("/")[0] + path  # "/v1/audio/transcriptions, /translations"
        before = path
        yield method or ("POST" if path in OLLAMA_POSTS else "GET"), path


def test_the_document_can_be_read() -> None:
    found = set(documented(DOCUMENT.read_text()))
    for some in (
        ("GET", "/metrics"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/audio/translations"),
        ("POST", "/v1/images/variations"),
        ("POST", "/infill"),
        ("GET", "/slots"),
        ("GET", "/api/tags"),
        ("POST", "/api/embed"),
        ("POST", "/models/switch"),
        ("POST", "/api/slots/{name}/unload"),
        ("POST", "/api/slots/{name}/cancel"),
        ("POST", "/api/downloads/resume"),
        ("GET", "/v1/models/{id}"),
        ("GET", "/v1"),
    ):
        assert some in found, (some, sorted(found))
    assert len(found) > 50


def test_every_path_that_is_served_is_documented() -> None:
    absent: Any = None
    app = make_app(Context(StateStore(), absent, absent, absent, absent))
    told = {re.sub(r"\{\w+\}", "{}", path) for _method, path in documented(DOCUMENT.read_text())}
    told |= {path.removeprefix("/v1") for path in told}
    told |= {path.replace("/downloads/resume", "/downloads/{}") for path in told}
    served = {re.sub(r"\{\w+\}", "{}", at.canonical) for at in app.router.resources()}
    assert len(served) > 70 and served - told == set()


@pytest.fixture
async def hal0(make_hal0: Callable[[str], Hal0], model_folder: Path) -> Hal0:
    build_bert(model_folder / "bertrank.gguf", context_length=512, ranks=True)
    made = make_hal0(CONFIG)
    await made.start()
    for slot in ("primary", "embed", "rank"):
        await made.until_ready(name=slot)
    return made


async def test_every_documented_path_answers(hal0: Hal0) -> None:
    """None is unknown, not implemented, or fails; also without /v1 where that is documented."""
    for method, path in documented(DOCUMENT.read_text()):
        spellings = {path, path.removeprefix("/v1")} if path.startswith("/v1/") else {path}
        for spelling in sorted(spellings):
            if path in ("/api/events", "/api/unload") or path.startswith(ASKED_OF_OTHERS):
                continue
            url = hal0.url + spelling.replace("{name}", "primary").replace("{id}", "primary")
            url = url.replace("{file}", "index.html")
            url = url.replace("{file}", "index.html")
            body = None if method == "GET" else BODIES.get(path, {})
            async with hal0.session.request(method, url, json=body) as answer:
                said = await answer.text()
            assert answer.status not in (404, 405, 500, 501, 502) or _is_said_to_lack(said), (
                method,
                spelling,
                said,
            )
            if path in BODIES and path != "/infill":
                assert answer.status == 200, (method, spelling, said)
        if path.endswith(("/unload", "/load", "/restart", "/cancel", "/switch")):
            await hal0.post("/api/slots/primary/load", {"model": "alpha"})


def _is_said_to_lack(said: str) -> bool:
    """Of the slots without a model of their kind, and of upstreams: there is none."""
    return "has no model yet" in said or "There is no upstream" in said


async def test_the_streams_and_what_asks_others_are_there(hal0: Hal0) -> None:
    async with hal0.session.get(hal0.url + "/api/events") as answer:
        assert answer.status == 200 and (await answer.content.readline()).startswith(b"event: snapshot")
    for method, path in documented(DOCUMENT.read_text()):
        if path.startswith(ASKED_OF_OTHERS) and path != "/api/engine/install":
            async with hal0.session.request(method, hal0.url + path, json={}) as answer:
                assert answer.status in (200, 400), (method, path, await answer.text())


async def test_metrics_are_the_engine_s_and_load_nothing(hal0: Hal0) -> None:
    """The row itself: 501, as engines were started without --metrics."""
    await hal0.chat()
    for query in ("?model=primary", "?model=alpha"):
        async with hal0.session.get(f"{hal0.url}/metrics{query}") as answer:
            said = await answer.text()
            assert answer.status == 200 and "text/plain" in answer.headers["Content-Type"]
            assert re.search(r"^llamacpp:prompt_tokens_total [1-9]", said, re.MULTILINE), said
    slots = await hal0.get("/slots?model=primary")
    assert len(slots) == (await hal0.slot())["parallel"]
    async with hal0.session.get(f"{hal0.url}/metrics?model=beta") as answer:
        body = await answer.json()
        assert answer.status == 503 and body["error"]["code"] == "slot.loading"
        assert 'Model "beta" is in no slot now' in body["error"]["message"]
    async with hal0.session.get(f"{hal0.url}/metrics?model=nope") as answer:
        assert answer.status == 404
    assert (await hal0.slot())["model"] == "alpha"
    known = await hal0.get("/props?model=beta")
    row = await hal0.get("/v1/models/beta")
    assert known["default_generation_settings"]["n_ctx"] == row["context_length"]
    assert known["total_slots"] == 4 and known["modalities"]["vision"] is False


async def test_a_person_may_turn_metrics_off(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0("models: {m: {file: alpha.gguf, flags: {metrics: false}}}\nslots: {primary: {model: m}}\n")
    await hal0.start()
    assert await hal0.chat()
    async with hal0.session.get(f"{hal0.url}/metrics?model=primary") as answer:
        assert answer.status == 501 and "--metrics" in await answer.text(), "the engine's own words, passed on"
