"""What llama-server would pass over in silence, or refuse, said in words that it takes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from router.base.errors import BadRequest
from router.wire.documented import as_taken
from router.wire.documented_chat import refuse_unheard
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


CHAT = "/v1/chat/completions"


def offered(path: str, choice: Any) -> tuple[list[str], Any]:
    nested = [{"type": "function", "function": {"name": name}} for name in ("buy", "sell")]
    flat = [{"type": "function", "name": name} for name in ("buy", "sell")]
    asked = {"messages": [], "tools": nested} if path == CHAT else {"input": "x", "tools": flat}
    body = taken(path, {**asked, "tool_choice": choice})
    return [tool.get("function", tool)["name"] for tool in body["tools"]], body["tool_choice"]


@pytest.mark.parametrize("path", [CHAT, RESPONSES])
def test_a_tool_that_must_be_called_is_offered_alone(path: str) -> None:
    """The engine reads words only: a name was taken for `auto`, and any tool or none was called."""
    sell, both = {"name": "sell"}, ["buy", "sell"]
    for named in (
        {"type": "function", **sell},
        {"type": "function", "function": sell},
        {"type": "tool", **sell},
    ):
        assert offered(path, named) == (["sell"], "required")
    for mode in ("auto", "required"):
        some = {"mode": mode, "tools": [{"type": "function", **sell}]}
        assert offered(path, {"type": "allowed_tools", **some}) == (["sell"], mode)
        assert offered(path, {"type": "allowed_tools", "allowed_tools": some}) == (["sell"], mode)
    for word, meant in (("auto", "auto"), ("none", "none"), ("any", "required"), ("required", "required")):
        assert offered(path, {"type": word}) == (both, meant)
        if word != "any":
            assert offered(path, word) == (both, word)
    for none in ({"type": "function", "name": "rob"}, {"type": "web_search"}, {"type": "function"}, {}):
        with pytest.raises(BadRequest, match="tool_choice"):
            offered(path, none)


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}},
        {"type": "json_schema", "schema": SCHEMA},
        {"type": "json_schema", "json_schema": SCHEMA},
    ],
)
def test_a_schema_is_put_where_the_engine_reads_it(wanted: dict[str, Any]) -> None:
    told = taken(CHAT, {"messages": [], "response_format": wanted})["response_format"]
    assert told["type"] == "json_schema" and told["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize(
    "wanted", [{"type": "json_schema"}, {"type": "json_schema", "json_schema": {}}, "json"]
)
def test_a_schema_that_is_none_is_refused(wanted: Any) -> None:
    with pytest.raises(BadRequest, match="response_format"):
        taken(CHAT, {"messages": [], "response_format": wanted})


def test_the_format_of_a_response_is_one_of_a_chat() -> None:
    """llama-server reads nothing of `text`: the answer fitted no schema."""
    given = {"type": "json_schema", "name": "n", "strict": True, "schema": SCHEMA}
    told = taken(RESPONSES, {"input": "x", "text": {"format": given}})["response_format"]
    assert told == {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    told = taken(RESPONSES, {"input": "x", "text": {"format": {"type": "json_object"}}})["response_format"]
    assert told == {"type": "json_object"}
    assert "response_format" not in taken(RESPONSES, {"input": "x", "text": {"format": {"type": "text"}}})


PNG = "data:image/png;base64,AA"
SHOWN = {"type": "image_url", "image_url": {"url": PNG}}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("Hi", text("Hi")),
        ({"text": "Hi"}, text("Hi")),
        ({"type": "input_text", "text": "Hi"}, text("Hi")),
        ({"type": "image_url", "image_url": PNG}, SHOWN),
        ({"type": "input_image", "image_url": PNG}, SHOWN),
        (PICTURE, SHOWN),
        ({"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,UGx1bXM="}},
            text("a.txt\nPlums")),
        (text("Hi"), text("Hi")),
        ({**SHOWN, "image_url": {"url": PNG, "detail": "low"}}, {**SHOWN, "image_url": {"url": PNG,
            "detail": "low"}}),
        ({"type": "input_audio", "input_audio": {"data": "AA"}}, {"type": "input_audio", "input_audio": {
            "data": "AA"}}),
    ],
)  # fmt: skip
def test_parts_of_the_other_apis_are_read(given: Any, read: Any) -> None:
    body = taken(CHAT, {"messages": [{"role": "user", "content": [given]}]})
    assert body["messages"][0]["content"] == [read]
    (item,) = taken(RESPONSES, {"input": [{"role": "user", "content": [given]}]})["input"]
    kinds = {"text": "input_text", "image_url": "input_image"}
    assert item["content"][0]["type"] == kinds.get(read["type"], read["type"])


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,AA"}},
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "input_file", "file_url": "http://pc/a.pdf"},
        {"type": "file", "file": {"file_data": "data:text/plain;base64,/w=="}},
    ],
)
def test_a_file_that_is_no_text_is_refused_by_its_kind(part: Any) -> None:
    for path, field in ((CHAT, "messages"), (RESPONSES, "input")):
        with pytest.raises(BadRequest, match="no model here can read"):
            taken(path, {field: [{"role": "user", "content": [part]}]})


def test_a_call_without_its_type_is_one_of_a_function() -> None:
    call = {"id": "c", "function": {"name": "f", "arguments": "{}"}}
    body = taken(CHAT, {"messages": [{"role": "assistant", "tool_calls": [call]}]})
    assert body["messages"][0]["tool_calls"] == [{**call, "type": "function"}]


def test_what_a_completion_would_leave_out_is_refused() -> None:
    for body in ({"echo": True}, {"suffix": "end"}):
        with pytest.raises(BadRequest):
            refuse_unheard({"prompt": "x", **body})
    refuse_unheard({"prompt": "x", "echo": False, "suffix": ""})


@pytest.mark.parametrize(
    ("item", "read"),
    [
        ({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}},
            {"type": "function_call", "call_id": "c", "name": "shell", "arguments": '{"commands": ["ls"]}'}),
        ({"type": "function_call", "call_id": "c", "name": "f", "arguments": {"a": 1}},
            {"type": "function_call", "call_id": "c", "name": "f", "arguments": '{"a": 1}'}),
        ({"type": "shell_call_output", "call_id": "c", "output": [{"stdout": "a"}]},
            {"type": "function_call_output", "call_id": "c", "output": '[{"stdout": "a"}]'}),
        ({"type": "function_call_output", "call_id": "c", "output": None},
            {"type": "function_call_output", "call_id": "c", "output": ""}),
        ({"type": "function_call_output", "call_id": "c", "output": [{"type": "output_text", "text": "a"}]},
            {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_text", "text": "a"}]}),
        ({"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot",
            "image_url": PNG}}, {"type": "function_call_output", "call_id": "c", "output": [
                {"type": "input_image", "image_url": PNG}]}),
        ({"type": "reasoning", "content": [{"type": "reasoning_text", "text": "a"}, {"text": "b"}]},
            {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "ab"}]}),
        ({"role": "user", "content": None}, {"role": "user", "content": []}),
    ],
)  # fmt: skip
def test_items_that_the_engine_could_not_place_are_read(item: Any, read: Any) -> None:
    assert taken(RESPONSES, {"input": [item]})["input"] == [read]


def test_an_item_that_nobody_reads_is_named() -> None:
    with pytest.raises(BadRequest, match=r'`input\[1\]` is of type "wobble"'):
        taken(RESPONSES, {"input": [{"role": "user", "content": "x"}, {"type": "wobble"}]})
    with pytest.raises(BadRequest, match="hal0 keeps no responses"):
        taken(RESPONSES, {"input": "x", "prompt": {"id": "pmpt_1"}})
    assert taken(RESPONSES, {"input": [{"type": "mcp_call"}, {"type": "code_interpreter_call"}]})["input"] == []


@pytest.mark.parametrize("messages", ["Hi", {}, {"role": "user"}, 5])
def test_messages_that_are_none_are_refused_and_not_answered(messages: Any) -> None:
    for body in ({"messages": messages}, {"messages": [], "system": 5}):
        with pytest.raises(BadRequest, match="must be a list"):
            taken(MESSAGES, body)


@pytest.mark.parametrize("given", [{"type": "audio", "source": {}}, {"type": "image"}, {"type": "wobble"}])
def test_what_a_model_is_not_given_is_told(given: Any) -> None:
    """llama-server leaves out each block that it does not know, and answers to the rest."""
    with pytest.raises(BadRequest, match="no model here can read"):
        block(given)
    with pytest.raises(BadRequest, match="no model here can read"):
        block({"type": "tool_result", "tool_use_id": "a", "content": [given]})
    said = {"role": "assistant", "content": [{"type": "server_tool_use"}, {"type": "wobble"}]}
    assert taken(MESSAGES, {"messages": [said]})["messages"] == [said], "what a server did is left out"


@pytest.mark.parametrize("type_", [{}, [], {"type": "string"}, 5, None, True])
@pytest.mark.parametrize("path", [CHAT, RESPONSES, MESSAGES])
def test_a_type_that_is_no_word_is_the_clients_mistake(path: str, type_: Any) -> None:
    for content in ([{"type": type_, "text": "x"}], [{"type": type_}], [{"type": "text"}], {"type": type_}):
        for role in ("user", "assistant"):
            said = [{"type": type_, "role": role, "content": content}, {"type": type_}]
            asked = {
                "tool_choice": {"type": type_},
                "response_format": {"type": type_},
                "tools": [{"type": type_}],
            }
            for more in ({}, asked, {"text": {"format": {"type": type_}}}, {"thinking": {"type": type_}}):
                with suppress(BadRequest):
                    taken(path, {"messages": said, "input": said, **more})


def test_blocks_of_openais_are_read_in_messages() -> None:
    assert block({"type": "input_text", "text": "Hi"}) == [text("Hi")]
    shown = {"type": "image", "source": {"type": "url", "url": PNG}}
    assert block({"type": "image_url", "image_url": {"url": PNG}}) == [shown]
    result = {"type": "tool_result", "tool_use_id": "a"}
    assert block({**result, "content": {"a": 1}}) == [{**result, "content": '{"a": 1}'}]
    assert block(result) == [result]


def test_tools_that_only_anthropics_servers_carry_out_are_not_offered() -> None:
    """A model called one as if the client could answer."""
    theirs = [{"type": f"{kind}_20250305", "name": kind} for kind in ("web_search", "code_execution")]
    bash = {"type": "bash_20250124", "name": "bash"}
    assert taken(MESSAGES, {"messages": [], "tools": [*theirs, bash]})["tools"] == [bash]
    alone = taken(MESSAGES, {"messages": [], "tools": theirs, "tool_choice": {"type": "any"}})
    assert "tools" not in alone and "tool_choice" not in alone


def test_thinking_that_is_switched_off_is_off() -> None:
    body = taken(MESSAGES, {"messages": [], "thinking": {"type": "disabled"}})
    assert body["chat_template_kwargs"] == {"enable_thinking": False}
    assert "chat_template_kwargs" not in taken(MESSAGES, {"messages": [], "thinking": {"type": "enabled"}})


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
