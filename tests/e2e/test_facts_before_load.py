"""Property 4: what hal0 tells of a model before it loads is what the engine tells after, and requests get."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from tests.e2e.harness import Hal0
from tests.fixtures_models import SpeakingModel
from tests.resources.ggufs import build_bert, build_projector

TRAINED = 8192
TOOLS = (
    "{%- if tools %}{{ tools | tojson }}{% endif %}{% for message in messages %}{{ message.role }}: "
    "{{ message.content }}\n{% endfor %}{% if add_generation_prompt %}<|reply|>"
    "{% if enable_thinking is defined and not enable_thinking %}<think></think>{% endif %}{% endif %}"
)
COMMENT = "{# tools | tojson #}{% for message in messages %}{{ message.content }} 'tools' {% endfor %}"
FORCED = "{% for message in messages %}{{ message.content }}{% endfor %}<think>\n"


class Case(NamedTuple):
    """A model of the table; `file` is one of those that `folder` makes."""

    file: str
    flags: dict[str, Any]


CONTEXTS: list[dict[str, Any]] = [
    {},
    {"ctx-size": 0},
    {"ctx-size": 4096},
    {"ctx-size": 1000},
    {"ctx-size": 4096, "parallel": 4},
    {"ctx-size": 4096, "parallel": 3},
    {"ctx-size": 1000, "parallel": 3},
    {"ctx-size": 4096, "parallel": 4, "kv-unified": True},
    {"ctx-size": 4096, "parallel": 4, "no-kv-unified": True},
    {"ctx-size": 4096, "parallel": 2, "kv-unified": False},
    {"ctx-size": 4096, "no-kv-unified": True},
    {"ctx-size": 4096, "parallel": -1},
    {"parallel": 1},
    {"parallel": 3},
    {"parallel": 2, "kv-unified": True},
    {"ctx-size": 0, "parallel": 4},
    {"ctx-size": 20000},
    {"ctx-size": 20000, "parallel": 2},
    {"kv-unified-per-slot": 1500},
    {"kv-unified-per-slot": 1500, "parallel": 2},
    {"ctx-size": 4096, "kv-unified-per-slot": 1500},
    {"ctx-size": 4096, "kv-unified-per-slot": 3000, "parallel": 2},
    {"rope-scale": 4},
    {"rope-scaling": "linear", "rope-scale": 2},
    {"rope-scaling": "yarn"},
    {"rope-scaling": "yarn", "rope-scale": 2},
    {"rope-scaling": "yarn", "rope-freq-scale": 0.5, "parallel": 2},
    {"rope-scaling": "yarn", "rope-scale": 4, "yarn-orig-ctx": 1024},
    {"rope-scaling": "yarn", "rope-scale": 1.5, "ctx-size": 10000},
    {"override-kv": "qwen3.context_length=int:1000"},
    {"override-kv": "tokenizer.ggml.add_bos_token=bool:false,qwen3.context_length=int:2048", "ctx-size": 4096},
    {"override-kv": "qwen3.rope.scaling.type=str:yarn", "rope-scale": 2},
    {"fit": "off"},
    {"fit": True, "fit-ctx": 2048},
    {"ctx-size": 4096, "cache-type-k": "q8_0", "cache-type-v": "q8_0"},
    {"ctx-size": 4096, "swa-full": True},
]
ABILITIES: list[Case] = [
    Case("tools", {"ctx-size": 512}),
    Case("comment", {"ctx-size": 512}),
    Case("forced", {"ctx-size": 512}),
    Case("bare", {"ctx-size": 512}),
    Case("tools", {"ctx-size": 512, "reasoning-budget": 0}),
    Case("tools", {"ctx-size": 512, "reasoning": "off"}),
    Case("tools", {"ctx-size": 512, "chat-template": COMMENT}),
    Case("bare", {"ctx-size": 512, "chat-template-file": "tools.jinja"}),
    Case("bare", {"ctx-size": 512, "chat-template": "chatml"}),
    Case("plain", {"ctx-size": 512, "jinja": False}),
    Case("plain", {"ctx-size": 512, "mmproj": "mmproj-plain.gguf"}),
    Case("tools", {"ctx-size": 512, "mmproj": "mmproj-plain.gguf", "parallel": 2}),
]
POOLED: list[Case] = [
    *(Case("embed", flags) for flags in ({}, {"ctx-size": 2048}, {"ctx-size": 2048, "parallel": 4})),
    Case("embed", {"ctx-size": 2048, "ubatch-size": 700}),
    Case("embed", {"batch-size": 3000}),
    Case("embed", {"batch-size": 1024, "ubatch-size": 4096}),
    Case("embed", {"pooling": "cls", "ctx-size": 2048}),
    Case("embed", {"pooling": "last", "ctx-size": 2048}),
    Case("bert", {}),
    Case("bert", {"parallel": 2}),
    Case("bert", {"ctx-size": 1000}),
    Case("bert", {"pooling": "last"}),
]
RERANKERS = [Case("rerank", {}), Case("bertrank", {}), Case("bertrank", {"ubatch-size": 512})]


@pytest.fixture
def folder(model_folder: Path, tmp_path: Path, speaking_model: SpeakingModel) -> Path:
    """Models by the names the table uses."""
    made = model_folder
    (tmp_path / "tools.jinja").write_text(TOOLS)
    templates: dict[str, str | None] = {
        "plain": "",
        "tools": TOOLS,
        "comment": COMMENT,
        "forced": FORCED,
        "bare": None,
    }
    for name, template in templates.items():
        more = {} if template == "" else {"template": template}
        shutil.copy(speaking_model("So it is.", name, context_length=TRAINED, **more), made / f"{name}.gguf")
    for kind, name in (("embedding", "embed"), ("rerank", "rerank")):
        shutil.copy(speaking_model("-", name, kind=kind, context_length=4096), made / f"{name}.gguf")
    build_bert(made / "bert.gguf", context_length=2048)
    build_bert(made / "bertrank.gguf", context_length=2048, ranks=True)
    build_projector(tmp_path / "mmproj-plain.gguf", width=32)
    return made


@pytest.fixture
async def start(folder: Path, make_hal0: Callable[[str], Hal0]) -> Callable[..., Any]:
    async def started(cases: list[Case], kind: str) -> Hal0:
        models = {f"m{n}": {"file": f"{case.file}.gguf", "flags": case.flags} for n, case in enumerate(cases)}
        slots = {"s": {"kind": kind, "models": list(models)}}
        hal0 = make_hal0(f"models: {json.dumps(models)}\nslots: {json.dumps(slots)}\n")
        await hal0.start()
        return hal0

    return started


async def of_engine(hal0: Hal0, path: str, body: Any = None) -> tuple[int, Any]:
    """What the engine itself answers, asked beside hal0."""
    slot = await hal0.slot("s")
    key = psutil.Process(slot["pid"]).environ()["LLAMA_API_KEY"]
    method, url = ("GET" if body is None else "POST"), f"http://127.0.0.1:{slot['port']}{path}"
    async with hal0.session.request(
        method, url, json=body, headers={"Authorization": f"Bearer {key}"}
    ) as answer:
        return answer.status, await answer.json()


async def told(hal0: Hal0, model: str) -> dict[str, dict[str, Any]]:
    """What each place says of the model: its context, how many are answered at once, what it can do."""
    row = await hal0.get(f"/v1/models/{model}")
    listed = next(r for r in (await hal0.get("/v1/models"))["data"] if r["id"] == model)
    tags = next(r for r in (await hal0.get("/api/tags"))["models"] if r["name"] == model)
    fits = next(m for m in (await hal0.get("/api/models"))["models"] if m["id"] == model)
    state = next(m for m in (await hal0.state())["models"] if m["id"] == model)
    shown = (await hal0.post("/api/show", {"model": model}))[1]
    assert (
        row["context_length"] == listed["context_length"] == state["context_length"] == fits["context_length"]
    )
    assert shown["parameters"] == f"num_ctx {row['context_length']}"
    assert row["capabilities"] == state["capabilities"] and row["architecture"] == listed["architecture"]
    ollama = [word for word in row["capabilities"] if word != "rerank"]
    assert shown["capabilities"] == tags["capabilities"] == ollama
    return {
        "context": row["context_length"],
        "parallel": state["parallel"],
        "capabilities": row["capabilities"],
        "architecture": row["architecture"],
    }


async def props(hal0: Hal0) -> dict[str, Any]:
    found = await hal0.get("/props?model=s")
    names = ("total_slots", "modalities", "model_alias")
    return {name: found[name] for name in names} | {"n_ctx": found["default_generation_settings"]["n_ctx"]}


async def loaded(hal0: Hal0, model: str) -> None:
    status, body = await hal0.post("/api/slots/s/load", {"model": model})
    assert status == 200, body


async def compared(hal0: Hal0, model: str) -> dict[str, Any]:
    """Load it and hold everything against the engine; returns what was told before."""
    before = await told(hal0, model)
    await loaded(hal0, model)
    assert await told(hal0, model) == before
    slot = await hal0.slot("s")
    assert (slot["context_length"], slot["parallel"], slot["capabilities"]) == (
        before["context"],
        before["parallel"],
        before["capabilities"],
    )
    served = await props(hal0)
    assert (served["n_ctx"], served["total_slots"]) == (before["context"], before["parallel"])
    _status, engine = await of_engine(hal0, "/props")
    assert engine["total_slots"] == before["parallel"]
    _status, rows = await of_engine(hal0, "/v1/models")
    assert rows["data"][0]["architecture"] == before["architecture"]
    assert served["modalities"] == engine["modalities"]
    if model in ("m0", "m4"):
        status, _body = await hal0.post("/api/slots/s/unload")
        assert status == 200
        assert await props(hal0) == served, "the same without the engine"
        await loaded(hal0, model)
    return before | {"n_ctx": engine["default_generation_settings"]["n_ctx"], "engine": engine}


@pytest.mark.parametrize("part", range(4))
async def test_contexts(start: Callable[..., Any], part: int) -> None:
    """Row 15: what a request can use, before and after."""
    cases = [Case("plain", flags) for flags in CONTEXTS[part::4]]
    hal0 = await start(cases, "chat")
    for number, case in enumerate(cases):
        before = await compared(hal0, f"m{number}")
        limit = before["context"]
        assert before["n_ctx"] == limit, case
        for prompt, expected in ((limit - 1, 200), (limit, 400)):
            body = {"model": "s", "prompt": [7] * prompt, "max_tokens": 1}
            status, answer = await hal0.post("/v1/completions", body)
            assert status == expected, (case, prompt, answer)


async def test_abilities(start: Callable[..., Any]) -> None:
    """Row 20: capabilities are those the engine has."""
    hal0 = await start(ABILITIES, "chat")
    for number, case in enumerate(ABILITIES):
        before = await compared(hal0, f"m{number}")
        can, caps = before["capabilities"], before["engine"]["chat_template_caps"]
        assert "completion" in can
        assert ("tools" in can) is (caps["supports_tools"] and case.flags.get("jinja", True)), case
        assert ("vision" in can) is before["engine"]["modalities"]["vision"], case
        prompts = [
            (
                await of_engine(
                    hal0, "/apply-template", {"messages": [{"role": "user", "content": "x"}], **kwargs}
                )
            )[1]
            for kwargs in ({"chat_template_kwargs": {"enable_thinking": on}} for on in (True, False))
        ]
        thinks = prompts[0] != prompts[1] or prompts[0].get("prompt", "").rstrip().endswith("<think>")
        silenced = {"reasoning-budget", "reasoning"} & set(case.flags)
        assert ("thinking" in can) is (thinks and not silenced), (case, prompts)


@pytest.mark.parametrize(("kind", "cases"), [("embedding", POOLED), ("rerank", RERANKERS)])
async def test_whole_inputs(start: Callable[..., Any], kind: str, cases: list[Case]) -> None:
    """Row 1: one input as long as the context told is read; one token more is a 400 that says so."""
    hal0 = await start(cases, kind)
    for number, case in enumerate(cases):
        before = await compared(hal0, f"m{number}")
        limit = before["context"]
        assert limit <= before["n_ctx"] and (before["n_ctx"] == limit or "batch" in str(case.flags)), case
        assert before["capabilities"] == [kind]
        if kind == "embedding":
            most = limit - 1 if case == Case("embed", {"pooling": "last", "ctx-size": 2048}) else limit
            for tokens, expected in ((most, 200), (most + 1, 400)):
                status, answer = await hal0.post("/v1/embeddings", {"model": "s", "input": [7] * tokens})
                assert status == expected, (case, tokens, answer)
                said = f"`input` has {tokens} tokens, but the model takes {most} at once"
                assert expected == 200 or said in answer["error"]["message"], answer
        else:
            for letters, expected in ((limit - 20, 200), (limit + 20, 400)):
                body = {"model": "s", "query": "a", "documents": ["b", " c" * letters]}
                status, answer = await asyncio.wait_for(hal0.post("/v1/rerank", body), 60)
                assert status == expected, (case, letters, answer)
