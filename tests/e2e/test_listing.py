"""What hal0.yaml says of a model to those who ask which there are."""

from __future__ import annotations

from collections.abc import Callable

from tests.e2e.harness import Hal0

CONFIG = """\
models:
  quiet: {file: alpha.gguf, aliases: [hush], listed: false}
  told:
    file: beta.gguf
    capabilities: [completion, vision, swimming]
    metadata: {context: {best: 4096}, tags: [small, 1], by: me}
slots:
  primary: {models: [quiet, beta, told], model: beta}
"""


async def test_an_unlisted_model_answers_to_its_name(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    ids = {row["id"] for row in (await hal0.get("/v1/models"))["data"]}
    tags = {row["name"] for row in (await hal0.get("/api/tags"))["models"]}
    assert {"primary", "beta"} <= ids and "quiet" not in ids and ids == tags
    assert (await hal0.get("/v1/models/hush"))["id"] == "quiet"
    assert (await hal0.post("/api/show", {"model": "quiet"}))[0] == 200
    assert await hal0.chat("hush") == "Alpha is the one who speaks."
    assert "quiet" not in {row["name"] for row in (await hal0.get("/api/ps"))["models"]}
    state = await hal0.state()
    assert state["slots"][0]["model"] == "quiet"
    assert [model["listed"] for model in state["models"] if model["id"] == "quiet"] == [False]


async def test_what_is_said_of_a_model_is_told(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    row = await hal0.get("/v1/models/told")
    assert row["metadata"] == {"context": {"best": 4096}, "tags": ["small", 1], "by": "me"}
    assert row["capabilities"] == ["completion", "vision", "swimming"]
    assert row["architecture"]["input_modalities"] == ["text", "image", "video"]
    assert "metadata" not in await hal0.get("/v1/models/beta")
    shown = (await hal0.post("/api/show", {"model": "told"}))[1]
    assert shown["capabilities"] == ["completion", "vision"], "Ollama's clients know no other words"
    listed = {model["id"]: model["metadata"] for model in (await hal0.state())["models"]}
    assert listed["told"] == row["metadata"] and listed["beta"] == {}
