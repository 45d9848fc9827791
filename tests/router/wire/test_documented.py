"""What llama-server would pass over in silence, or refuse, said in words that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from router.base.errors import BadRequest
from router.wire.documented import as_taken
from router.wire.openai import JsonCall

MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
TEXT = {"type": "text", "media_type": "text/plain", "data": "Plums are blue."}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AA"}}


def taken(path: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
    return as_taken(JsonCall(body, None, False, b"raw"), path).body


def block(given: Mapping[str, Any]) -> list[Any]:
    body = taken(MESSAGES, {"messages": [{"role": "user", "content": [{"type": "text", "text": "Q"}, given]}]})
    return list(body["messages"][0]["content"][1:])


def text(said: str) -> dict[str, Any]:
    return {"type": "text", "text": said}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"type": "document", "source": TEXT}, [text("Plums are blue.")]),
        (
            {"type": "document", "title": "On plums", "context": "A book", "source": TEXT},
            [text("On plums\nA book\nPlums are blue.")],
        ),
        (
            {"type": "document", "source": {"type": "content", "content": [text("Plums."), PICTURE]}},
            [text("Plums."), PICTURE],
        ),
        ({"type": "document", "source": {"type": "content", "content": "Plums."}}, [text("Plums.")]),
        (
            {"type": "search_result", "title": "Found", "source": "x", "content": [text("Plums.")]},
            [text("Found\nPlums.")],
        ),
        (PICTURE, [PICTURE]),
    ],
)
def test_documents_are_read_as_text(given: Mapping[str, Any], read: list[Any]) -> None:
    assert block(given) == read
    result = {"type": "tool_result", "tool_use_id": "a", "content": [given]}
    assert block(result) == [{**result, "content": read}]


@pytest.mark.parametrize(
    "given",
    [
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0="}},
        {"type": "document", "source": {"type": "url", "url": "http://pc/a.pdf"}},
        {"type": "document", "source": {"type": "file", "file_id": "f"}},
        {"type": "document"},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": "container_upload", "file_id": "f"},
    ],
)
@pytest.mark.parametrize("path", [MESSAGES, f"{MESSAGES}/count_tokens"])
def test_what_no_engine_reads_is_refused_and_not_left_out(given: Mapping[str, Any], path: str) -> None:
    with pytest.raises(BadRequest, match="no model here can read"):
        taken(path, {"messages": [{"role": "user", "content": [given]}]})


def test_a_message_without_documents_goes_on_byte_for_byte() -> None:
    call = JsonCall({"messages": [{"role": "user", "content": [text("Hi"), PICTURE]}]}, None, False, b"raw")
    assert as_taken(call, MESSAGES) is call


TOOLS = [{"name": "buy", "input_schema": {}}, {"name": "sell", "input_schema": {}}]


@pytest.mark.parametrize(
    ("choice", "left"),
    [
        ({"type": "auto"}, ["buy", "sell"]),
        ({"type": "any"}, ["buy", "sell"]),
        ({"type": "tool", "name": "sell"}, ["sell"]),
        ({"type": "tool", "name": "rob"}, ["buy", "sell"]),
        ({"type": "none"}, []),
        (None, ["buy", "sell"]),
    ],
)
def test_a_tool_that_may_not_be_called_is_not_offered(choice: Any, left: list[str]) -> None:
    body = taken(MESSAGES, {"messages": [], "tools": TOOLS, "tool_choice": choice})
    assert [tool["name"] for tool in body.get("tools", [])] == left


@pytest.mark.parametrize(
    "asked", [{"output_config": {"format": {}}}, {"output_format": {"type": "json_schema"}}]
)
def test_an_answer_by_a_schema_is_refused_and_not_given_without(asked: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="response_format"):
        taken(MESSAGES, {"messages": [], **asked})
    assert taken(MESSAGES, {"messages": [], "output_config": {"effort": "high"}})


def test_items_of_other_servers_are_read_as_what_they_are() -> None:
    items = [
        {
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hm."}, {"type": "refusal", "refusal": "No."}],
        },
        {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "+ä"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
        {"type": "web_search_call", "id": "w", "status": "completed"},
    ]
    said, call, output = taken(RESPONSES, {"input": items})["input"]
    assert said["type"] == "message" and [part["text"] for part in said["content"]] == ["Hm.", "No."]
    assert call == {"type": "function_call", "call_id": "c", "name": "patch", "arguments": '{"input": "+ä"}'}
    assert output == {"type": "function_call_output", "call_id": "c", "output": "done"}


@pytest.mark.parametrize(
    "body",
    [
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"type": "compaction", "encrypted_content": "x"}]},
        {"input": "Hi", "conversation": "conv_1"},
    ],
)
def test_what_only_another_server_has_kept_is_refused(body: Mapping[str, Any]) -> None:
    with pytest.raises(BadRequest, match="hal0 keeps no responses"):
        taken(RESPONSES, body)


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict"])
def test_a_limit_beyond_what_the_engine_counts_is_none(name: str) -> None:
    assert taken("/v1/completions", {"prompt": "x", name: 10**12})[name] == 2**31 - 1
    assert taken("/v1/completions", {"prompt": "x", name: 7})[name] == 7
