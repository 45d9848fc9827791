"""Requests of every dialect, and what clients get wrong about them: valid ones with parts of them spoilt."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

USER = {"role": "user", "content": "Hello?"}
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL = {"type": "function", "function": {"name": "weather", "description": "?", "parameters": PARAMETERS}}
CLAUDE_TOOL = {"name": "weather", "description": "?", "input_schema": PARAMETERS}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "x", "schema": PARAMETERS}}
TALK = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello?"}]},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "call00000", "type": "function", "function": {"name": "weather", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call00000", "content": "3 °C"},
    ],
    "tools": [TOOL],
    "max_tokens": 4,
}  # fmt: skip
CLAUDE_TALK = {
    "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "Hello?"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "weather", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "3 °C"}]},
    ],
    "tools": [CLAUDE_TOOL],
    "max_tokens": 4,
}  # fmt: skip
CALL = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
BASES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"messages": [USER], "max_tokens": 4, "temperature": 0.5, "stop": ["x"],
        "response_format": SCHEMA, "logprobs": True, "top_logprobs": 2}),
    "talk": ("/v1/chat/completions", TALK),
    "text": ("/v1/completions", {"prompt": "Hello", "max_tokens": 4, "logprobs": 1, "seed": 1, "top_p": 0.9}),
    "responses": ("/v1/responses", {"input": [{"role": "user", "content": "Hello?"}], "instructions": "Brief.",
        "max_output_tokens": 4, "tools": [{"type": "function", "name": "weather", "parameters": PARAMETERS}]}),
    "messages": ("/v1/messages", {"messages": [USER], "max_tokens": 4, "system": "Be brief.", "top_k": 3,
        "stop_sequences": ["x"], "thinking": {"type": "enabled", "budget_tokens": 1024}}),
    "claude": ("/v1/messages", CLAUDE_TALK),
    "count": ("/v1/messages/count_tokens", {"messages": [USER], "system": "Be brief.", "tools": [CLAUDE_TOOL]}),
    "response count": ("/v1/responses/input_tokens", {"input": "Hi", "tools": []}),
    "chat count": ("/v1/chat/completions/input_tokens", {"messages": [USER], "tools": [TOOL]}),
    "native": ("/completion", {"prompt": "Hello", "n_predict": 4, "grammar": 'root ::= "x"', "n_probs": 1}),
    "infill": ("/infill", {"input_prefix": "a", "input_suffix": "b", "n_predict": 4}),
    "tokenize": ("/tokenize", {"content": "Hello", "add_special": True}),
    "detokenize": ("/detokenize", {"tokens": [5, 6, 7]}),
    "template": ("/apply-template", {"messages": [USER]}),
    "ollama": ("/api/chat", {"messages": [USER], "options": {"temperature": 0.5, "num_predict": 4,
        "stop": ["x"]},
        "format": PARAMETERS, "stream": False}),
    "ollama talk": ("/api/chat", {"messages": [USER, {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "tool_name": "weather", "content": "3 °C"}], "tools": [TOOL], "stream": False}),
    "generate": ("/api/generate", {"prompt": "Hello", "system": "Brief.", "stream": False, "format": "json",
        "options": {"num_predict": 4, "seed": 1, "top_k": 3}}),
    "raw": ("/api/generate", {"prompt": "Hello", "raw": True, "stream": False, "options": {"num_predict": 4}}),
    "embeddings": ("/v1/embeddings", {"input": ["one", "two"], "encoding_format": "float"}),
    "embed": ("/api/embed", {"input": ["one", "two"]}),
    "embedding": ("/api/embeddings", {"prompt": "one"}),
    "rerank": ("/v1/rerank", {"query": "one", "documents": ["one", "two"], "top_n": 2}),
}  # fmt: skip
"""Name → path and a valid body, without the model."""


def deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


WRONG: tuple[Any, ...] = (
    None, True, False, 0, -1, -2, 1, 2.5, 1e12, 1e300, 2**63, -(2**63) - 1, 10**30,
    "", " ", "nonsense", "1", "-1", "ünï\u0000code", "\ud800", "data:image/png;base64,!!!",
    "https://127.0.0.1:1/x.png",
    [], {}, [None], [[]], [{}], [1, "a"], ["", ""], {"type": "nonsense"}, {"type": "text"},
    {"type": "image_url"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    {"type": "object", "properties": {"a": {"type": "nonsense"}}}, {"$ref": "#/$defs/none"},
    {"type": "string", "pattern": "^(a"}, {"type": "function", "function": {}}, {"role": "nobody",
        "content": 1},
    'root ::= "a', deep(200),
)  # fmt: skip
"""Put in the place of each part of a body."""

FIELDS: Mapping[str, tuple[Any, ...]] = {
    "grammar": ('root ::= "a', "x", 3, 'root ::= none', 'a ::= "b"'),
    "json_schema": ("x", 3, {"type": "nonsense"}, {"$ref": "#/nowhere"}, {"type": "string", "pattern": "(("},
        []),
    "response_format": ("json", {"type": "nonsense"}, {"type": "json_schema"}, {"type": "json_schema",
        "json_schema": 3},
        {"type": "json_object", "schema": {"$ref": "#/nowhere"}}),
    "tools": ("x", {}, [3], [{}], [{"type": "function"}], [{"type": "function", "function": {"name": 3}}],
        [{"type": "function", "function": {"name": "f", "parameters": {"type": "nonsense"}}}],
        [{"name": "f", "input_schema": "x"}], [{"type": "web_search"}]),
    "tool_choice": ("nonsense", 3, {}, {"type": "function", "function": {"name": "nobody"}}, "required"),
    "logit_bias": ({"a": 1}, [[1]], [[10**9, 1]], {"999999999": 1}, "x", [["Hello", "x"]]),
    "stop": (3, [3], [[]], {}, [None]),
    "samplers": (3, "nonsense", [3]),
    "dry_sequence_breakers": (3, [], [3]),
    "chat_template_kwargs": (3, "x", {"enable_thinking": "x"}, {"enable_thinking": 3}),
    "reasoning_format": (3, "nonsense"),
    "parallel_tool_calls": ("x", 3),
    "add_generation_prompt": ("x",),
    "continue_final_message": (True, "x", 3),
    "n_probs": (-1, 10**9, "x"), "n": (0, -1, 10**9, "x"), "n_cmpl": (0, -1, 10**6, "x"),
    "id_slot": (99, -5, "x"), "n_keep": (-5, 10**9, "x"), "lora": (3, [3], [{"id": 99, "scale": 1}], [{}]),
    "mirostat": (9, "x"), "temperature": (-1, "x", 10**9), "top_k": (-1, "x"), "repeat_last_n": (-5,
        "x", 10**9),
    "dimensions": (0, -1, "x"), "encoding_format": ("nonsense", 3), "embd_normalize": ("x", 10**9),
    "thinking": (3, "x", {"type": 3}, {"type": "enabled", "budget_tokens": "x"}),
    "prompt": (deep(20), [[1, 2], 3], [10**9], [-1], {"prompt_string": "x", "multimodal_data": ["!"]},
        {"a": 1}),
    "input_extra": (3, [3], [{}], [{"text": 3}]),
    "response_fields": (3, ["none/such"]), "t_max_predict_ms": (-2, "x"), "preserved_tokens": (3, [3]),
    "grammar_triggers": ([{}], 3, [{"type": 9, "value": "x"}], [{"type": -1, "value": "x"}]),
    "grammar_lazy": (True,), "reasoning_effort": (3, []),
    "options": ("x", [], {"stop": 3}, {"stop": [3]}, {"temperature": "hot"}, {"num_predict": []}, {"seed": {}}),
    "format": ("yaml", 3, [], {"type": "nonsense"}, {"$ref": "#/nowhere"}, {"type": "string", "pattern": "(("}),
    "think": (3, "nonsense", []), "images": ("x", [3], ["!!!"], ["AAAA"], [""]), "keep_alive": ("nonsense",
        [], {}),
    "suffix": ("b", 3), "template": ("x", 3), "context": ([1], "x"), "stream": ("x", 3, None, []),
    "stream_options": (3, "x", []), "model": (3, [], {}), "messages": (3, "x", {}, [], [3], [[]]),
}  # fmt: skip
"""Set beside what a body has."""


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from places(inner, (*path, key))


def spoilt(body: Mapping[str, Any], place: tuple[Any, ...], *value: Any) -> dict[str, Any]:
    """With `value` at `place`; without a value, with nothing there."""
    made = copy.deepcopy(dict(body))
    inner: Any = made
    for key in place[:-1]:
        inner = inner[key]
    if value:
        inner[place[-1]] = value[0]
    else:
        del inner[place[-1]]
    return made


RAW = (
    b"", b"{", b"[]", b"3", b'"x"', b"null", b"\xff\xfe", b'{"a": NaN}', b'{"temperature": 1e999}',
    b'{"seed": Infinity}', b'{"messages": ' + b"[" * 5000 + b"]" * 5000 + b"}", b'{"a":1}{"a":2}',
)  # fmt: skip
"""Bodies that are no requests, of any endpoint."""


def mutations(names: tuple[str, ...], seed: int, per_base: int) -> Iterator[tuple[str, bytes]]:
    """(path, body): every part left out, and `per_base` drawn ones of all others, for each named base."""
    chance = random.Random(seed)
    for name in names:
        path, base = BASES[name]
        parts = list(places(base))
        left_out = [spoilt(base, place) for place in parts]
        drawn = [spoilt(base, place, value) for place in parts for value in WRONG]
        drawn += [{**base, field: value} for field, values in FIELDS.items() for value in values]
        bodies = [{}, *left_out, *chance.sample(drawn, min(per_base, len(drawn)))]
        yield from ((path, json.dumps(body).encode()) for body in bodies)
        yield from ((path, raw) for raw in RAW)
