"""Another hal0 under `upstreams:`: its slots are seen and switched from here; a lost link is a state."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from router.base.tasks import spawn
from tests.e2e.harness import Hal0
from tests.engines.running import make_server, soon
from tests.fixtures_models import SpeakingModel

THERE = "slots:\n  primary: {kind: chat, model: good}\n"
Pair = tuple[Hal0, Hal0]
State = dict[str, Any]


def models(home: Path, file: Path, *names: str) -> None:
    (home / "models").mkdir(parents=True)
    for name in names:
        shutil.copy(file, home / "models" / f"{name}.gguf")


@pytest.fixture
async def pair(tmp_path: Path, speaking_model: SpeakingModel) -> AsyncIterator[Pair]:
    """`here` and `there`; there is the upstream `bigpc` of the first. Engines misbehave as models are named."""
    engine, file = make_server(tmp_path / "llama-server"), speaking_model("It is the engine that speaks.")
    models(tmp_path / "here", file, "good")
    models(tmp_path / "there", file, "good", "better", "hang")
    there = Hal0.prepare(tmp_path / "there", engine, THERE)
    bigpc = f"upstreams:\n  bigpc: {{base_url: '{there.url}', kind: hal0}}\n"
    here = Hal0.prepare(tmp_path / "here", engine, THERE + bigpc)
    await there.start()
    await here.start()
    yield here, there
    await here.close()
    await there.close()


def remote(state: State) -> State | None:
    """What is seen of the other one; None without contact."""
    found: State | None = state["upstreams"][0]["remote"]
    return found


def slot_there(state: State) -> State:
    seen = remote(state)
    return seen["slots"][0] if seen else {}


async def test_its_slots_are_switched_from_here_and_the_progress_shows_here(pair: Pair) -> None:
    here, there = pair
    state = await here.until_state(remote, "contact")
    assert slot_there(state)["choices"] == ["better", "good", "hang"]
    assert state["upstreams"][0]["remote"]["server"]["url"] == there.url
    loading = spawn(here.post("/api/slots/bigpc%2Fprimary/load", {"model": "hang"}), name="load")
    state = await here.until_state(lambda s: slot_there(s).get("state") == "loading", "its progress")
    assert slot_there(state)["target"] == "hang"
    await here.until_state(lambda s: (slot_there(s)["progress"] or {}).get("fraction") == 0.3, "its share")
    assert (await there.slot())["progress"]["fraction"] == 0.3
    status, body = await here.post("/api/slots/bigpc%2Fprimary/cancel")
    assert (status, body["slot"]["name"]) == (200, "bigpc/primary")
    status, body = await soon(loading)
    assert (status, body["error"]["code"]) == (409, "slot.switch_cancelled")


async def test_the_command_line_reaches_it(pair: Pair) -> None:
    here, there = pair
    await here.until_state(remote, "contact")
    done = await asyncio.to_thread(here.cli, "switch", "bigpc/primary", "better")
    assert (done.returncode, done.stdout) == (0, "better is running in bigpc/primary.\n"), done.stderr
    assert (await there.slot())["model"] == "better" and (await there.slot())["state"] == "ready"
    status = await asyncio.to_thread(here.cli, "status")
    assert "bigpc/primary · better · ready" in status.stdout
    logs = await asyncio.to_thread(here.cli, "logs", "bigpc/primary")
    assert (
        logs.returncode == 0
        and logs.stdout.splitlines() == (await there.get("/api/slots/primary/logs"))["lines"]
    )
    wrong = await asyncio.to_thread(here.cli, "switch", "bigpc/primary", "worse")
    assert wrong.returncode == 1 and 'There is no model "worse"' in wrong.stderr
    nobody = await asyncio.to_thread(here.cli, "unload", "smallpc/primary")
    assert nobody.returncode == 1 and "there are: primary, bigpc/primary" in nobody.stderr
    empty = await asyncio.to_thread(here.cli, "unload", "bigpc/primary")
    assert (empty.returncode, (await there.slot())["state"]) == (0, "unloaded")


async def test_one_that_is_killed_in_a_switch_is_lost_and_comes_back(pair: Pair) -> None:
    here, there = pair
    await here.until_state(remote, "contact")
    loading = spawn(here.post("/api/slots/bigpc%2Fprimary/load", {"model": "hang"}), name="load")
    await here.until_state(lambda s: slot_there(s).get("state") == "loading", "its progress")
    await there.kill()
    status, body = await soon(loading, "the end of the command")
    assert (status, body["error"]["code"]) == (502, "upstream.failed")
    assert there.url in body["error"]["message"]
    state = await here.until_state(lambda s: not remote(s), "the loss")
    down = lambda s: s["upstreams"][0]["state"] == "down"  # noqa: E731
    state = await here.until_state(down, "the state of the upstream")
    assert state["upstreams"][0]["error"]
    assert await here.chat("good") == "I am good", "this computer goes on"
    status, body = await here.post("/api/slots/bigpc%2Fprimary/load", {"model": "good"})
    assert status in (404, 502), body
    lost = await asyncio.to_thread(here.cli, "status")
    assert "bigpc: no contact" in lost.stdout
    await there.start()
    await here.until_state(remote, "contact again")
    status, body = await here.post("/api/slots/bigpc%2Fprimary/load", {"model": "better"})
    assert (status, body["slot"]["state"], body["slot"]["model"]) == (200, "ready", "better")


async def test_two_that_follow_each_other_do_not_talk_for_ever(pair: Pair) -> None:
    here, there = pair
    file = there.home / "hal0.yaml"
    file.write_text(file.read_text() + f"upstreams:\n  laptop: {{base_url: '{here.url}', kind: hal0}}\n")
    await there.post("/api/reload")
    await there.until_state(remote, "contact from there")
    state = await here.until_state(remote, "contact from here")
    assert remote(state)["upstreams"] == []  # type: ignore[index]
    await there.post("/api/slots/laptop%2Fprimary/load", {"model": "good"})
    assert (await here.slot())["model"] == "good"
    before = (await here.state())["revision"], (await there.state())["revision"]
    await until_quiet(here)
    after = (await here.state())["revision"], (await there.state())["revision"]
    assert max(b - a for a, b in zip(before, after, strict=True)) < 30


async def until_quiet(hal0: Hal0) -> None:
    """Three seconds, told by the heartbeat of a stream of events; memory is measured meanwhile."""
    async with hal0.session.get(hal0.url + "/api/events?heartbeat=3") as answer:
        assert answer.headers["X-Hal0-Heartbeat"] == "3"
        loop = asyncio.get_running_loop()
        end = loop.time() + 3
        async for _line in answer.content:
            if loop.time() >= end:
                return


async def test_nothing_is_asked_of_it_where_all_stays_here(pair: Pair) -> None:
    here, _there = pair
    await here.until_state(remote, "contact")
    change = {"path": ["local_only"], "value": True}
    assert (await here.post("/api/config", {"changes": [change]}))[0] == 200
    await here.until_state(lambda s: s["local_only"] and not remote(s), "the end of contact")
    status, body = await here.post("/api/slots/bigpc%2Fprimary/unload")
    assert (status, body["error"]["code"]) in ((403, "upstream.local_only"), (404, "slot.not_found"))


async def test_a_real_engine_on_the_other_one_is_switched_and_speaks(
    tmp_path: Path, llama_server: Path, speaking_model: SpeakingModel
) -> None:
    for name, sentence in (("alpha", "Alpha speaks over there."), ("beta", "Beta speaks over there.")):
        folder = tmp_path / "there" / "models"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(speaking_model(sentence, name), folder / f"{name}.gguf")
    (tmp_path / "here").mkdir()
    there = Hal0.prepare(
        tmp_path / "there", llama_server, "slots:\n  primary: {model: alpha, autoload: true}\n"
    )
    bigpc = f"upstreams:\n  bigpc: {{base_url: '{there.url}', kind: hal0}}\n"
    here = Hal0.prepare(tmp_path / "here", llama_server, "slots:\n  primary: {kind: chat}\n" + bigpc)
    try:
        await there.start()
        await here.start()
        await here.until_state(lambda s: slot_there(s).get("state") == "ready", "alpha there")
        assert await here.chat("bigpc/primary") == "Alpha speaks over there."
        phases: list[str] = []

        async def watch() -> None:
            async for _name, data in here.events():
                for upstream in data.get("upstreams", []):
                    seen = upstream.get("remote_change") or upstream.get("remote") or {}
                    phases.extend(slot["state"] for slot in seen.get("slots", []))

        watching = spawn(watch(), name="watch")
        status, body = await here.post("/api/slots/bigpc%2Fprimary/load", {"model": "beta"})
        assert (status, body["slot"]["model"]) == (200, "beta")
        await here.until_state(lambda s: slot_there(s)["model"] == "beta", "beta there")
        watching.cancel()
        assert {"starting", "loading"} & set(phases), phases
        assert await here.chat("bigpc/primary") == "Beta speaks over there."
    finally:
        await here.close()
        await there.close()
