"""What OpenAI's and Anthropic's documentation allows and llama-server refuses, or passes over in silence, in
words that it takes. Pure.

A null is a field that is not set. Measured with each value of the table in tests/e2e/test_documented_values.py.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from router.base.errors import BadRequest
from router.wire.lenient import content_text, mapping, mappings, text
from router.wire.openai import JsonCall

_RESPONSES: Final = "/v1/responses"
_MESSAGES: Final = "/v1/messages"
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
_RERANK: Final = ("/v1/rerank", "/v1/reranking")
_SAID_ANOTHER_WAY: Final = frozenset({"tools", "messages", "top_logprobs", "documents", *_LIMITS})
_INT32: Final = 2**31 - 1
_ELSEWHERE: Final = ("item_reference", "compaction")
_SERVERS_OWN: Final = ("web_search_call", "file_search_call", "image_generation_call", "mcp_list_tools")
"""Records of what a server did by itself; the answer that came of it stands behind them."""


def as_taken(call: JsonCall, path: str) -> JsonCall:
    """`call`, for the engine's `path`; itself where nothing has to be said another way. Raises BadRequest for
    what no engine could know, and would answer without."""
    plain = None not in call.body.values() and _SAID_ANOTHER_WAY.isdisjoint(call.body)
    if plain and not path.startswith(_RESPONSES):
        return call  # most are: it is looked at with every request
    body = {name: value for name, value in call.body.items() if value is not None}
    if not body.get("logprobs") and body.get("top_logprobs") == 0:
        del body["top_logprobs"]
    for name in _LIMITS:
        if isinstance(body.get(name), int | float) and body[name] > _INT32:
            body[name] = _INT32  # which the engine reads as another number
    message = _claude_message if path.startswith(_MESSAGES) else _message
    for name, change in (("tools", _tool), ("messages", message)):
        if isinstance(body.get(name), list):
            body[name] = [change(item) if isinstance(item, dict) else item for item in body[name]]
    if path.startswith(_MESSAGES):
        _only_chosen_tools(body)
        _refuse_schema(body)
    if path in _RERANK:
        body |= passages(body)
    if path.startswith(_RESPONSES):
        _refuse_kept(body)
        if isinstance(body.get("input"), list):
            body["input"] = [_item(item) for item in body["input"] if not _is_hidden(item)]
    return call if body == call.body else replace(call, body=body, raw=b"")


def passages(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return `query` and `documents` of a rerank request as texts, which Cohere and Jina also write as objects
    with a `text`; without what is neither."""
    found: dict[str, Any] = {}
    if isinstance(query := _passage(body.get("query")), str):
        found["query"] = query
    if isinstance(documents := body.get("documents"), list):
        found["documents"] = [_passage(document) for document in documents]
    return found


def _passage(given: Any) -> Any:
    return given["text"] if isinstance(given, dict) and isinstance(given.get("text"), str) else given


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    made = {name: value for name, value in tool.items() if value is not None}
    if isinstance(function := made.get("function"), dict):
        made["function"] = {name: value for name, value in function.items() if value is not None}
    return made


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Turn a refusal into text: it is what the model said."""
    parts = message.get("content")
    if not isinstance(parts, list) or not any(map(_is_refusal, parts)):
        return message
    said = [{"type": "text", "text": part.get("refusal")} if _is_refusal(part) else part for part in parts]
    return {**message, "content": said}


def _is_refusal(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "refusal"


# -- responses ---------------------------------------------------------------------------------------------


def _refuse_kept(body: Mapping[str, Any]) -> None:
    """Raise BadRequest for what only the server that gave an answer could look up."""
    given = body.get("input")
    kinds = [text(item.get("type")) for item in mappings(given)] if isinstance(given, list) else []
    kept = next(
        (kind for kind in kinds if kind in _ELSEWHERE), "conversation" if body.get("conversation") else ""
    )
    if kept:
        raise BadRequest(
            f"`{kept}` refers to what another server keeps, and hal0 keeps no responses: send the items "
            "themselves (many clients do with `store: false`).",
            param="conversation" if kept == "conversation" else "input",
        )


def _is_hidden(item: object) -> bool:
    """Return whether only its own server could read it: reasoning, encrypted or summed up; its tools' work."""
    if not isinstance(item, dict):
        return False
    return item.get("type") in _SERVERS_OWN or (item.get("type") == "reasoning" and not item.get("content"))


def _item(item: Any) -> Any:
    """Give an assistant's message the type and the parts that llama-server expects; a call of a tool that is no
    function passes as one."""
    if not isinstance(item, dict):
        return item
    if item.get("role") == "assistant" and isinstance(item.get("content"), str | list):
        return {"type": "message", "status": "completed", **item, "content": _said(item["content"])}
    id_, kind = {"call_id": item.get("call_id")}, item.get("type")
    if kind == "custom_tool_call":
        given = json.dumps({"input": item.get("input")}, ensure_ascii=False)
        return {"type": "function_call", **id_, "name": item.get("name"), "arguments": given}
    if kind == "local_shell_call":
        given = json.dumps(item.get("action"), ensure_ascii=False)
        return {"type": "function_call", **id_, "name": "local_shell", "arguments": given}
    if kind in ("custom_tool_call_output", "local_shell_call_output"):
        return {"type": "function_call_output", **id_, "output": item.get("output")}
    return item


def _said(content: str | list[Any]) -> list[Any]:
    if isinstance(content, str):
        return [_output(content)]
    return [_output(part.get("refusal")) if _is_refusal(part) else part for part in content]


def _output(said: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": said, "annotations": []}


# -- messages ----------------------------------------------------------------------------------------------


def _only_chosen_tools(body: dict[str, Any]) -> None:
    """Drop the tools that `tool_choice` rules out: llama-server only reads that some tool must be called."""
    choice = mapping(body.get("tool_choice"))
    if choice.get("type") == "none":
        body.pop("tools", None)
    elif choice.get("type") == "tool" and isinstance(body.get("tools"), list):
        chosen = [tool for tool in body["tools"] if mapping(tool).get("name") == choice.get("name")]
        body["tools"] = chosen or body["tools"]


def _refuse_schema(body: Mapping[str, Any]) -> None:
    """Raise BadRequest where the answer has to fit a schema: the engine would answer without one."""
    if body.get("output_format") is not None or mapping(body.get("output_config")).get("format") is not None:
        raise BadRequest(
            "llama-server holds no answer of /v1/messages to a schema; ask /v1/chat/completions with "
            "`response_format`, or offer a tool with that schema and name it in `tool_choice`.",
            param="output_config",
        )


def _claude_message(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    return {**message, "content": _blocks(content)} if isinstance(content, list) else message


def _blocks(content: list[Any]) -> list[Any]:
    return [made for block in content for made in _block(block)]


def _block(block: Any) -> Iterator[Any]:
    """Yield what llama-server reads; it passes over documents and search results. Raises BadRequest for those
    that are no text."""
    kind = block.get("type") if isinstance(block, dict) else None
    if kind == "tool_result" and isinstance(block.get("content"), list):
        yield {**block, "content": _blocks(block["content"])}
    elif kind == "search_result":
        yield _text_of(block, content_text(block.get("content")))
    elif kind == "document":
        yield from _document(block, mapping(block.get("source")))
    elif kind == "container_upload" or (kind == "image" and mapping(block.get("source")).get("type") == "file"):
        raise _unreadable(f"a {kind} that refers to an uploaded file")
    else:
        yield block


def _document(block: dict[str, Any], source: Mapping[str, Any]) -> Iterator[Any]:
    if source.get("type") == "text" and isinstance(source.get("data"), str):
        yield _text_of(block, source["data"])
    elif source.get("type") == "content":
        given = source.get("content")
        parts = _blocks(given) if isinstance(given, list) else [{"type": "text", "text": text(given)}]
        yield _text_of(block, content_text([part for part in parts if mapping(part).get("type") == "text"]))
        yield from (part for part in parts if mapping(part).get("type") != "text")
    else:
        what = text(source.get("media_type")) or text(source.get("type")) or "no source"
        raise _unreadable(f"a document ({what[:40]})")


def _text_of(block: Mapping[str, Any], said: str) -> dict[str, Any]:
    head = [text(block.get(name)) for name in ("title", "context") if block.get(name)]
    return {"type": "text", "text": "\n".join([*head, said])}


def _unreadable(what: str) -> BadRequest:
    return BadRequest(
        f"`messages` has {what}, which no model here can read; send its text, or pictures of its pages.",
        param="messages",
    )
