"""A model is fetched, used and removed beside a running hal0."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from router.base.tasks import spawn
from router.hub.names import parse_reference
from router.hub.pull import Pull
from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel
from tests.hub_server import HubServer, hub_server

REPO = "org/gamma-GGUF"
GAMMA = "Gamma came over the line."


@pytest.fixture
def hub(speaking_model: SpeakingModel) -> Iterator[HubServer]:
    with hub_server() as running:
        running.add(REPO, {"gamma-Q4_K_M.gguf": speaking_model(GAMMA, "gamma", pad_bytes=6 << 20).read_bytes()})
        yield running


@pytest.fixture
async def hal0(make_hal0: Callable[[str], Hal0], hub: HubServer) -> AsyncIterator[Hal0]:
    """Its `model_dirs` names another folder than hal0's own."""
    running = make_hal0("slots:\n  primary: {model: alpha, autoload: true}\n")
    running.env["HF_ENDPOINT"] = hub.url
    await running.start()
    await running.until_ready("alpha")
    yield running


async def cli(hal0: Hal0, *words: str) -> tuple[int, str, str]:
    done = await asyncio.to_thread(hal0.cli, "model", *words)
    return done.returncode, done.stdout, done.stderr


def gamma_file(hal0: Hal0) -> Path:
    return hal0.own_folder("data") / "models" / "org" / "gamma-GGUF" / "Q4_K_M" / "gamma-Q4_K_M.gguf"


async def models(hal0: Hal0) -> dict[str, Any]:
    return {model["id"]: model for model in (await hal0.state())["models"]}


async def test_a_fetched_model_is_offered_used_and_not_removed_while_loaded(hal0: Hal0) -> None:
    assert "gamma-Q4_K_M" not in await models(hal0)
    code, out, err = await cli(hal0, "pull", REPO)
    assert code == 0, err
    assert (await models(hal0))["gamma-Q4_K_M"]["problem"] is None, "known as soon as the command has ended"
    assert await hal0.chat("gamma-Q4_K_M") == GAMMA
    code, out, err = await cli(hal0, "rm", "gamma-Q4_K_M", "--yes")
    assert (code, out) == (1, "")
    assert err == "hal0: gamma-Q4_K_M is loaded in primary: `hal0 unload primary`, then remove it.\n"
    await hal0.post("/api/slots/primary/load", {"model": "alpha"})
    code, out, err = await cli(hal0, "rm", f"{REPO}:Q4_K_M", "--yes")
    assert code == 0, err
    assert "gamma-Q4_K_M" not in await models(hal0)


async def test_the_api_deletes_what_hal0_fetched_and_nothing_else(hal0: Hal0) -> None:
    assert (await cli(hal0, "pull", REPO))[0] == 0
    known = await models(hal0)
    path = "/api/models/delete"
    assert {name: model["fetched"] for name, model in known.items() if model["fetched"]} == {
        "gamma-Q4_K_M": f"{REPO}:Q4_K_M"
    }
    assert await hal0.chat("gamma-Q4_K_M") == GAMMA
    for name, sentence in (("gamma-Q4_K_M", "in use in primary"), ("alpha", "hal0 did not fetch alpha")):
        status, body = await hal0.post(path, {"model": name})
        assert (status, body["error"]["code"]) == (409, "model.not_deletable")
        assert sentence in body["error"]["message"] and gamma_file(hal0).is_file()
    assert (await hal0.post("/api/slots/primary/unload"))[0] == 200
    assert await hal0.post(path, {"model": f"{REPO}:Q4_K_M"}) == (200, {"deleted": f"{REPO}:Q4_K_M"})
    assert not gamma_file(hal0).exists() and "gamma-Q4_K_M" not in await models(hal0)
    status, body = await hal0.post(path, {"model": "gamma-Q4_K_M"})
    assert (status, body["error"]["code"]) == (404, "model.not_found")
    assert (await hal0.post(path, {}))[0] == 400


async def test_nothing_half_done_is_ever_offered_and_what_is_whole_is_noticed(
    hal0: Hal0, hub: HubServer
) -> None:
    """Fetched by another program's hand: the running hal0 finds it by looking at its folder."""
    hub.hold_after = 5 << 20
    downloads = hal0.own_folder("data") / "models"
    puller = Pull(parse_reference(REPO), downloads, endpoint=hub.url)
    plan = await asyncio.to_thread(puller.plan)
    running = spawn(asyncio.to_thread(puller.run, plan), name="pull")
    assert await asyncio.to_thread(hub.held.wait, 20)
    assert (await hal0.post("/api/reload"))[0] == 200
    assert set(await models(hal0)) == {"alpha", "beta", "embed-model"}
    hub.release.set()
    path: Path = await running
    async with asyncio.timeout(30):
        async for _event, data in hal0.events():
            if any(model["file"] == str(path) for model in data.get("models", [])):
                break
    assert await hal0.chat("gamma-Q4_K_M") == GAMMA


async def test_a_search_one_order_and_the_model_answers(hal0: Hal0, hub: HubServer) -> None:
    """What the window does: search, fetch into a slot, try."""
    found = await hal0.get("/api/hub/search?q=gamma")
    assert [item["repo"] for item in found["repositories"]] == [REPO]
    found = await hal0.get("/api/hub/search")
    assert {item["kind"] for item in found["suggestions"]} >= {"chat", "embedding"}
    status, refused = await hal0.post("/api/downloads", {"reference": REPO, "slot": "primery"})
    assert (status, refused["error"]["code"]) == (404, "slot.not_found")
    assert (await hal0.post("/api/downloads", {"reference": REPO, "slot": "primary"}))[0] == 202
    async with asyncio.timeout(60):
        async for _event, data in hal0.events():
            (slot,) = data.get("slots", []) or [{}]
            if "gamma-Q4_K_M" in (slot.get("loaded") or ()):
                break
    (download,) = (await hal0.state())["downloads"]
    assert (download["state"], download["slot"], download["model"]) == ("done", "primary", "gamma-Q4_K_M")
    assert await hal0.chat("primary") == GAMMA
