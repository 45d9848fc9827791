"""Ollama's requests, answers and model descriptions, without a server."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.base.errors import BadRequest, EngineFailed, EngineRefused, ModelNotFound, SlotLoading
from router.config.schema import Kind
from router.server.request.client import Waiting
from router.server.routes.metadata import model_rows, row_of
from router.state import DeviceMemory, ModelStatus, SlotState, SlotStatus, Snapshot
from router.wire.ollama import chat_call, embed_call, embeddings_call, generate_call
from router.wire.ollama_answer import Document, Lines
from router.wire.ollama_models import NEVER, running, shown, tags
from router.wire.ollama_parts import message_part, response_part, timestamp
from router.wire.ollama_vectors import Embeddings, OneEmbedding
from router.wire.openai import JsonCall, parse_call

HI = [{"role": "user", "content": "Hi"}]
STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}}
WEATHER = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}


def call(**body: Any) -> JsonCall:
    return parse_call(json.dumps(body).encode())


# -- requests: /api/chat -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "engine"),
    [
        ({}, {}),
        ({"options": {"temperature": 0.5, "top_k": 3, "stop": ["x"]}},
         {"temperature": 0.5, "top_k": 3, "stop": ["x"]}),
        ({"options": {"num_ctx": 4096, "num_gpu": 1, "num_thread": 8, "top_p": None}}, {}),
        ({"options": {"num_predict": 7}}, {"max_tokens": 7}),
        ({"options": {"num_predict": -1}}, {"max_tokens": -1}),
        ({"options": {"num_predict": -2}}, {"max_tokens": -1}),
        ({"options": {"num_predict": 1e12}}, {"max_tokens": -1}),
        ({"options": {"num_predict": "7"}}, {"max_tokens": 7}),
        ({"options": {"repeat_last_n": -1}}, {"repeat_last_n": 131_072}),
        ({"options": {"repeat_last_n": 0, "seed": -1}}, {"repeat_last_n": 0, "seed": 2**32 - 1}),
        ({"options": {"top_k": "40", "top_p": "0.9", "mirostat": 2.0}},
         {"top_k": 40, "top_p": 0.9, "mirostat": 2}),
        ({"options": {"stop": "x"}}, {"stop": ["x"]}),
        ({"options": {"stop": [""], "nonsense": {}}}, {"stop": []}),
        ({"think": ""}, {}),
        ({"options": None, "keep_alive": "5m", "format": ""}, {}),
        ({"format": "json"},
         {"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}}),
        ({"format": SCHEMA}, {"response_format": {"type": "json_schema", "json_schema": {"schema": SCHEMA}}}),
        ({"think": False}, {"chat_template_kwargs": {"enable_thinking": False}}),
        ({"think": "high"}, {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": "high"}}),
        ({"tools": [WEATHER]}, {"tools": [WEATHER]}),
        ({"tools": []}, {}),
        ({"logprobs": True, "top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
    ],
)  # fmt: skip
def test_what_a_chat_asks_for(asked: dict[str, Any], engine: dict[str, Any]) -> None:
    made = chat_call(call(model="m", messages=HI, **asked))
    assert made.body == {"messages": HI, **STREAMED, **engine}
    assert (made.model, made.path) == ("m", "/v1/chat/completions")


@pytest.mark.parametrize(
    ("told", "streams"), [({}, True), ({"stream": None}, True), ({"stream": False}, False)]
)
def test_it_streams_unless_told_not_to(told: dict[str, Any], streams: bool) -> None:
    assert chat_call(call(messages=HI, **told)).stream is streams
    assert generate_call(call(prompt="x", **told)).stream is streams


def said(*messages: dict[str, Any]) -> Any:
    body = chat_call(call(messages=list(messages))).body
    assert body is not None
    return body["messages"]


def test_images_become_data_urls() -> None:
    [message] = said({"role": "User", "content": "What?", "images": ["iVBORw0", "/9j/4A", "data:x,y"]})
    urls = [part["image_url"]["url"] for part in message["content"][1:]]
    assert message["role"] == "user" and message["content"][0] == {"type": "text", "text": "What?"}
    assert urls == ["data:image/png;base64,iVBORw0", "data:image/jpeg;base64,/9j/4A", "data:x,y"]


def test_tool_calls_get_ids_and_their_answers_find_them() -> None:
    def asked(name: str, **more: Any) -> dict[str, Any]:
        return {"function": {"name": name, "arguments": {"q": "ä"}}, **more}

    calls = [asked("a"), asked("b"), asked("a", id="mine")]
    first, *answers = said(
        {"role": "assistant", "content": "", "thinking": "hm", "tool_calls": calls},
        {"role": "tool", "content": "3", "tool_name": "a"},
        {"role": "tool", "content": "4", "tool_name": "a"},
        {"role": "tool", "content": "5"},
        {"role": "tool", "content": "6", "tool_call_id": "own"},
    )
    assert first["reasoning_content"] == "hm"
    assert [c["id"] for c in first["tool_calls"]] == ["call00000", "call00001", "mine"]
    assert first["tool_calls"][0]["function"] == {"name": "a", "arguments": '{"q": "ä"}'}
    assert [a["tool_call_id"] for a in answers] == ["call00000", "mine", "call00001", "own"]
    assert answers[0]["name"] == "a" and "name" not in answers[2]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": "Hi"},
        {"messages": ["Hi"]},
        {"messages": [{"role": "user", "content": ["Hi"]}]},
        {"messages": [{"role": "user", "content": "Hi", "images": [3]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"name": "x"}]}]},
        {"messages": HI, "options": ["x"]},
        {"messages": HI, "options": {"num_predict": "many"}},
        {"messages": HI, "format": "yaml"},
        {"messages": HI, "think": 3},
        {"messages": HI, "tools": {}},
        {"messages": HI, "logprobs": True, "top_logprobs": 99},
    ],
)
def test_a_malformed_chat_is_refused_with_a_sentence(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match=r"must be .*\.$"):
        chat_call(call(**body))


# -- requests: /api/generate -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "path", "engine"),
    [
        ({"prompt": "Hi"}, "/v1/chat/completions", {"messages": HI, **STREAMED}),
        ({"prompt": "Hi", "system": "Be brief."}, "/v1/chat/completions",
         {"messages": [{"role": "system", "content": "Be brief."}, *HI], **STREAMED}),
        ({"prompt": "Hi", "raw": True, "format": "json", "options": {"seed": 1}}, "/v1/completions",
         {"prompt": "Hi", **STREAMED, "seed": 1, "json_schema": {"type": "object"}}),
        ({"prompt": "Hi", "raw": True, "logprobs": True}, "/v1/completions",
         {"prompt": "Hi", **STREAMED, "logprobs": 1}),
        ({"prompt": "def f(", "suffix": "return x", "raw": True, "options": {"num_predict": 9}}, "/infill",
         {"input_prefix": "def f(", "input_suffix": "return x", "stream": True, "max_tokens": 9}),
    ],
)  # fmt: skip
def test_what_a_completion_asks_for(asked: dict[str, Any], path: str, engine: dict[str, Any]) -> None:
    made = generate_call(call(**asked))
    assert (made.path, made.body) == (path, engine)


def test_an_image_alone_is_a_prompt() -> None:
    body = generate_call(call(prompt="", images=["iVBORw0"])).body
    assert body is not None and body["messages"][0]["content"][0]["type"] == "image_url"


@pytest.mark.parametrize(
    "body", [{"template": "{{ .Prompt }}"}, {"context": [1, 2]}, {"raw": True, "system": "x"}]
)
def test_what_cannot_be_done_is_said(body: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        generate_call(call(prompt="Hi", **body))


@pytest.mark.parametrize("make", [chat_call, generate_call, embeddings_call, embed_call])
@pytest.mark.parametrize(
    ("keep", "unloads"),
    [
        (None, False),
        (0, True),
        (0.0, True),
        ("0", True),
        ("0s", True),
        ("5m", False),
        (-1, False),
        ("10m", False),
    ],
)
def test_asked_nothing_is_to_load_or_to_unload(make: Any, keep: object, unloads: bool) -> None:
    made = make(call(model="m", keep_alive=keep))
    assert (made.body, made.path, made.unloads) == (None, "", unloads)


def test_keep_alive_of_a_real_request_unloads_nothing() -> None:
    assert not chat_call(call(messages=HI, keep_alive=0)).unloads


def test_embeddings_requests() -> None:
    made = embed_call(call(input=["a", "b"], truncate=True, dimensions=2))
    assert (made.path, made.body, made.dimensions) == ("/v1/embeddings", {"input": ["a", "b"]}, 2)
    assert embed_call(call(input="a")).body == embeddings_call(call(prompt="a")).body == {"input": "a"}
    wrongs: list[dict[str, Any]] = [{"input": [1]}, {"input": {}}, {"input": "a", "dimensions": "2"}]
    for wrong in wrongs:
        with pytest.raises(BadRequest):
            embed_call(call(**wrong))


# -- answers -----------------------------------------------------------------------------------------------

SECOND = 1_000_000_000


def ticking() -> Any:
    """One second later at each look, from 1 January 2026."""
    return ((1_767_225_600 + n) * SECOND for n in itertools.count()).__next__


def standing() -> int:
    return 1_767_225_600 * SECOND


def sse(*events: dict[str, Any] | str) -> bytes:
    texts = (event if isinstance(event, str) else json.dumps(event) for event in events)
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": finish, "delta": delta}], "model": "alpha"}


def tool(index: int, arguments: str, **function: str) -> dict[str, Any]:
    return chunk(tool_calls=[{"index": index, "function": {"arguments": arguments, **function}}])


USAGE = {
    "choices": [],
    "usage": {"prompt_tokens": 10, "completion_tokens": 4},
    "timings": {"prompt_ms": 0.58, "predicted_ms": 0.311},
}
TALK = sse(
    chunk(role="assistant", content=None),
    chunk(reasoning_content="Hm"),
    chunk(reasoning_content="."),
    chunk(content="Grüß"),
    chunk(content=" dich"),
    tool(0, "", name="weather"),
    tool(0, '{"city": '),
    tool(0, '"Oslo"}'),
    tool(1, "", name="time"),
    chunk("tool_calls"),
    USAGE,
    "[DONE]",
)
METRICS = {
    "prompt_eval_count": 10,
    "prompt_eval_duration": 580_000,
    "eval_count": 4,
    "eval_duration": 311_000,
}
CALLS = [
    {"function": {"name": "weather", "arguments": {"city": "Oslo"}}},
    {"function": {"name": "time", "arguments": {}}},
]


def streamed(encoder: Lines, *pieces: bytes) -> list[dict[str, Any]]:
    raw = b"".join(encoder.feed(piece) for piece in pieces) + encoder.finish()
    assert raw.endswith(b"\n") and b"\n\n" not in raw
    return [json.loads(line) for line in raw.splitlines()]


def test_a_streamed_chat() -> None:
    encoder = Lines("chat", message_part, "primary", clock=standing)
    encoder.served_by("alpha")
    lines = streamed(encoder, TALK)
    assert {line["model"] for line in lines} == {"alpha"}
    assert {line["created_at"] for line in lines} == {"2026-01-01T00:00:00.000000Z"}
    assert [line["done"] for line in lines] == [False] * 5 + [True]
    messages = [line["message"] for line in lines]
    assert {message["role"] for message in messages} == {"assistant"}
    assert [message.get("thinking") for message in messages] == ["Hm", ".", None, None, None, None]
    assert [message["content"] for message in messages] == ["", "", "Grüß", " dich", "", ""]
    assert messages[4]["tool_calls"] == CALLS
    last = lines[-1]
    assert last["done_reason"] == "stop" and METRICS.items() <= last.items()


def test_a_single_chat_says_the_same() -> None:
    encoder = Document("chat", message_part, "alpha", clock=standing)
    assert encoder.feed(TALK) == b""
    body = json.loads(encoder.finish())
    message = {"role": "assistant", "content": "Grüß dich", "thinking": "Hm.", "tool_calls": CALLS}
    assert body["message"] == message and body["done"] is True and METRICS.items() <= body.items()


@given(st.lists(st.integers(0, len(TALK)), max_size=12))
def test_however_the_stream_is_cut_the_lines_are_the_same(cuts: list[int]) -> None:
    whole = streamed(Lines("chat", message_part, "m", clock=standing), TALK)
    ends = [0, *sorted(cuts), len(TALK)]
    pieces = [TALK[a:b] for a, b in itertools.pairwise(ends)]
    assert streamed(Lines("chat", message_part, "m", clock=standing), *pieces) == whole


@given(st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=9))
def test_any_text_arrives_whole(texts: list[str]) -> None:
    raw = sse(*(chunk(content=text) for text in texts), chunk("stop"))
    lines = streamed(Lines("chat", message_part, "m"), raw)
    assert "".join(line["message"]["content"] for line in lines) == "".join(texts)
    document = Document("chat", message_part, "m")
    document.feed(raw)
    assert json.loads(document.finish())["message"]["content"] == "".join(texts)


def test_durations_tell_the_load_from_the_answer() -> None:
    encoder = Lines("chat", message_part, "alpha", clock=ticking())
    encoder.served_by("alpha")
    last = streamed(encoder, sse(chunk("stop")))[-1]
    assert last["load_duration"] == SECOND and last["total_duration"] == 2 * SECOND


NATIVE_END = {
    "content": "",
    "stop": True,
    "stop_type": "limit",
    "tokens_evaluated": 10,
    "tokens_predicted": 4,
    "timings": USAGE["timings"],
}


@pytest.mark.parametrize(
    ("dialect", "raw", "reason"),
    [
        ("chat", sse(chunk(content="Al"), chunk(content="pha"), chunk("length"), USAGE), "length"),
        ("text", sse({"choices": [{"text": "Al"}]}, {"choices": [{"text": "pha", "finish_reason": "stop"}]},
                     USAGE), "stop"),
        ("native", sse({"content": "Al", "stop": False}, {"content": "pha"}, NATIVE_END), "length"),
    ],
)  # fmt: skip
def test_each_of_the_engines_dialects_as_a_completion(dialect: Any, raw: bytes, reason: str) -> None:
    lines = streamed(Lines(dialect, response_part, "m"), raw)
    assert [line["response"] for line in lines] == ["Al", "pha", ""]
    assert lines[-1]["done_reason"] == reason and METRICS.items() <= lines[-1].items()
    document = Document(dialect, response_part, "m")
    document.feed(raw)
    assert json.loads(document.finish())["response"] == "Alpha"


def test_log_probabilities_are_handed_on() -> None:
    logprobs = [{"token": "Al", "logprob": -0.5}]
    event = chunk(content="Al")
    event["choices"][0]["logprobs"] = {"content": logprobs}
    assert streamed(Lines("chat", message_part, "m"), sse(event, chunk("stop")))[0]["logprobs"] == logprobs


@pytest.mark.parametrize("finish", ["length", "tool_calls"])
def test_a_call_cut_off_or_broken_is_told_as_text(finish: str) -> None:
    """Row 5: a client would carry out half of a call as if it were one; Ollama, too, gives it to read."""
    cut = sse(tool(0, '{"city": "Os', name="weather"), chunk(finish))
    first, last = streamed(Lines("chat", message_part, "m"), cut)
    assert first["message"] == {"role": "assistant", "content": '{"name": "weather", "arguments": {"city": "Os'}
    assert last["done_reason"] == ("length" if finish == "length" else "stop")
    [whole] = streamed(Document("chat", message_part, "m"), cut)
    assert whole["message"] == first["message"]


@pytest.mark.parametrize("form", [Lines, Document])
def test_an_answer_that_ends_early_or_with_an_error_is_an_error(form: Any) -> None:
    encoder = form("chat", message_part, "m")
    encoder.feed(sse(chunk(content="Al")))
    with pytest.raises(EngineFailed, match="before it was complete"):
        encoder.finish()
    encoder = form("chat", message_part, "m")
    encoder.feed(sse({"error": {"code": 500, "message": "It broke."}}, chunk("stop")))
    with pytest.raises(EngineRefused, match=r"It broke\."):
        encoder.finish()


def test_what_waiting_clients_and_late_errors_get() -> None:
    waiting = Waiting("loading", 30, "alpha")
    error = SlotLoading("It is loading; wait.")
    lines = Lines("chat", message_part, "primary", clock=standing)
    beat = {"model": "alpha", "created_at": "2026-01-01T00:00:00.000000Z", "done": False}
    message = {"role": "assistant", "content": ""}
    assert json.loads(lines.beat(0, waiting)) == {**beat, "message": message}
    generate = Lines("chat", response_part, "primary", clock=standing)
    assert json.loads(generate.beat(3, waiting)) == {**beat, "response": ""}
    assert lines.late_error(error) == b'{"error":"It is loading; wait."}\n'
    document = Document("chat", message_part, "primary")
    assert (document.content_type, document.beat(0, waiting)) == ("application/json", b"\n")
    assert json.loads(document.late_error(error)) == lines.error(error) == {"error": error.message}


@pytest.mark.parametrize("form", [Lines, Document])
@pytest.mark.parametrize("reason", ["load", "unload"])
def test_a_load_without_a_question_is_answered_by_its_end(form: Any, reason: str) -> None:
    body = json.loads(form("chat", response_part, "m", done=reason, clock=standing).finish())
    created = "2026-01-01T00:00:00.000000Z"
    assert body == {"model": "m", "created_at": created, "response": "", "done": True, "done_reason": reason}


ROWS = {
    "data": [{"index": 1, "embedding": [0.0, 1.0, 0.0]}, {"index": 0, "embedding": [3.0, 4.0, 12.0]}],
    "usage": {"prompt_tokens": 5},
}


def test_embeddings_in_order_and_shortened() -> None:
    encoder = Embeddings("embed", 2, ticking())
    encoder.served_by("bge")
    raw = json.dumps(ROWS).encode()
    encoder.feed(raw[:20])
    encoder.feed(raw[20:])
    assert json.loads(encoder.finish()) == {
        "model": "bge",
        "embeddings": [[0.6, 0.8], [0.0, 1.0]],
        "total_duration": 2 * SECOND,
        "load_duration": SECOND,
        "prompt_eval_count": 5,
    }
    one = OneEmbedding("embed")
    one.feed(raw)
    assert json.loads(one.finish()) == {"embedding": [3.0, 4.0, 12.0]}
    assert json.loads(Embeddings("embed").finish()) == {"model": "embed", "embeddings": []}
    assert json.loads(OneEmbedding("embed").finish()) == {"embedding": []}


def test_embeddings_of_an_engine_in_base64_and_fewer_than_asked_for() -> None:
    rows = [{"index": 0, "embedding": "AAAAPwAAgD8="}, {"index": 0, "embedding": [2.0, 0.0]}]
    encoder = Embeddings("embed", inputs=2)
    encoder.feed(json.dumps({"data": rows}).encode())
    assert json.loads(encoder.finish())["embeddings"] == [[0.5, 1.0], [2.0, 0.0]]
    encoder = Embeddings("embed", inputs=3)
    encoder.feed(json.dumps({"data": rows}).encode())
    with pytest.raises(EngineFailed, match="2 embeddings for 3 inputs"):
        encoder.finish()


@pytest.mark.parametrize("raw", [b"oops", b"{}", b'{"data": [{"index": 0}]}'])
def test_embeddings_that_are_none_are_an_error(raw: bytes) -> None:
    encoder = Embeddings("embed")
    encoder.feed(raw)
    with pytest.raises(EngineFailed, match="cannot be read"):
        encoder.finish()


# -- models ------------------------------------------------------------------------------------------------

SNAPSHOT = Snapshot(
    slots=(
        SlotStatus("embed", Kind.EMBEDDING, model="bge", choices=("bge",)),
        SlotStatus(
            "primary",
            Kind.CHAT,
            SlotState.READY,
            model="qwen3:8b",
            loaded=("qwen3:8b",),
            choices=("qwen3:8b", "gemma:latest", "latest"),
            context_length=131072,
            memory=900,
            capabilities=("completion", "tools"),
        ),
    ),
    models=(
        ModelStatus(
            "qwen3:8b", "Qwen 3", Kind.CHAT, ("qwen",), 700, 40960, quantisation="Q4_K_M", file="q.gguf"
        ),
        ModelStatus("gemma:latest", "Gemma", Kind.CHAT, (), 600, 8192),
        ModelStatus("latest", "Latest", Kind.CHAT),
        ModelStatus("bge", "BGE", Kind.EMBEDDING, (), 100, 512, capabilities=("embedding",)),
    ),
    memory=(DeviceMemory("GPU", True, 2000, 900),),
)
MODEL_ROWS = model_rows(SNAPSHOT)


@pytest.mark.parametrize(
    ("asked", "row"),
    [
        ("", "primary"),
        ("primary", "primary"),
        ("primary:latest", "latest"),
        ("primary:qwen3:8b", "qwen3:8b"),
        ("qwen", "qwen3:8b"),
        ("bge:latest", "bge"),
        ("gemma", "gemma:latest"),
        ("gemma:latest", "gemma:latest"),
        ("embed:latest", "embed"),
        ("qwen3:8b:latest", "qwen3:8b"),
        ("primary:qwen3:8b:latest", "qwen3:8b"),
    ],
)
def test_which_row_is_shown(asked: str, row: str) -> None:
    assert row_of(asked, SNAPSHOT)["id"] == row


@pytest.mark.parametrize("asked", ["gpt-4", "gpt-4:latest", ":latest", "embed:qwen3:8b", "primary:gpt-4"])
def test_unknown_names_are_not_found(asked: str) -> None:
    with pytest.raises(ModelNotFound, match=asked):
        row_of(asked, SNAPSHOT)


def test_without_a_chat_slot_nothing_is_not_found_either() -> None:
    with pytest.raises(ModelNotFound):
        row_of("", Snapshot())


def test_tags_are_the_rows_of_v1_models() -> None:
    listed = tags(MODEL_ROWS, SNAPSHOT)["models"]
    assert [row["name"] for row in listed] == [row["id"] for row in MODEL_ROWS]
    by_name = {row["name"]: row for row in listed}
    primary = by_name["primary"]
    assert primary["model"] == "primary" and primary["size"] == 700 and len(primary["digest"]) == 64
    assert primary["digest"] == by_name["qwen3:8b"]["digest"] != by_name["bge"]["digest"]
    details = primary["details"]
    assert (details["parent_model"], details["format"]) == ("qwen3:8b", "gguf")
    assert details["quantization_level"] == "Q4_K_M" and by_name["qwen3:8b"]["details"]["parent_model"] == ""


def test_running_is_what_is_ready() -> None:
    listed = running(MODEL_ROWS, SNAPSHOT)["models"]
    assert [row["name"] for row in listed] == ["primary", "qwen3:8b"]
    for row in listed:
        assert (row["size"], row["size_vram"], row["context_length"]) == (900, 900, 131072)
        assert row["expires_at"] == NEVER


def test_shown_carries_the_context_length_twice() -> None:
    told = shown(row_of("primary", SNAPSHOT), SNAPSHOT)
    assert told["parameters"] == "num_ctx 131072" and told["capabilities"] == ["completion", "tools"]
    info = told["model_info"]
    assert info[f"{info['general.architecture']}.context_length"] == 131072
    assert shown(row_of("bge", SNAPSHOT), SNAPSHOT)["capabilities"] == ["embedding"]
    unknown = shown(row_of("latest", SNAPSHOT), SNAPSHOT)
    assert unknown["capabilities"] == []
    assert unknown["parameters"] == "" and not any("context_length" in key for key in unknown["model_info"])


def test_times_are_rfc_3339() -> None:
    assert timestamp(1_767_225_600_123_456_789) == "2026-01-01T00:00:00.123457Z"
