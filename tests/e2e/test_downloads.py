"""Models fetched through a running hal0's own API: seen coming, stopped by kill -9, gone on with, used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from tests.e2e.harness import WAIT_SECONDS, Hal0
from tests.engines.running import until
from tests.fixtures_models import SpeakingModel
from tests.hub_server import HubServer, hub_server

REPO = "org/gamma-GGUF"
NAME = f"{REPO}:Q4_K_M"
GAMMA = "Gamma came over the line."
HELD = 5 << 20
BODY = {"reference": NAME}


@pytest.fixture
def hub(speaking_model: SpeakingModel) -> Iterator[HubServer]:
    with hub_server() as running:
        running.add(REPO, {"gamma-Q4_K_M.gguf": speaking_model(GAMMA, "gamma", pad_bytes=9 << 20).read_bytes()})
        yield running


@pytest.fixture
async def hal0(make_hal0: Callable[[str], Hal0], hub: HubServer) -> AsyncIterator[Hal0]:
    running = make_hal0("slots:\n  primary: {model: alpha}\n")
    running.env["HF_ENDPOINT"] = hub.url
    await running.start()
    yield running


def state_is(state: str) -> Callable[[list[dict[str, Any]]], bool]:
    return lambda found: [d["state"] for d in found] == [state]


async def files(hal0: Hal0) -> set[str]:
    return {model["id"] for model in (await hal0.state())["models"]}


async def test_a_download_survives_kill_9_and_the_model_is_offered_only_once_it_is_whole(
    hal0: Hal0, hub: HubServer
) -> None:
    before = await files(hal0)
    offer = await hal0.get(f"/api/hub/plan?ref={REPO}")
    assert [(m["label"], m["done_bytes"], m["room"]["fits"]) for m in offer["models"]] == [
        ("Q4_K_M", 0, "fits")
    ]
    assert offer["chosen"] == NAME and offer["disk_free"] > 0
    hub.hold_after = HELD
    status, body = await hal0.post("/api/downloads", BODY)
    assert (status, body["download"]["reference"]) == (202, NAME)
    await hal0.until_part(
        "downloads", lambda found: found[0]["done_bytes"] >= 4 << 20 if found else False, "progress"
    )
    assert await hal0.get("/api/downloads") == {"downloads": (await hal0.state())["downloads"]}
    status, body = await hal0.post("/api/downloads/pause", BODY)
    assert (status, body["download"]["state"], body["download"]["speed"]) == (200, "paused", None)
    await hal0.post("/api/downloads/resume", BODY)
    assert (await hal0.post("/api/reload"))[0] == 200
    assert await files(hal0) == before
    await hal0.kill()
    hub.release.set()
    hub.hold_after = None
    await hal0.start()
    (left,) = (await hal0.state())["downloads"]
    assert (left["reference"], left["state"]) == (NAME, "paused")
    assert left["done_bytes"] >= 4 << 20 and left["total_bytes"] > 9 << 20
    assert await files(hal0) == before
    asked = len(hub.seen)
    assert (await hal0.post("/api/downloads/resume", BODY))[0] == 202
    await hal0.until_part("downloads", state_is("done"), "the end")
    starts = [s.range for s in hub.seen[asked:] if s.cdn and not (s.range or "").startswith("bytes=0-")]
    assert starts and int(starts[-1].removeprefix("bytes=").split("-")[0]) >= 4 << 20, "only the rest came"
    async with asyncio.timeout(WAIT_SECONDS):
        async for _event, data in hal0.events():
            if any(model["id"] == "gamma-Q4_K_M" for model in data.get("models", [])):
                break
    assert await hal0.chat("gamma-Q4_K_M") == GAMMA
    assert (await hal0.post("/api/downloads/remove", BODY)) == (200, {"download": None})
    assert "gamma-Q4_K_M" in await files(hal0) and (await hal0.state())["downloads"] == []


async def test_removing_takes_away_what_has_come(hal0: Hal0, hub: HubServer) -> None:
    hub.hold_after = HELD
    await hal0.post("/api/downloads", BODY)
    assert await asyncio.to_thread(hub.held.wait, WAIT_SECONDS)
    folder = hal0.own_folder("data") / "models"
    await until(lambda: any(folder.rglob("*.part")), "the part")
    hub.release.set()
    assert (await hal0.post("/api/downloads/remove", BODY))[0] == 200
    assert (await hal0.state())["downloads"] == []
    assert not any(folder.rglob("*.gguf*"))


async def test_what_cannot_be_is_refused_in_a_sentence(hal0: Hal0, hub: HubServer) -> None:
    hub.add("org/text", {"README.md": b"x"})
    for path, body, status, code in (
        ("/api/downloads", {}, 400, "request.invalid"),
        ("/api/downloads", {"reference": "org/none"}, 502, "model.pull_failed"),
        ("/api/downloads/pause", BODY, 404, "model.not_found"),
    ):
        got, answer = await hal0.post(path, body)
        assert (got, answer["error"]["code"]) == (status, code)
    assert "has no GGUF files" in (await hal0.get("/api/hub/plan?ref=org/text"))["error"]["message"]
    assert (await hal0.get("/api/hub/plan"))["error"]["param"] == "ref"
    assert (await hal0.state())["downloads"] == []
