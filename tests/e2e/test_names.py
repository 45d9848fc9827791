"""Property 1: whatever is listed can be asked for, in each dialect, and answers under that very id."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel
from tests.router.catalog.test_ollama import put

HI = [{"role": "user", "content": "Hello?"}]
ALL_FILES = [
    "primary",  # a slot's name
    "primary:beta",
    "embed:latest",
    "m",
    "m:latest",
    "M",
    "a,b",
    " lead",
    "trail ",
    " , ",
    "-x",
    "50% off",
    "a%2Fb",
    "sub/m",
    "what?#&=+",
    'quo"te\\',
    "caf\u00e9",
    "cafe\u0301",
    "\u6a21\u578b\u3000\U0001f999",
    "alias",
    "hf.co",
    "null",
    "x.gguf",
]
# What may stand in a file's name everywhere but on Windows, where M would be m, too.
FILES = [name for name in ALL_FILES if sys.platform != "win32" or not (set(name) & set(':?"\\') or name == "M")]
STORE = {
    ("registry.ollama.ai", "library", "llama3.2", "latest"): "plain",
    ("registry.ollama.ai", "library", "llama3.2", "3b"): "plain",
    ("registry.ollama.ai", "library", "gpt-4.1", "latest"): "plain",
    ("hf.co", "bartowski", "Some-GGUF", "Q4_K_M"): "plain",
    ("registry.ollama.ai", "someone", "tuned", "v1"): "tuned",
}
CONFIG = """
model_dirs: ["{folder}", "{store}"]
models:
  named: {{file: "{folder}/m.gguf", aliases: [alias, "first:one", other]}}
slots:
  primary: {{}}
  embed: {{kind: embedding}}
"""
CHATS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/completions": {"prompt": "Hello?"},
    "/v1/responses": {"input": "Hello?"},
    "/v1/messages": {"messages": HI, "max_tokens": 50},
    "/completion": {"prompt": "Hello?"},
    "/api/chat": {"messages": HI},
    "/api/generate": {"prompt": "Hello?"},
}
EMBEDDINGS: dict[str, dict[str, Any]] = {"/v1/embeddings": {"input": "x"}, "/api/embed": {"input": "x"}}


@pytest.mark.timeout(300)
async def test_whatever_is_listed_can_be_asked_for(
    make_hal0: Callable[[str], Hal0], tmp_path: Path, speaking_model: SpeakingModel
) -> None:
    """Rows 2, 3, 4, 23."""
    folder, store = tmp_path / "names", tmp_path / "store"
    sentences = {}
    for number, name in enumerate(FILES):
        sentences[name] = f"Number {number} says so."
        path = folder / f"{name}.gguf"
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(speaking_model(sentences[name]), path)
    shutil.copy(speaking_model("Words.", "words", kind="embedding"), folder / "words, words.gguf")
    (folder / "hard.gguf").hardlink_to(folder / "null.gguf")
    for parts, kind in STORE.items():
        more = {"params": {"temperature": 0}} if kind == "tuned" else {}
        put(store, *parts, model=speaking_model("From the store."), **more)
    hal0 = make_hal0(CONFIG.format(folder=folder.as_posix(), store=store.as_posix()))
    await hal0.start()
    state, rows = await hal0.state(), (await hal0.get("/v1/models"))["data"]
    tags = (await hal0.get("/api/tags"))["models"]
    assert {row["name"] for row in tags} == {row["id"] for row in rows}
    models = {model["id"]: model for model in state["models"]}
    assert {row["id"] for row in rows} == {*models, "primary", "embed"}
    assert {"primary@names", "a,b", " lead", " , ", "named", "words, words", "someone/tuned:v1"} <= set(models)
    names = [alias for model in models.values() for alias in model["aliases"]]
    assert {"hard", "first:one", "other", "llama3.2:latest", "llama3.2:3b", "gpt-4.1:latest"} <= {
        *names,
        *models,
    }
    for id_, model in models.items():
        assert model["problem"] is None, model
        said = (
            {sentences.get(Path(model["file"]).relative_to(folder).with_suffix("").as_posix())}
            if (Path(model["file"]).is_relative_to(folder))
            else {"From the store."}
        )
        await _answers(hal0, model, [id_, *model["aliases"]], said.pop())


async def _answers(hal0: Hal0, model: dict[str, Any], names: list[str], sentence: str | None) -> None:
    for name in names:
        row = await hal0.get(f"/v1/models/{quote(name, safe='')}")
        assert row.get("id") == model["id"], (name, row)
        status, shown = await hal0.post("/api/show", {"model": name})
        assert status == 200 and shown["model_info"]["general.basename"] == model["id"], (name, shown)
    asked = CHATS if model["kind"] == "chat" else EMBEDDINGS
    for path, body in asked.items():
        for name in names if path in ("/v1/chat/completions", "/api/chat") else names[:1]:
            status, told = await hal0.post(path, {"model": name, "stream": False, **body})
            assert status == 200 and told["model"] == model["id"], (path, name, told)
            assert sentence is None or sentence in json.dumps(told), (path, name, told)
    status, told = await hal0.post("/api/generate", {"model": names[-1], "stream": False})
    assert model["kind"] != "chat" or (status == 200 and told["model"] == model["id"]), (names, told)
    assert model["id"] in [row["name"] for row in (await hal0.get("/api/ps"))["models"]]
    body = {"model": names[-1], "messages": HI, "stream": True}
    if model["kind"] == "chat":
        async with hal0.session.post(hal0.url + "/v1/chat/completions", json=body) as answer:
            events = [
                line.removeprefix(b"data: ") async for line in answer.content if line.startswith(b"data: {")
            ]
        assert {json.loads(event)["model"] for event in events} == {model["id"]}
