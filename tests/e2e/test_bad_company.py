"""Property 2: one bad file, folder, manifest or name breaks no list, no reload and no other model."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.e2e.conftest import ALPHA, BETA
from tests.e2e.harness import Hal0
from tests.router.catalog.files import write_gguf
from tests.router.catalog.test_ollama import put

HI = [{"role": "user", "content": "Hello?"}]
LISTS = ("/v1/models", "/models", "/api/tags", "/api/ps", "/api/state", "/api/models", "/models/available", "/")
ASKING: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HI},
    "/v1/completions": {"prompt": "x"},
    "/v1/responses": {"input": "x"},
    "/v1/messages": {"messages": HI, "max_tokens": 5},
    "/v1/messages/count_tokens": {"messages": HI},
    "/v1/embeddings": {"input": "x"},
    "/tokenize": {"content": "x"},
    "/api/chat": {"messages": HI},
    "/api/generate": {"prompt": "x"},
    "/api/generate ": {"keep_alive": 0},
    "/api/embed": {"input": "x"},
    "/api/show": {},
    "/api/slots/primary/load": {},
    "/models/switch": {},
}
NAMES = ["\ud800", "a\udcffb", "x\x00y", "two\nlines dispatch.decision", "\x1b[31mred", "\u2028", "z" * 300_000]


async def plain(hal0: Hal0, method: str, path: str, **body: Any) -> tuple[int, Any, bytes]:
    """The answer, proven to be JSON that any parser takes: UTF-8, and no half of a surrogate pair."""
    sent = json.dumps(body).encode() if body else None
    async with hal0.session.request(method, hal0.url + path, data=sent) as answer:
        raw = await answer.read()
    told = json.loads(raw.decode())
    json.dumps(told, ensure_ascii=False).encode()
    return answer.status, told, raw


def make_bad_company(folder: Path, store: Path, hub: Path, good: Path) -> None:
    for name in ("truncated", "junk", "zero"):
        (folder / f"{name}.gguf").write_bytes(
            {"truncated": good.read_bytes()[:900], "junk": b"junk"}.get(name, b"")
        )
    for bad in (
        b"caf\xe9.gguf",
        b"two\nlines.gguf",
        b"\x1b[31m.gguf",
        b"\xff\xfe/inner.gguf",
        b"\xed\xa0\x80.gguf",
    ):
        path = folder / os.fsdecode(bad)
        path.parent.mkdir(exist_ok=True)
        write_gguf(folder / "moving.gguf", general__name=repr(bad)).rename(path)
    shutil.copy(good, folder / os.fsdecode(b"\xff\xfe/inner.gguf"))
    os.mkfifo(folder / "fifo.gguf")
    (folder / "dangling.gguf").symlink_to(folder / "nowhere")
    (folder / "circle.gguf").symlink_to("circle.gguf")
    (folder / "loop").symlink_to(folder)
    (folder / "folder.gguf").mkdir()
    with socket.socket(socket.AF_UNIX) as unix:
        os.chdir(folder)
        unix.bind("socket.gguf")
    for number, text in enumerate(["[]", "{", '{"layers": [1]}', "[" * 100_000]):
        put(store, "registry.ollama.ai", "library", "bad", str(number), model=good).write_text(text)
    put(store, "registry.ollama.ai", "library", "fine", "latest", model=good, params={"top_k": 1})
    (hub / "models--a--b" / "snapshots" / "c0ffee").mkdir(parents=True)
    (hub / "models--a--b" / "snapshots" / "c0ffee" / "cached.gguf").symlink_to("../../blobs/gone")
    os.mkfifo(hub / "models--a--b" / "refs")


async def test_bad_company_harms_nobody(
    make_hal0: Callable[[str], Hal0], model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows 22 and 33."""
    monkeypatch.chdir(tmp_path)
    store, hub = tmp_path / "store", tmp_path / "hub"
    make_bad_company(model_folder, store, hub, model_folder / "beta.gguf")
    slots = "slots:\n  primary: {autoload: false}\n  embed: {kind: embedding}\n"
    hal0 = make_hal0(f'model_dirs: ["{model_folder}", "{store}", "{hub}", "/dev/null", /nowhere]\n{slots}')
    await hal0.start()
    for path in LISTS:
        status, _told, _raw = await plain(hal0, "GET", path)
        assert status == 200, path
    problems = {model["id"]: model["problem"] for model in (await hal0.state())["models"]}
    well = {"alpha", "inner", "beta", "embed-model", "fine:latest"}
    assert {id_ for id_, problem in problems.items() if problem is None} == well
    assert {"junk", "zero", "truncated", "caf\\xe9", "two\\nlines", "fifo", "circle", "cached", "bad:0"} <= set(
        problems
    )
    assert await hal0.chat("alpha") == ALPHA
    for id_ in problems.keys() - well:
        status, told, _raw = await plain(hal0, "GET", f"/v1/models/{quote(id_, safe='')}")
        assert status == 200 and told["id"] == id_
        status, told, _raw = await plain(hal0, "POST", "/v1/chat/completions", model=id_, messages=HI)
        assert status >= 400 and told["error"]["message"].endswith("."), told
    for id_ in ("inner", "fine"):
        assert await hal0.chat(id_) == BETA
        _status, told, _raw = await plain(hal0, "GET", "/api/slots/primary/command")
        assert "-m" in told["command"]
    for command in (["reload"], ["status"], ["models"], ["model", "ls"]):
        done = hal0.cli(*command)
        assert done.returncode == 0 and "Traceback" not in done.stderr, done
    for id_, problem in problems.items():
        if problem is not None:
            assert hal0.output().count(f"model {id_}: ") == 1, f"{id_} is told once"
    assert "Traceback" not in hal0.output()


async def test_no_name_breaks_an_answer_or_the_log(make_hal0: Callable[[str], Hal0]) -> None:
    """Row 33."""
    hal0 = make_hal0("slots:\n  primary: {autoload: false}\n  embed: {kind: embedding}\n")
    await hal0.start()
    for name in NAMES:
        for path, body in ASKING.items():
            status, told, raw = await plain(hal0, "POST", path.strip(), model=name, **body)
            missing = 400 if path.strip() == "/v1/responses" else 404  # which Codex does not repeat
            assert status == missing and len(raw) < 3000, (path, name[:9], status, told)
        path = "/v1/models/" + quote(
            name[:3000].encode(errors="surrogateescape" if "\udcff" in name else "replace")
        )
        assert (await plain(hal0, "GET", path))[0] in (400, 404)
        for change in (
            {"path": ["models", name], "value": {"file": name}},
            {"path": ["slots", "primary", "model"], "value": name},
        ):
            status, told, _raw = await plain(hal0, "POST", "/api/config", changes=[change])
            assert status in (400, 200), told
    assert await hal0.chat("alpha") == ALPHA
    lines = hal0.output().splitlines()
    assert all(re.match(r"\d{4}-|dispatch\.decision at=|<\d>", line) for line in lines), lines
