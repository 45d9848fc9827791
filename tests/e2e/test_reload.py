"""hal0.yaml and the model folder change under a running hal0: what must restart does, nothing else."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from router.base.tasks import spawn
from router.config.edit import HEADER
from router.config.json_schema import SCHEMA_FILE
from router.reload.watch import LOST
from tests.e2e.conftest import ALPHA, BETA
from tests.e2e.harness import WAIT_SECONDS, Hal0, free_port
from tests.engines.slow import slow_server
from tests.fixtures_models import SpeakingModel
from tests.modes import is_private

CONFIG = """\
models:
  # the first one
  one: {file: alpha.gguf, flags: {ctx-size: 512}}   # small
slots:
  primary: {model: one, autoload: true}   # for chats
  second:  {model: beta, autoload: true}
"""


@pytest.fixture
async def two(make_hal0: Callable[[str], Hal0]) -> AsyncIterator[Hal0]:
    """Two chat slots, both ready."""
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.until_ready("one")
    await hal0.until_ready("beta", "second")
    yield hal0


def rewrite(hal0: Hal0, old: str, new: str) -> None:
    """As an editor saves: a new file in the old one's place."""
    file = hal0.home / "hal0.yaml"
    text = file.read_text()
    assert text.count(old) == 1, text
    fresh = file.with_suffix(".new")
    fresh.write_text(text.replace(old, new))
    fresh.replace(file)


async def pids(hal0: Hal0) -> dict[str, int | None]:
    return {slot["name"]: slot["pid"] for slot in (await hal0.state())["slots"]}


async def until(hal0: Hal0, wanted: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    """Look at the state until it is as wanted."""
    state: dict[str, Any] = {}
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while not (state and wanted(state)):
                state = await hal0.state()
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"waited for {what}: {json.dumps(state)}\n{hal0.output()}") from None
    return state


def slot_of(state: dict[str, Any], name: str) -> dict[str, Any]:
    return next(slot for slot in state["slots"] if slot["name"] == name)


def model_of(state: dict[str, Any], id_: str) -> Any:
    return next((model for model in state["models"] if model["id"] == id_), None)


def config_error(state: dict[str, Any]) -> str | None:
    error: str | None = state["server"]["config_error"]
    return error


async def edit(hal0: Hal0, *changes: dict[str, Any]) -> tuple[int, Any]:
    return await hal0.post("/api/config", {"changes": list(changes)})


async def test_a_policy_is_picked_up_from_the_file_without_a_restart(two: Hal0) -> None:
    before = await pids(two)
    rewrite(two, "autoload: true}   # for chats", "autoload: true, pinned: true}   # for chats")
    await until(two, lambda s: bool(slot_of(s, "primary")["pinned"]), "pinned")
    assert await pids(two) == before
    assert await two.chat("primary") == ALPHA


async def test_an_idle_limit_unloads_a_slot_that_was_loaded_without_one(two: Hal0) -> None:
    status, _ = await edit(two, {"path": ["slots", "second", "idle_unload"], "value": 1})
    assert status == 200
    await two.until_slot(lambda s: s["state"] == "unloaded", "idle unload", "second")


async def test_flags_of_the_running_model_restart_its_slot_and_no_other(two: Hal0) -> None:
    before = await pids(two)
    text = (two.home / "hal0.yaml").read_text()
    status, answer = await edit(two, {"path": ["models", "one", "flags", "ctx-size"], "value": 1024})
    assert status == 200
    ready = await two.until_slot(lambda s: s["state"] == "ready" and s["pid"] != before["primary"], "restart")
    assert ready["context_length"] == 1024
    assert (await pids(two))["second"] == before["second"]
    assert (two.home / "hal0.yaml").read_text() == text.replace("512", "1024") == answer["text"]
    assert await two.chat("one") == ALPHA


async def test_a_restart_for_new_flags_lets_a_running_answer_end(
    make_hal0: Callable[[str], Hal0], speaking_model: SpeakingModel, model_folder: Path
) -> None:
    saying = " ".join(f"word{n}" for n in range(1500))
    shutil.copy(speaking_model(saying, "long"), model_folder / "long.gguf")
    hal0 = make_hal0(CONFIG.replace("alpha.gguf", "long.gguf").replace("512", "4096"))
    await hal0.start()
    before = (await hal0.until_ready("one"))["pid"]
    body = {"model": "primary", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
    async with hal0.session.post(hal0.url + "/v1/chat/completions", json=body) as answer:
        first = await answer.content.readline()
        status, _ = await edit(hal0, {"path": ["models", "one", "flags", "ctx-size"], "value": 8192})
        assert status == 200
        rest = await answer.read()
    assert first.startswith(b"data: ")
    assert rest.rstrip().endswith(b"data: [DONE]") and b"word1499" in rest and b"error" not in rest
    await hal0.until_slot(lambda s: s["state"] == "ready" and s["pid"] != before, "restart")


async def test_request_defaults_apply_to_the_next_request_without_a_restart(two: Hal0) -> None:
    before = await pids(two)
    assert await two.chat("one") == ALPHA
    status, _ = await edit(two, {"path": ["models", "one", "request"], "value": {"max_tokens": 2}})
    assert status == 200
    said = await two.chat("one")
    assert said != ALPHA and ALPHA.startswith(said)
    assert await pids(two) == before


async def test_flags_that_cannot_be_launched_leave_the_engine_and_say_why(two: Hal0) -> None:
    before = await pids(two)
    await edit(two, {"path": ["models", "one", "flags", "no-such-flag"], "value": 1})
    failed = await two.until_slot(lambda s: s["last_error"] is not None and s["state"] == "ready", "an error")
    assert "no-such-flag" in failed["last_error"]["message"]
    assert await pids(two) == before and await two.chat("primary") == ALPHA
    await edit(two, {"path": ["models", "one", "flags", "no-such-flag"], "remove": True})
    status, _ = await two.post("/api/slots/primary/restart")
    assert status == 200


async def test_a_new_gguf_is_offered_and_nothing_restarts(two: Hal0, model_folder: Path) -> None:
    before = await pids(two)
    shutil.copy(model_folder / "beta.gguf", model_folder / "gamma.gguf")
    await until(two, lambda s: any(m["id"] == "gamma" for m in s["models"]), "gamma")
    rows = (await two.get("/v1/models"))["data"]
    assert "gamma" in [row["id"] for row in rows]
    assert await pids(two) == before
    assert await two.chat("second:gamma") == BETA


async def test_a_download_becomes_usable_when_it_is_complete(two: Hal0, model_folder: Path) -> None:
    whole = (model_folder / "beta.gguf").read_bytes()
    growing = model_folder / "gamma.gguf"
    growing.write_bytes(whole[:5000])
    await until(two, lambda s: any(m["id"] == "gamma" and m["problem"] for m in s["models"]), "a damaged gamma")
    with growing.open("ab") as file:
        file.write(whole[5000:])
    await until(two, lambda s: any(m["id"] == "gamma" and not m["problem"] for m in s["models"]), "gamma")


async def test_another_port_answers_the_old_one_refuses_and_engines_stay(two: Hal0) -> None:
    before, old = await pids(two), two.port
    port = free_port()
    body = {"model": "primary", "stream": True, "messages": [{"role": "user", "content": "Hello?"}]}
    async with two.session.post(two.url + "/v1/chat/completions", json=body) as open_stream:
        status, _ = await edit(two, {"path": ["server", "port"], "value": port})
        assert status == 200
        assert (await open_stream.read()).rstrip().endswith(b"data: [DONE]")
    two.port = port
    assert await two.chat("primary") == ALPHA
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", old)
    assert await pids(two) == before
    assert two.cli("status").stdout.startswith("hal0 ") and str(port) in two.cli("status").stdout


async def test_a_connection_to_the_old_port_is_answered_or_closed_but_never_deaf(two: Hal0) -> None:
    """While another request keeps the old endpoint alive, a client goes on by the connection it has."""
    old, port = two.port, free_port()
    request = f"GET /health HTTP/1.1\r\nHost: 127.0.0.1:{old}\r\n\r\n".encode()
    async with two.session.get(two.url + "/api/events") as events:
        reader, writer = await asyncio.open_connection("127.0.0.1", old)
        writer.write(request)
        assert b"200 OK" in await reader.readuntil(b'{"status": "ok"}')
        status, _ = await edit(two, {"path": ["server", "port"], "value": port})
        assert status == 200
        writer.write(request)
        async with asyncio.timeout(WAIT_SECONDS):
            answer = await reader.read()
        assert b"200 OK" in answer and b"connection: close" in answer.lower()
        writer.close()
        assert events.status == 200
    two.port = port
    assert await two.chat("primary") == ALPHA


async def test_a_taken_port_leaves_the_old_one_and_is_told(two: Hal0) -> None:
    before = await pids(two)
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    taken = server.sockets[0].getsockname()[1]
    old = two.port
    status, answer = await edit(two, {"path": ["server", "port"], "value": taken})
    assert status == 503 and answer["error"]["code"] == "server.port_in_use"
    assert str(taken) in (config_error(await two.state()) or "")
    assert await two.chat("primary") == ALPHA
    await edit_back(two, old)
    assert config_error(await two.state()) is None
    assert await pids(two) == before
    server.close()
    await server.wait_closed()


async def edit_back(hal0: Hal0, port: int) -> None:
    status, answer = await edit(hal0, {"path": ["server", "port"], "value": port})
    assert status == 200, answer


async def test_another_host_on_the_same_port(two: Hal0) -> None:
    status, answer = await edit(two, {"path": ["server"], "value": {"port": two.port, "host": "localhost"}})
    assert status == 200, answer
    assert await two.chat("primary") == ALPHA


async def test_new_keys_are_asked_for_at_once_and_never_shown(two: Hal0) -> None:
    before = await pids(two)
    status, answer = await edit(two, {"path": ["server", "api_keys"], "value": ["sesame-sesame", "env:HOME"]})
    assert status == 200 and "sesame" not in answer["text"] and "env:HOME" in answer["text"]
    assert (await two.ask("primary"))[0] == 401
    assert (await edit(two, {"path": ["server", "api_keys"], "remove": True}))[0] == 401
    two.session.headers["Authorization"] = "Bearer sesame-sesame"
    assert await two.chat("primary") == ALPHA
    assert "sesame" not in (await two.get("/api/config"))["text"]
    assert "sesame" not in two.output() + json.dumps(await two.state())
    assert await pids(two) == before


async def test_a_broken_file_changes_nothing_is_shown_and_forgotten_when_mended(two: Hal0) -> None:
    before = await pids(two)
    rewrite(two, "autoload: true}   # for", "autolod: true}   # for")
    state = await until(two, lambda s: config_error(s) is not None, "config_error")
    assert "autolod" in (config_error(state) or "") and 'did you mean "autoload"' in (config_error(state) or "")
    assert await two.chat("primary") == ALPHA and await two.chat("second") == BETA
    status, answer = await two.post("/api/reload")
    assert status == 400 and answer["error"]["code"] == "config.invalid"
    rewrite(two, "autolod", "autoload")
    await until(two, lambda s: config_error(s) is None, "no config_error")
    assert await pids(two) == before
    assert two.cli("reload").stdout == "hal0.yaml is in effect.\n"


async def test_an_invalid_edit_writes_nothing(two: Hal0) -> None:
    file = two.home / "hal0.yaml"
    before, when = file.read_bytes(), file.stat().st_mtime_ns
    for change in (
        {"path": ["slots", "primary", "model"], "value": "nobody"},
        {"path": ["slots", "primary", "switch"], "value": "sometimes"},
        {"path": ["server", "host"], "value": "0.0.0.0"},
        {"path": ["slot"], "value": {"a": 1}},
    ):
        status, answer = await edit(two, change)
        assert status == 400 and answer["error"]["code"] == "config.invalid", answer
    for nonsense in (None, [], [{"path": ["a"]}], [{"path": [1], "value": 1}], [{"path": [], "value": 1}]):
        status, answer = await two.post("/api/config", {"changes": nonsense})
        assert status == 400 and answer["error"]["code"] == "request.invalid", answer
    assert file.read_bytes() == before and file.stat().st_mtime_ns == when
    assert config_error(await two.state()) is None


async def test_slots_come_go_and_change_their_order(two: Hal0) -> None:
    before = await pids(two)
    status, _ = await edit(two, {"path": ["slots", "third"], "value": {"model": "beta", "autoload": True}})
    assert status == 200
    await two.until_ready("beta", "third")
    assert list(await pids(two)) == ["primary", "second", "third"]
    status, _ = await edit(two, {"path": ["slots", "second"], "remove": True})
    state = await until(two, lambda s: len(s["slots"]) == 2, "two slots")
    assert [slot["name"] for slot in state["slots"]] == ["primary", "third"]
    assert (await pids(two))["primary"] == before["primary"]
    status, answer = await two.ask("second")
    assert status == 404 and answer["error"]["code"] == "model.not_found"
    assert len(two.engines()) == 2


async def test_a_slot_of_another_kind_takes_the_place_of_the_old_one(two: Hal0) -> None:
    before = await pids(two)
    value = {"kind": "embedding", "model": "embed-model", "autoload": True}
    status, _ = await edit(two, {"path": ["slots", "second"], "value": value})
    assert status == 200
    kinds = [("primary", "chat"), ("second", "embedding")]
    await until(two, lambda s: [(x["name"], x["kind"]) for x in s["slots"]] == kinds, "an embedding slot")
    await two.until_ready("embed-model", "second")
    status, body = await two.post("/v1/embeddings", {"model": "second", "input": "words"})
    assert status == 200 and body["data"][0]["embedding"]
    assert list(await pids(two)) == ["primary", "second"]
    assert (await pids(two))["primary"] == before["primary"]


async def test_another_model_for_a_slot_is_the_newer_wish(two: Hal0) -> None:
    before = await pids(two)
    rewrite(two, "model: one", "model: beta")
    await two.until_ready("beta")
    assert await two.chat("primary") == BETA
    assert (await pids(two))["second"] == before["second"]


async def test_a_model_that_leaves_runs_on_until_its_slot_is_switched(two: Hal0, model_folder: Path) -> None:
    assert await two.chat("primary:alpha") == ALPHA
    before = await pids(two)
    rewrite(two, "alpha.gguf", "beta.gguf")
    (model_folder / "alpha.gguf").unlink()
    state = await until(two, lambda s: "alpha" not in slot_of(s, "primary")["choices"], "alpha to leave")
    assert slot_of(state, "primary")["loaded"] == ["alpha"]
    assert "no longer in hal0.yaml" in model_of(state, "alpha")["problem"]
    assert await two.chat("primary") == ALPHA and await pids(two) == before
    status, answer = await two.post("/api/slots/primary/restart")
    assert status == 400 and "no longer in hal0.yaml" in answer["error"]["message"]
    assert await two.chat("primary") == ALPHA and await pids(two) == before
    assert await two.chat("one") == BETA
    await until(two, lambda s: model_of(s, "alpha") is None, "alpha to be forgotten")


async def test_a_configured_model_whose_file_leaves_runs_on_and_says_so(two: Hal0, model_folder: Path) -> None:
    before = await pids(two)
    (model_folder / "beta.gguf").rename(model_folder / "beta.away")
    await until(two, lambda s: bool(model_of(s, "beta")["problem"]), "beta's problem")
    assert await two.chat("second") == BETA and await pids(two) == before
    (model_folder / "beta.away").rename(model_folder / "beta.gguf")
    status, _ = await two.post("/api/reload")
    assert status == 200 and model_of(await two.state(), "beta")["problem"] is None
    assert await two.chat("second") == BETA and await pids(two) == before


async def test_another_llama_server_restarts_every_engine(two: Hal0, llama_server: Path) -> None:
    before = await pids(two)
    other = slow_server(two.home, llama_server, 0.1)
    status, answer = await edit(two, {"path": ["engine", "llama_server"], "value": str(other)})
    assert status == 200, answer

    def all_new(state: dict[str, Any]) -> bool:
        return all(s["state"] == "ready" and s["pid"] != before[s["name"]] for s in state["slots"])

    await until(two, all_new, "two restarts")
    assert await two.chat("primary") == ALPHA


async def test_a_link_and_its_targets_mode_survive_an_edit(two: Hal0, tmp_path: Path) -> None:
    file = two.home / "hal0.yaml"
    target = tmp_path / "dotfiles" / "mine.yaml"
    target.parent.mkdir()
    shutil.move(file, target)
    target.chmod(0o640)
    file.symlink_to(target)
    status, _ = await edit(two, {"path": ["limits", "queue"], "value": 3})
    assert status == 200
    assert file.is_symlink() and target.stat().st_mode & 0o777 == 0o640
    assert target.read_text().endswith("limits:\n  queue: 3\n")
    assert [file.name for file in target.parent.iterdir()] == ["mine.yaml"]


async def test_the_first_edit_makes_the_file(make_hal0: Callable[[str], Hal0], tmp_path: Path) -> None:
    hal0 = make_hal0("")
    file = tmp_path / "hal0.yaml"
    await hal0.start()
    port_and_dirs = file.read_text()
    file.unlink()
    hal0_port = hal0.port
    document = await hal0.get("/api/config")
    del document["config"]  # what is in effect without a file
    assert document == {"file": str(file), "exists": False, "text": ""}
    changes: list[dict[str, Any]] = [
        {"path": ["server", "port"], "value": hal0_port},
        {"path": ["model_dirs"], "value": [str(tmp_path / "models")]},
        {"path": ["slots", "primary"], "value": {"model": "alpha", "autoload": True}},
    ]
    status, answer = await edit(hal0, *changes)
    assert status == 200, answer
    assert answer["text"].startswith(HEADER) and answer["exists"] and port_and_dirs
    assert file.with_name(SCHEMA_FILE).exists()
    assert is_private(file)
    await hal0.until_ready("alpha")


async def test_requests_during_a_change_of_settings_are_all_answered(two: Hal0) -> None:
    """Ten policy edits and a restart while four clients ask without pause."""
    stop = asyncio.Event()
    answers: list[str] = []
    several = asyncio.Event()

    async def client() -> None:
        while not stop.is_set():
            answers.append(await two.chat("primary"))
            if len(answers) > 4:
                several.set()

    clients = [spawn(client(), name=f"client {n}") for n in range(4)]
    for seconds in range(1, 10):
        await edit(two, {"path": ["slots", "primary", "drain_timeout"], "value": 10 + seconds})
    await edit(two, {"path": ["models", "one", "flags", "ctx-size"], "value": 2048})
    await two.until_slot(lambda s: s["context_length"] == 2048 and s["state"] == "ready", "2048")
    await several.wait()
    stop.set()
    await asyncio.gather(*clients)
    assert len(answers) > 4 and set(answers) == {ALPHA}


@pytest.mark.parametrize("way", ["renamed", "written over"])
async def test_a_model_file_that_is_replaced_is_the_one_that_answers(
    make_hal0: Callable[[str], Hal0], model_folder: Path, way: str
) -> None:
    """It was answered from the old content until somebody unloaded it; by whichever way the new one came."""
    hal0 = make_hal0("models:\n  one: {file: alpha.gguf}\nslots:\n  primary: {model: one, autoload: true}\n")
    await hal0.start()
    before = (await hal0.until_ready("one"))["pid"]
    assert await hal0.chat("primary") == ALPHA
    alpha = model_folder / "alpha.gguf"
    if way == "renamed":
        shutil.copy(model_folder / "beta.gguf", model_folder / "alpha.new")
        (model_folder / "alpha.new").replace(alpha)
    else:
        alpha.write_bytes((model_folder / "beta.gguf").read_bytes())
    await hal0.until_slot(lambda s: s["state"] == "ready" and s["pid"] != before, "the new file")
    assert await hal0.chat("primary") == BETA


async def test_a_part_beside_the_model_that_is_replaced_is_read_anew(
    make_hal0: Callable[[str], Hal0], tmp_path: Path
) -> None:
    template = tmp_path / "chat.jinja"
    template.write_text("{% for m in messages %}{{ m.content }}{% endfor %}")
    hal0 = make_hal0(
        f"models:\n  one: {{file: alpha.gguf, flags: {{chat-template-file: '{template}'}}}}\n"
        "slots:\n  primary: {model: one, autoload: true}\n"
    )
    await hal0.start()
    before = (await hal0.until_ready("one"))["pid"]
    assert "tools" not in slot_of(await hal0.state(), "primary")["capabilities"]
    template.write_text(
        "{% if tools %}{{ tools | tojson }}{% endif %}{% for m in messages %}{{ m.content }}{% endfor %}"
    )
    await hal0.until_slot(lambda s: s["state"] == "ready" and s["pid"] != before, "the new template")
    assert "tools" in slot_of(await hal0.state(), "primary")["capabilities"]


@pytest.mark.parametrize("way", ["removed", "emptied", "cut short by a full disk"])
async def test_a_config_that_is_lost_changes_nothing(two: Hal0, way: str) -> None:
    """hal0 went over to its defaults: another port, other slots, and an endpoint without keys."""
    file, before = two.home / "hal0.yaml", await pids(two)
    text = file.read_text()
    if way == "removed":
        file.rename(file.with_suffix(".away"))
    else:
        file.write_text("" if way == "emptied" else "\0" * len(text))
    state = await until(two, lambda s: bool(config_error(s)), "the file to be missed")
    assert config_error(state) == LOST
    assert await pids(two) == before and await two.chat("one") == ALPHA
    if way == "removed":
        file.with_suffix(".away").rename(file)  # the very same file
    else:
        file.write_text(text)
    await until(two, lambda s: not config_error(s), "the file to be found again")
    assert await pids(two) == before
