"""Ollama's API over a real llama-server, as bytes on the wire."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ALPHA, BETA, SLOTS
from tests.e2e.harness import Hal0
from tests.engines.slow import slow_server
from tests.fixtures_models import SpeakingModel

HI = [{"role": "user", "content": "Hello?"}]
METRICS = ("total_duration", "load_duration", "prompt_eval_count", "eval_count", "eval_duration")
EMBED = "  embed: {kind: embedding, model: embed-model}\n"
LOAD_SECONDS = 3.0


async def lines(hal0: Hal0, path: str, **body: Any) -> list[dict[str, Any]]:
    """Each line of a streamed answer; no line is blank."""
    async with hal0.session.post(hal0.url + path, json=body) as answer:
        raw = await answer.read()
        assert answer.status == 200, raw
        assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert raw.endswith(b"\n") and b"\n\n" not in raw
    return [json.loads(line) for line in raw.splitlines()]


async def test_a_chat_is_streamed_unless_told_otherwise(hal0: Hal0) -> None:
    told = await lines(hal0, "/api/chat", model="primary", messages=HI, options={"num_ctx": 4096})
    assert "".join(line["message"]["content"] for line in told) == ALPHA and len(told) > 3
    assert {line["model"] for line in told} == {"alpha"}
    assert [line["done"] for line in told] == [False] * (len(told) - 1) + [True]
    last = told[-1]
    assert last["done_reason"] == "stop" and all(last[name] > 0 for name in METRICS)
    assert datetime.fromisoformat(last["created_at"]).tzinfo is not None
    status, body = await hal0.post("/api/chat", {"model": "alpha:latest", "messages": HI, "stream": False})
    assert (status, body["message"]) == (200, {"role": "assistant", "content": ALPHA})
    assert body["done"] is True and all(body[name] > 0 for name in METRICS)
    assert (await hal0.slot())["context_length"] == 65536, "num_ctx reloaded nothing"


async def test_a_completion_as_chat_and_raw(hal0: Hal0) -> None:
    for more in ({"system": "Be brief."}, {"raw": True}):
        told = await lines(hal0, "/api/generate", model="primary", prompt="Say it:", **more)
        assert "".join(line["response"] for line in told).strip() == ALPHA
        assert told[-1]["done_reason"] == "stop" and told[-1]["eval_count"] > 3
    limited = {"model": "primary", "prompt": "x", "stream": False, "options": {"num_predict": 1}}
    status, body = await hal0.post("/api/generate", limited)
    assert (status, body["response"], body["done_reason"]) == (200, "Alpha", "length")


async def test_a_named_model_is_switched_to(hal0: Hal0) -> None:
    told = await lines(hal0, "/api/chat", model="beta", messages=HI)
    assert "".join(line["message"]["content"] for line in told) == BETA
    assert {line["model"] for line in told} == {"beta"}
    await hal0.until_ready("beta")


@pytest.mark.parametrize("raw", [False, True])
async def test_a_format_binds_the_answer(hal0: Hal0, raw: bool) -> None:
    """The model can only say its sentence; the schema makes it say a number."""
    body = {"model": "primary", "prompt": "x", "stream": False, "raw": raw, "format": {"const": 42}}
    status, answer = await hal0.post("/api/generate", body)
    assert status == 200 and json.loads(answer["response"]) == 42


async def test_errors_are_a_sentence_with_their_status(hal0: Hal0) -> None:
    wrong: dict[int, dict[str, Any]] = {
        404: {"model": "gpt-4", "messages": HI},
        400: {"model": "primary", "messages": "Hi"},
    }
    for status, body in wrong.items():
        told_status, told = await hal0.post("/api/chat", body)
        assert told_status == status and list(told) == ["error"] and isinstance(told["error"], str)
    status, told = await hal0.post("/api/generate", {"model": "primary", "prompt": "a", "suffix": "b"})
    assert status == 400 and "Infill is not supported" in told["error"], "the engine's own reason"
    image = {"role": "user", "content": "What?", "images": ["iVBORw0KGgo="]}
    status, told = await hal0.post("/api/chat", {"model": "primary", "messages": [image]})
    assert status == 400 and "image input is not supported" in told["error"]
    async with hal0.session.post(hal0.url + "/api/chat", data=b"{oops") as answer:
        assert answer.status == 400 and isinstance((await answer.json())["error"], str)
    assert await hal0.chat() == ALPHA


TOOL_TEMPLATE = """\
{%- if tools %}<|im_start|>system
For each call return <tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call> {% for tool in tools %}{{ tool | tojson }}{% endfor %}<|im_end|>
{% endif %}{%- for message in messages %}
{%- if message.role == "assistant" and message.tool_calls %}<|im_start|>assistant
{% for call in message.tool_calls %}<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}<|im_end|>
{% elif message.role == "tool" %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{{ message.content }}<|im_end|>
{% endif %}{%- endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""
TOOL_SENTENCE = '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>'
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}


async def cut_everywhere(hal0: Hal0) -> None:
    """Row 5: the call cut off by the limit of tokens, wherever, in every dialect."""
    claude = {"name": "weather", "input_schema": PARAMETERS}
    plain = {"type": "function", **WEATHER["function"]}
    for limit in range(1, 6):
        for stream in (False, True):
            for path, body in {
                "/v1/messages": {"messages": HI, "tools": [claude], "max_tokens": limit},
                "/v1/chat/completions": {"messages": HI, "tools": [WEATHER], "max_tokens": limit},
                "/v1/responses": {"input": "Hi", "tools": [plain], "max_output_tokens": limit},
                "/api/chat": {"messages": HI, "tools": [WEATHER], "options": {"num_predict": limit}},
            }.items():
                asked = {"model": "primary", "stream": stream, **body}
                async with hal0.session.post(hal0.url + path, json=asked) as answer:
                    told = await answer.text()
                assert answer.status == 200 and '"error":{' not in told, (path, limit, told)
                if path == "/v1/messages" and not stream:
                    message = json.loads(told)
                    assert message["stop_reason"] == "max_tokens", told
                    assert all(isinstance(block["input"], dict) for block in message["content"])


async def test_a_tool_is_called_and_told_its_result(
    make_hal0: Callable[[str], Hal0], model_folder: Path, speaking_model: SpeakingModel
) -> None:
    shutil.copy(speaking_model(TOOL_SENTENCE, "caller"), model_folder / "caller.gguf")
    template = model_folder / "tools.jinja"
    template.write_text(TOOL_TEMPLATE)
    hal0 = make_hal0(
        f"models:\n  tools: {{file: caller.gguf, flags: {{chat-template-file: {template}}}}}\n"
        "slots:\n  primary: {model: tools}\n"
    )
    await hal0.start()
    await cut_everywhere(hal0)
    told = await lines(hal0, "/api/chat", model="primary", messages=HI, tools=[WEATHER])
    [call] = told[-2]["message"]["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": {"city": "Oslo"}}
    assert told[-1]["done_reason"] == "stop"
    history = [*HI, told[-2]["message"], {"role": "tool", "tool_name": "weather", "content": "3 °C"}]
    body = {"model": "primary", "messages": history, "tools": [WEATHER], "stream": False}
    status, answer = await hal0.post("/api/chat", body)
    assert status == 200, answer
    assert answer["message"]["tool_calls"][0]["function"]["arguments"] == {"city": "Oslo"}


THINKING_TEMPLATE = """\
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content }}<|im_end|>
{% endfor %}{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and not enable_thinking %}<think>

</think>

{% endif %}{% endif %}"""
THOUGHTS = "<think>\nOne moment.\n</think>\n\nIt is done."


async def test_thoughts_are_kept_apart(
    make_hal0: Callable[[str], Hal0], model_folder: Path, speaking_model: SpeakingModel
) -> None:
    shutil.copy(speaking_model(THOUGHTS, "wise"), model_folder / "wise.gguf")
    template = model_folder / "think.jinja"
    template.write_text(THINKING_TEMPLATE)
    hal0 = make_hal0(
        f"models:\n  thinker: {{file: wise.gguf, flags: {{chat-template-file: {template}}}}}\n"
        "slots:\n  primary: {model: thinker}\n"
    )
    await hal0.start()
    told = await lines(hal0, "/api/chat", model="primary", messages=HI, think=True)
    assert "".join(line["message"].get("thinking", "") for line in told).strip() == "One moment."
    assert "".join(line["message"]["content"] for line in told).strip() == "It is done."
    generate = {"model": "primary", "prompt": "x", "stream": False}
    _, whole = await hal0.post("/api/generate", generate)
    assert (whole["thinking"].strip(), whole["response"].strip()) == ("One moment.", "It is done.")
    _, without = await hal0.post("/api/generate", {**generate, "think": False})
    assert "thinking" not in without and without["prompt_eval_count"] > whole["prompt_eval_count"]


async def test_embeddings(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS + EMBED)
    await hal0.start()
    status, body = await hal0.post("/api/embed", {"model": "embed", "input": ["one", "two"]})
    assert status == 200 and len(body["embeddings"]) == 2 and body["model"] == "embed-model"
    assert any(body["embeddings"][0]) and body["prompt_eval_count"] > 0 and body["load_duration"] > 0
    status, short = await hal0.post("/api/embed", {"model": "embed", "input": "one", "dimensions": 4})
    assert status == 200 and len(short["embeddings"][0]) == 4
    assert sum(n * n for n in short["embeddings"][0]) == pytest.approx(1.0)
    status, old = await hal0.post("/api/embeddings", {"model": "embed-model:latest", "prompt": "one"})
    assert status == 200 and old["embedding"] == pytest.approx(body["embeddings"][0], abs=1e-4)
    status, body = await hal0.post("/api/embed", {"model": "primary", "input": "one"})
    assert status == 400 and "chat" in body["error"]


async def test_descriptions_tell_the_context_length_and_load_nothing(make_hal0: Callable[[str], Hal0]) -> None:
    """Seed 004: `num_ctx 4096` for every model; a 404 for no name, so that Hermes took 256k."""
    hal0 = make_hal0(
        "models:\n  short: {file: alpha.gguf, flags: {n_ctx: 2048}}\n"
        "slots:\n" + EMBED + "  primary: {model: short}\n"
    )
    await hal0.start()
    ids = [row["id"] for row in (await hal0.get("/v1/models"))["data"]]
    assert [row["name"] for row in (await hal0.get("/api/tags"))["models"]] == ids
    assert (await hal0.get("/api/ps"))["models"] == []
    major, minor, patch = map(int, (await hal0.get("/api/version"))["version"].split("."))
    assert (major, minor, patch) >= (0, 6, 4)
    posts: list[dict[str, Any]] = [{"name": "short"}, {"model": "primary:latest"}, {}, {"name": ""}]
    shown = [(await hal0.post("/api/show", body))[1] for body in posts]
    shown += [await hal0.get(path) for path in ("/api/show?model=short", "/api/show?name=primary", "/api/show")]
    for told in shown:
        assert told["parameters"] == "num_ctx 2048" and told["capabilities"] == ["completion"]
        assert told["model_info"][told["model_info"]["general.architecture"] + ".context_length"] == 2048
    assert (await hal0.post("/api/show", {"model": "embed"}))[1]["capabilities"] == ["embedding"]
    status, body = await hal0.post("/api/show", {"model": "gpt-4"})
    assert status == 404 and "gpt-4" in body["error"]
    async with hal0.session.get(hal0.url + "/api/v1/models") as answer:
        assert answer.status == 404, "or Hermes takes hal0 for LM Studio"
    assert not hal0.engines()


async def test_an_empty_question_loads_and_never_unloads(make_hal0: Callable[[str], Hal0]) -> None:
    hal0 = make_hal0(SLOTS.replace(", autoload: true", "") + EMBED)
    await hal0.start()
    told = (await lines(hal0, "/api/generate", model="primary"))[-1]  # a slow load has signs of life before it
    assert (told["done"], told["done_reason"], told["response"]) == (True, "load", "")
    slot = await hal0.until_slot(lambda s: s["state"] == "ready" and s["in_flight"] == 0, "it to be served")
    running = (await hal0.get("/api/ps"))["models"]
    assert [row["name"] for row in running] == ["primary", "alpha"]
    assert all(datetime.fromisoformat(row["expires_at"]).year > 2100 for row in running)
    status, body = await hal0.post(
        "/api/chat", {"model": "alpha", "messages": [], "keep_alive": 0, "stream": False}
    )
    assert (status, body["done_reason"], body["message"]["content"]) == (200, "unload", "")
    assert (await hal0.slot())["pid"] == slot["pid"], "others may be using it"
    status, body = await hal0.post("/api/generate", {"model": "gpt-4", "keep_alive": 0})
    assert status == 404 and "gpt-4" in body["error"]
    assert await hal0.post("/api/embed", {"model": "embed"}) == (200, {"model": "embed", "embeddings": []})
    assert (await hal0.slot("embed"))["state"] == "ready"


@pytest.fixture
async def slow(make_hal0: Callable[[str], Hal0], llama_server: Path) -> Hal0:
    """Serving with nothing loaded; each load takes LOAD_SECONDS and more."""
    hal0 = make_hal0(SLOTS.replace(", autoload: true", ""))
    hal0.env["HAL0_LLAMA_SERVER"] = str(slow_server(hal0.home, llama_server, LOAD_SECONDS))
    await hal0.start()
    return hal0


async def test_while_a_model_loads_lines_without_text_keep_the_client(slow: Hal0) -> None:
    chat = lines(slow, "/api/chat", model="primary", messages=HI)
    for told in await asyncio.gather(chat, lines(slow, "/api/generate", model="primary", prompt="x")):
        first = told[0]
        texts = [line.get("response", line.get("message", {}).get("content")) for line in told]
        assert (first["model"], first["done"], texts[0]) == ("alpha", False, "")
        assert "".join(texts) == ALPHA and told[-1]["load_duration"] > LOAD_SECONDS * 1e9


async def test_while_a_model_loads_a_single_answer_is_kept_alive_by_line_breaks(slow: Hal0) -> None:
    body = {"model": "primary", "messages": HI, "stream": False}
    async with slow.session.post(slow.url + "/api/chat", json=body) as answer:
        pieces = [piece async for piece in answer.content.iter_any()]
    assert pieces[0] == b"\n"
    assert json.loads(b"".join(pieces))["message"]["content"] == ALPHA


async def test_a_load_that_fails_late_is_told_in_the_answer(slow: Hal0) -> None:
    path = slow.home / "models" / "alpha.gguf"
    data = bytearray(path.read_bytes())
    at = data.index(b"blk.0.attn_norm.weight")
    data[at : at + 3] = b"xxx"
    path.write_bytes(data)
    told = await lines(slow, "/api/chat", model="primary", messages=HI)
    assert told[0]["done"] is False and list(told[-1]) == ["error"]
    assert "blk.0.attn_norm.weight" in told[-1]["error"]
