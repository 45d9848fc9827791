"""Published configurations of llama-swap: imported by the command, and all that came over started.

Models are stand-ins under the names that the file wants; programs that are not llama-server are
`tests/engines/echo.py` under theirs.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e.harness import Hal0
from tests.engines import echo
from tests.fixtures_models import SpeakingModel

FILES = Path(__file__).parents[1] / "router" / "imports" / "files"
PUBLISHED = sorted(FILES.glob("llama-swap-*.yaml"))
PROGRAMS = ("docker", "whisper-server", "audiocpp_server", "python", "opt/whisper-server", "app/sd-server")
SENTENCE = "I came over."
ANSWERS = {
    "chat": ("/v1/chat/completions", {"messages": [{"role": "user", "content": "Hello?"}]}),
    "embedding": ("/v1/embeddings", {"input": "words"}),
    "rerank": ("/v1/rerank", {"query": "words", "documents": ["one", "two"]}),
}
_FOLDERS = re.compile(r"(?<![\w.:/}])/(?=(?:srv|mnt|opt|app)/)")

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="stand-ins for programs are scripts"),
    pytest.mark.timeout(300),
]


@pytest.mark.parametrize("path", PUBLISHED, ids=lambda path: path.stem.removeprefix("llama-swap-"))
async def test_all_that_came_over_starts_and_answers(
    path: Path, make_hal0: Callable[[str], Hal0], speaking_model: SpeakingModel
) -> None:
    hal0 = make_hal0("")
    disk = hal0.home / "disk"
    with_programs(hal0, disk)
    file = hal0.home / "config.yaml"
    file.write_text(on(disk, await asyncio.to_thread(path.read_text)))
    done = await asyncio.to_thread(hal0.cli, "import", str(file), "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    document = yaml.safe_load((hal0.home / "hal0.yaml").read_text())
    models: Mapping[str, Any] = document.get("models") or {}
    put_stand_ins(models, hal0, speaking_model)

    with_key(hal0, document)
    await hal0.start()
    state = await hal0.state()
    known = {model["id"]: model for model in state["models"]}
    assert [m["problem"] for m in known.values() if m["problem"] and m["file"]] == []
    assert set(models) <= known.keys()
    for slot in state["slots"]:
        if slot["upstream"] is not None:
            continue
        for model in slot["choices"]:
            if model in models or model not in ("alpha", "beta", "embed-model"):
                await starts(hal0, slot["name"], known[model])
        assert (await hal0.post(f"/api/slots/{slot['name']}/unload"))[0] == 200
    missing = set(models) - {choice for slot in state["slots"] for choice in slot["choices"]}
    assert missing == set(), "a model that no slot may hold could not be started"


async def starts(hal0: Hal0, slot: str, model: Mapping[str, Any]) -> None:
    status, body = await hal0.post(f"/api/slots/{slot}/load", {"model": model["id"]})
    assert status == 200, (model["id"], body, hal0.output()[-2000:])
    ready = await hal0.slot(slot)
    assert (ready["state"], ready["model"]) == ("ready", model["id"])
    if model["file"] is None or model["kind"] not in ANSWERS:
        return  # what another program answers is its own
    where, asked = ANSWERS[model["kind"]]
    status, body = await hal0.post(where, {"model": model["id"], **asked})
    assert status == 200, (model["id"], body)
    if model["kind"] == "chat":
        assert body["choices"][0]["message"]["content"] == SENTENCE


def with_key(hal0: Hal0, document: Mapping[str, Any]) -> None:
    """Ask with a key from now on, where the file has some."""
    for key in (document.get("server") or {}).get("api_keys", [])[:1]:
        hal0.session.headers["Authorization"] = f"Bearer {key}"


def on(disk: Path, text: str) -> str:
    """The file as somebody would have it whose folders are below `disk`."""
    text = text.replace("C:\\Users\\Ada\\models\\", f"{disk}/")
    if "docker" not in text:
        text = text.replace(" /models/", f" {disk}/models/")
    return _FOLDERS.sub(f"{disk}/", text)


def with_programs(hal0: Hal0, disk: Path) -> None:
    """Put programs where the files look for them, which serve on whichever port of hal0's they are told."""
    first = 10000 + (hal0.port * 40) % 20000
    finder = hal0.home / "program.py"
    finder.write_text(
        "import re, sys\n"
        f"found = re.findall(r'\\d+', ' '.join(sys.argv))\n"
        f"ports = [int(n) for n in found if {first} <= int(n) <= {first + 39}]\n"
        f"sys.argv = ['echo', str(ports[0])]\n"
        f"exec(open({echo.__file__!r}).read())\n"
    )
    for name in PROGRAMS:
        program = disk / name if "/" in name else hal0.home / "bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I "{finder}" "$@"\n')
        program.chmod(0o755)
    hal0.env |= {
        "PATH": f"{hal0.home / 'bin'}:{hal0.env['PATH']}",
        "HOME": str(disk / "home"),
        "HF_TOKEN": "of-the-test",
        "OPENROUTER_API_KEY": "of-the-test",
        "API_KEY_2": "another-of-the-test",
    }


def put_stand_ins(models: Mapping[str, Any], hal0: Hal0, speaking_model: SpeakingModel) -> None:
    """Put a speaking model where each entry looks for its own."""
    for entry in models.values():
        kind = entry.get("kind", "chat")
        source = speaking_model(SENTENCE, "came-over", **({} if kind == "chat" else {"kind": kind}))
        for place in places_of(entry, hal0.home / "models"):
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, place)


def places_of(entry: Mapping[str, Any], models: Path) -> Iterator[Path]:
    written = entry["file"]
    if written.startswith("/"):
        yield Path(written)
    else:  # as `hal0 model pull` puts it: org/repo:label
        repository, _, label = written.partition(":")
        name = f"{repository.rpartition('/')[2]}-{label}.gguf"
        yield models / repository / label / name
    if draft := (entry.get("flags") or {}).get("spec-draft-model"):
        yield Path(draft)
