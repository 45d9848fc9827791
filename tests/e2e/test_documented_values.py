"""What the documentation of each dialect allows, against the real engine: nothing of it is an error."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.e2e.harness import Hal0
from tests.e2e.mutations import CLAUDE_TOOL, PARAMETERS, SCHEMA, TOOL, USER

CONFIG = """
models:
  short: {file: alpha.gguf, flags: {n_predict: 16}}
slots:
  primary: {model: short}
  words: {kind: embedding, model: embed-model}
"""
BRIEF = {"max_tokens": 4}
CALLED = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
USED = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}}


def after(call: Mapping[str, Any], *more: Mapping[str, Any]) -> dict[str, Any]:
    return {"messages": [USER, call, *more]}


def result(**more: Any) -> dict[str, Any]:
    used = {"role": "assistant", "content": [USED]}
    answer = {"type": "tool_result", "tool_use_id": "toolu_1", **more}
    return {"tools": [CLAUDE_TOOL], **after(used, {"role": "user", "content": [answer]})}


def options(**more: Any) -> dict[str, Any]:
    return {"options": {"num_predict": 4, **more}}


CHAT: tuple[dict[str, Any], ...] = (
    {"max_tokens": None}, {"max_completion_tokens": 4}, {"max_completion_tokens": None}, {"max_tokens": -1},
    {"max_tokens": 10**12}, {"max_completion_tokens": 2**31},
    {"stop": None}, {"stop": []}, {"stop": "x"}, {"stop": ["x", "y"]}, {"n": 1}, {"n": None}, {"seed": None},
    {"seed": -1}, {"seed": 2**40}, {"temperature": None}, {"temperature": 0}, {"temperature": 2},
    {"top_p": None},
    {"top_p": 1}, {"presence_penalty": -2.0}, {"frequency_penalty": 2}, {"presence_penalty": None},
    {"stream_options": None}, {"store": False}, {"store": True}, {"metadata": {"a": "b"}}, {"metadata": None},
    {"service_tier": "auto"}, {"service_tier": None}, {"reasoning_effort": "none"},
    {"reasoning_effort": "minimal"},
    {"reasoning_effort": "xhigh"}, {"reasoning_effort": None}, {"verbosity": "low"}, {"modalities": ["text"]},
    {"logit_bias": {}}, {"logit_bias": None}, {"logit_bias": {"15": -100}}, {"logprobs": None},
    {"logprobs": False},
    {"logprobs": True}, {"logprobs": True, "top_logprobs": None}, {"logprobs": False, "top_logprobs": 0},
    {"logprobs": True, "top_logprobs": 0}, {"top_logprobs": None}, {"logprobs": True, "top_logprobs": 20},
    {"tools": []}, {"tools": None}, {"tools": [TOOL]}, {"tools": [TOOL], "tool_choice": "none"},
    {"tools": [TOOL], "tool_choice": "auto"}, {"tools": [TOOL], "tool_choice": "required"},
    {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
    {"tools": [TOOL], "tool_choice": None}, {"tool_choice": "none"}, {"tool_choice": "auto", "tools": []},
    {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [
        {"type": "function", "function": {"name": "weather"}}]}}},
    {"tools": [{"type": "function", "function": {"name": "now"}}]},
    {"tools": [{"type": "function", "function": {"name": "now", "parameters": None, "strict": True}}]},
    {"tools": [{"type": "function", "function": {"name": "now", "parameters": {}, "description": None}}]},
    {"tools": [TOOL], "parallel_tool_calls": None}, {"tools": [TOOL], "parallel_tool_calls": False},
    {"functions": [TOOL["function"]]}, {"functions": [TOOL["function"]], "function_call": "auto"},
    {"functions": [TOOL["function"]], "function_call": {"name": "weather"}}, {"functions": [],
        "function_call": "none"},
    {"response_format": {"type": "text"}}, {"response_format": None},
    {"response_format": {"type": "json_object"}},
    {"response_format": SCHEMA}, {"user": "me"}, {"user": None}, {"prediction": None},
    {"safety_identifier": "x"},
    {"prompt_cache_key": "x"}, {"web_search_options": None}, {"audio": None}, {"stream": None},
    {"stream": False},
    {"messages": [{"role": "developer", "content": "Be brief."}, USER]},
    {"messages": [{"role": "system", "content": [{"type": "text", "text": "Be brief."}]}, USER]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
    {"messages": [{"role": "user", "content": "Hi", "name": "me"}]}, {"messages": [{"role": "user",
        "content": ""}]},
    {"messages": [{"role": "user", "content": []}]}, {"messages": [{"role": "system",
        "content": "Only this."}]},
    {"tools": [TOOL], **after({"role": "assistant", "content": None, "tool_calls": [CALLED]},
        {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "3"}]})},
    {"tools": [TOOL], **after({"role": "assistant", "tool_calls": [CALLED]},
        {"role": "tool", "tool_call_id": "call_1", "content": ""})},
    after({"role": "assistant", "content": "", "tool_calls": [], "refusal": None, "audio": None}, USER),
    after({"role": "assistant", "content": "Hm.", "tool_calls": None, "function_call": None}, USER),
    after({"role": "assistant", "content": None}, USER),
    after({"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, USER),
    after({"role": "assistant", "content": None, "function_call": CALLED["function"]},
        {"role": "function", "name": "weather", "content": "3"}),
    after({"role": "assistant", "content": "And so"}),
)  # fmt: skip
TEXT: tuple[dict[str, Any], ...] = (
    {"max_tokens": None}, {"echo": False}, {"best_of": 1}, {"best_of": None}, {"suffix": None},
    {"logprobs": None},
    {"logprobs": 0}, {"logprobs": 5}, {"n": 1}, {"n": None}, {"stop": None}, {"logit_bias": None},
    {"seed": None}, {"user": "me"},
    {"stream": None}, {"stream_options": None}, {"prompt": ["one"]}, {"prompt": ["one", "two"]},
    {"prompt": [5, 6]},
    {"prompt": [[5, 6], [7]]}, {"prompt": ""}, {"temperature": None}, {"top_p": None},
)  # fmt: skip
RESPONSES: tuple[dict[str, Any], ...] = (
    {"max_output_tokens": None}, {"instructions": None}, {"store": False}, {"metadata": {}}, {"metadata": None},
    {"previous_response_id": None}, {"reasoning": None}, {"reasoning": {"effort": "low", "summary": "auto"}},
    {"text": {"format": {"type": "text"}}}, {"text": None}, {"text": {"format": {"type": "json_object"}}},
    {"text": {"format": {"type": "json_schema", "name": "x", "schema": PARAMETERS, "strict": True},
        "verbosity": "low"}},
    {"tools": []}, {"tools": None}, {"tool_choice": "none"}, {"tool_choice": "auto"},
    {"parallel_tool_calls": True}, {"truncation": "disabled"},
    {"include": []}, {"include": ["reasoning.encrypted_content"]}, {"service_tier": "auto"},
    {"temperature": None},
    {"top_p": None}, {"user": "me"}, {"background": False}, {"stream": None}, {"prompt_cache_key": "x"},
    {"max_tool_calls": None},
    {"tools": [{"type": "function", "name": "weather", "parameters": PARAMETERS, "strict": False,
        "description": None}]},
    {"tools": [{"type": "function", "name": "weather", "parameters": PARAMETERS}], "tool_choice": "required"},
    {"tools": [{"type": "function", "name": "weather", "parameters": PARAMETERS}],
     "tool_choice": {"type": "function", "name": "weather"}},
    {"input": [{"role": "user", "content": "Hi"}]}, {"input": [{"role": "developer",
        "content": "Brief."}, USER]},
    {"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}]},
    {"input": [USER, {"type": "message", "role": "assistant", "id": "m", "status": "completed", "content": [
        {"type": "output_text", "text": "Hm.", "annotations": []}]}, USER]},
    {"input": [USER, {"role": "assistant", "content": "Hm."}, USER]},
    {"input": [USER, {"type": "reasoning", "id": "r", "summary": [], "content": []},
        {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}", "id": "f",
            "status": "completed"},
        {"type": "function_call_output", "call_id": "c", "output": "3"}]},
    {"input": [USER, {"type": "function_call", "call_id": "c", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "3"}]}]},
    {"input": [USER, {"role": "assistant", "content": [{"type": "output_text", "text": "Hm."}]}, USER]},
    {"input": [USER, {"type": "message", "role": "assistant", "content": [
        {"type": "refusal", "refusal": "No."}]}, USER]},
    {"input": [USER, {"type": "custom_tool_call", "call_id": "c", "name": "apply_patch", "input": "x"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "done"}]},
    {"input": [USER, {"type": "local_shell_call", "call_id": "c", "status": "completed",
        "action": {"type": "exec", "command": ["ls"]}},
        {"type": "local_shell_call_output", "call_id": "c", "output": "a b"}]},
    {"input": [USER, {"type": "web_search_call", "id": "w", "status": "completed",
        "action": {"type": "search", "query": "x"}}, {"role": "assistant", "content": "Hm."}, USER]},
    {"max_output_tokens": 10**12},
)  # fmt: skip
MESSAGES: tuple[dict[str, Any], ...] = (
    {"system": [{"type": "text", "text": "Be brief."}]}, {"system": ""}, {"system": []}, {"system": None},
    {"system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi",
        "cache_control": {"type": "ephemeral"}}]}]},
    {"thinking": {"type": "enabled", "budget_tokens": 1024}}, {"thinking": {"type": "disabled"}},
    {"thinking": None},
    {"thinking": {"type": "adaptive"}}, {"tools": []}, {"tools": [CLAUDE_TOOL]},
    {"tools": [CLAUDE_TOOL], "tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    {"tools": [CLAUDE_TOOL], "tool_choice": {"type": "any"}}, {"tools": [CLAUDE_TOOL],
        "tool_choice": {"type": "none"}},
    {"tools": [CLAUDE_TOOL], "tool_choice": {"type": "tool", "name": "weather"}},
    {"tool_choice": {"type": "auto"}},
    {"tools": [{**CLAUDE_TOOL, "cache_control": {"type": "ephemeral"}, "type": "custom"}]},
    {"tools": [{"name": "now", "input_schema": {"type": "object"}}]},
    {"stop_sequences": []}, {"stop_sequences": None}, {"stop_sequences": ["x"]}, {"metadata": {"user_id": "x"}},
    {"metadata": None}, {"metadata": {}}, {"top_k": 5}, {"top_k": None}, {"top_p": 0.5}, {"temperature": None},
    {"temperature": 1}, {"service_tier": "auto"}, {"stream": None}, {"container": None},
    {"context_management": None},
    result(), result(content=""), result(content=[]), result(content="3 °C"),
    result(content="No.", is_error=True),
    result(content=[{"type": "text", "text": "3 °C"}]), result(content=None),
    result(content=[{"type": "text", "text": "3", "cache_control": {"type": "ephemeral"}}], cache_control=None),
    after({"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm.", "signature": "x"},
        {"type": "text", "text": "Yes."}]}, USER),
    after({"role": "assistant", "content": [{"type": "redacted_thinking", "data": "x"},
        {"type": "text", "text": "Yes."}]}, USER),
    {"messages": [{"role": "user", "content": [{"type": "document", "title": "A", "source":
        {"type": "text", "media_type": "text/plain", "data": "Plums."}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "document", "source":
        {"type": "content", "content": [{"type": "text", "text": "Plums."}]}}]}]},
    {"messages": [{"role": "user", "content": [{"type": "search_result", "source": "x", "title": "A",
        "content": [{"type": "text", "text": "Plums."}]}]}]},
    result(content=[{"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "3"}}]),
    {"max_tokens": 10**12},
    after({"role": "assistant", "content": "And so"}), {"messages": [USER, USER]},
    {"messages": [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}]},
)  # fmt: skip
OLLAMA: tuple[dict[str, Any], ...] = (
    options(num_predict=-1), options(num_predict=-2), options(num_predict=1e12), options(num_predict="4"),
    options(num_predict=4.0), options(num_predict=0), options(num_predict=None), options(repeat_last_n=-1),
    options(repeat_last_n=0), options(repeat_last_n=64.0), options(num_ctx=4096), options(num_ctx=0),
    options(stop="x"), options(stop=["x", "y"]), options(stop=[]), options(stop=None),
    options(stop=""), options(seed=-1), options(seed=0),
    options(seed=2**40), options(seed="42"), options(seed=42.0), options(temperature="0.5"),
    options(temperature=1),
    options(top_k="40"), options(top_k=40.0), options(top_k=0), options(top_k=-1),
    options(top_p="0.9"), options(min_p=0), options(tfs_z=1),
    options(typical_p=1), options(mirostat=0), options(mirostat=2.0, mirostat_tau=5, mirostat_eta="0.1"),
    options(penalize_newline=True), options(num_gpu=99, num_thread=4, use_mmap=True, numa=False, main_gpu=0),
    options(num_keep=24, num_batch=512, low_vram=False, vocab_only=False, f16_kv=True),
    options(nonsense={"a": 1}),
    options(repeat_penalty="1.1", presence_penalty=0, frequency_penalty="0"), {"options": None},
    {"options": {}},
    options(draft_num_predict=4), options(temperature=None), options(top_k=1e12), options(seed=1e18),
    {"keep_alive": "5m"}, {"keep_alive": -1}, {"keep_alive": 0}, {"keep_alive": "24h"}, {"keep_alive": "1h30m"},
    {"keep_alive": "-1m"}, {"keep_alive": "0"}, {"keep_alive": ""}, {"keep_alive": None},
    {"keep_alive": 300.5}, {"keep_alive": "-1"},
    {"format": "json"}, {"format": PARAMETERS}, {"format": ""}, {"format": None}, {"format": {}},
    {"think": True}, {"think": False}, {"think": "low"}, {"think": "high"}, {"think": None}, {"think": ""},
    {"stream": None}, {"logprobs": True, "top_logprobs": 2}, {"truncate": True, "shift": True},
)  # fmt: skip
OLLAMA_CHAT: tuple[dict[str, Any], ...] = (
    {"tools": [TOOL]}, {"tools": []}, {"tools": None}, {"messages": [{**USER, "images": []}]},
    {"messages": [{**USER, "images": None, "tool_calls": None, "thinking": ""}]},
    {"messages": [{"role": "system", "content": "Brief."}, USER]}, {"messages": [{"role": "User",
        "content": "Hi"}]},
    {"tools": [TOOL], **after({"role": "assistant", "content": "", "tool_calls": [
        {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}]}, {"role": "tool", "content": "3"})},
    {"tools": [TOOL], **after({"role": "assistant", "tool_calls": [
        {"function": {"name": "weather", "arguments": {}, "index": 0}}]}, {"role": "tool",
        "tool_name": "weather", "content": ""})},
    {"messages": [USER, {"role": "assistant", "content": None}, USER]}, {"messages": []}, {"messages": None},
)  # fmt: skip
GENERATE: tuple[dict[str, Any], ...] = (
    {"raw": True}, {"raw": False}, {"raw": None}, {"suffix": ""}, {"suffix": None}, {"images": []},
    {"images": None}, {"system": "Brief."},
    {"system": ""}, {"template": ""}, {"template": None}, {"context": []}, {"context": None}, {"prompt": ""},
    {"raw": True, "system": ""},
)  # fmt: skip
EMBED: tuple[dict[str, Any], ...] = (
    {"truncate": True}, {"truncate": False}, {"truncate": None}, {"dimensions": 4}, {"dimensions": None},
    {"input": ["one"]}, {"input": []},
    {"options": {"num_ctx": 512}}, {"keep_alive": "5m"}, {"dimensions": 0}, {"input": ""}, {"input": [""]},
    {"input": ["", "one"]}, {"dimensions": 4.0}, {"input": None, "prompt": "one"},
)  # fmt: skip
VECTORS: tuple[dict[str, Any], ...] = (
    {"encoding_format": "float"}, {"encoding_format": "base64"}, {"encoding_format": None}, {"user": "me"},
    {"dimensions": None},
    {"dimensions": 4}, {"dimensions": 4, "encoding_format": "base64"},
    {"input": ["one", "two"]}, {"input": [5, 6]}, {"input": [[5, 6], [7]]},
)  # fmt: skip
PLAIN: Mapping[str, Mapping[str, Any]] = {
    "/v1/chat/completions": {"messages": [USER], **BRIEF},
    "/v1/completions": {"prompt": "Hello", **BRIEF},
    "/v1/responses": {"input": "Hello?", "max_output_tokens": 4},
    "/v1/messages": {"messages": [USER], **BRIEF},
    "/v1/messages/count_tokens": {"messages": [USER]},
    "/v1/chat/completions/input_tokens": {"messages": [USER]},
    "/api/chat": {"messages": [USER], "stream": False, **options()},
    "/api/generate": {"prompt": "Hello", "stream": False, **options()},
    "/api/embed": {"input": "one"},
    "/v1/embeddings": {"input": "one"},
}
TABLE = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": TEXT,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": MESSAGES,
    "/v1/chat/completions/input_tokens": CHAT,
    "/api/chat": (*OLLAMA, *OLLAMA_CHAT),
    "/api/generate": (*OLLAMA, *GENERATE),
    "/api/embed": EMBED,
    "/v1/embeddings": VECTORS,
}


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "streamed"])
async def test_every_documented_value_is_taken(make_hal0: Callable[[str], Hal0], streams: bool) -> None:
    """Row 21, and the same of the other dialects."""
    hal0 = make_hal0(CONFIG)
    await hal0.start()
    await hal0.chat(max_tokens=1)
    refused = []
    for path, table in TABLE.items():
        for more in table:
            body = {**PLAIN[path], **({"stream": True} if streams else {}), **more}
            async with hal0.session.post(hal0.url + path, json=body) as answer:
                told = await answer.text()
            if answer.status != 200 or '"error":' in told:
                refused.append((path, more, answer.status, told[:250]))
    assert not refused, f"{len(refused)}\n" + "\n".join(map(str, refused))
