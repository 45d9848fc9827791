"""What OpenAI's responses API allows, in words that llama-server takes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from router.base.errors import BadRequest
from router.wire.documented_choice import choose_tools, fit_format
from router.wire.documented_parts import chat_parts, response_parts
from router.wire.lenient import arguments_text, content_text, mapping, mappings, text

_KEPT: Final = ("conversation", "prompt")
_ELSEWHERE: Final = ("item_reference", "compaction")
_SERVERS_OWN: Final = frozenset(
    {"web_search_call", "file_search_call", "image_generation_call", "code_interpreter_call"}
    | {"mcp_list_tools", "mcp_call", "mcp_approval_request", "mcp_approval_response"}
    | {"tool_search_call", "tool_search_output"}
)
"""Records of what a server did by itself; the answer that came of it stands behind them."""

_CALLS: Final = {
    "custom_tool_call": ("", "input"),
    "local_shell_call": ("local_shell", "action"),
    "shell_call": ("shell", "action"),
    "apply_patch_call": ("apply_patch", "operation"),
    "computer_call": ("computer", "action"),
}
"""Calls of tools that are no functions: under which name (\"\": the call's own), and what they were given."""

_READ: Final = frozenset({"message", "function_call", "function_call_output", "reasoning"})


def as_taken(body: dict[str, Any]) -> None:
    """Change `body`. Raises BadRequest."""
    _refuse_kept(body)
    if isinstance(given := body.get("input"), list):
        body["input"] = [_item(item, number) for number, item in enumerate(given) if not _is_hidden(item)]
    if isinstance(tools := body.get("tools"), list):
        body["tools"] = [_tool(tool) for tool in tools]
    choose_tools(body)
    wanted = mapping(mapping(body.get("text")).get("format"))
    if wanted.get("type") in ("json_schema", "json_object"):
        body.setdefault("response_format", dict(wanted))  # what of `text` llama-server does not read
    fit_format(body)


def _refuse_kept(body: Mapping[str, Any]) -> None:
    """Raise BadRequest for what only the server that gave an answer could look up."""
    given = body.get("input")
    kinds = [text(item.get("type")) for item in mappings(given)] if isinstance(given, list) else []
    kept = next((kind for kind in kinds if kind in _ELSEWHERE), "")
    kept = kept or next((name for name in _KEPT if body.get(name)), "")
    if kept:
        raise BadRequest(
            f"`{kept}` refers to what another server keeps, and hal0 keeps no responses: send the items "
            "themselves (many clients do with `store: false`).",
            param=kept if kept in _KEPT else "input",
        )


def _is_hidden(item: object) -> bool:
    """Return whether only its own server could read it: reasoning, encrypted or summed up; its tools' work."""
    if not isinstance(item, dict):
        return False
    return text(item.get("type")) in _SERVERS_OWN or (
        item.get("type") == "reasoning" and not item.get("content")
    )


def _item(item: Any, number: int) -> Any:
    """Give a message the type and the parts that llama-server expects; a call of a tool that is no function
    passes as one. Raises BadRequest for an item that nobody here reads."""
    if not isinstance(item, dict):
        return item
    kind, role = text(item.get("type")), item.get("role")
    if role == "assistant":
        said = _said(item.get("content"))
        return {"type": "message", "status": "completed", **item, "content": said}
    if role is not None and isinstance(given := item.get("content"), list | None):
        return {**item, "content": response_parts(given or [])}
    if kind in _CALLS or kind == "function_call":
        return _call(item, *_CALLS.get(kind, ("", "arguments")))
    if kind.endswith("_call_output"):
        return {
            "type": "function_call_output",
            "call_id": item.get("call_id"),
            "output": _result(item.get("output")),
        }
    if kind == "reasoning":
        thought = [{"type": "reasoning_text", "text": content_text(item.get("content"))}]
        return {**item, "summary": item.get("summary") or [], "content": thought}
    if kind and kind not in _READ:
        raise BadRequest(
            f'`input[{number}]` is of type "{kind[:40]}", which no model here reads.', param="input"
        )
    return item


def _tool(tool: Any) -> Any:
    """Return a function as this API has it; clients send that of chat completions, too."""
    inner = mapping(tool).get("function")
    return {"type": "function", **inner} if isinstance(inner, dict) else tool


def _call(item: dict[str, Any], name: str, given: str) -> dict[str, Any]:
    arguments = item.get(given)
    if given == "input":
        arguments = {given: arguments}
    said = arguments_text(arguments) if arguments is not None else "{}"
    called = {"name": name or item.get("name"), "arguments": said}
    return {"type": "function_call", "call_id": item.get("call_id"), **called}


def _result(output: Any) -> Any:
    """Return a tool's output as text, or as parts that are texts and pictures."""
    if output is None or isinstance(output, str):
        return output or ""
    if isinstance(output, dict) and output.get("image_url"):
        output = [{**output, "type": "input_image"}]
    if isinstance(output, list) and all(mapping(part).get("type") for part in output):
        return response_parts(output)
    return json.dumps(output, ensure_ascii=False)


def _said(content: Any) -> list[Any]:
    parts = chat_parts(content) if isinstance(content, list) else [{"type": "text", "text": text(content)}]
    return [_output(part.get("text")) if mapping(part).get("type") == "text" else part for part in parts]


def _output(said: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": said, "annotations": []}
