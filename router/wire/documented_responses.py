"""What OpenAI's responses API allows, in words that llama-server takes. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from router.base.errors import BadRequest
from router.wire.documented_chat import is_refusal
from router.wire.lenient import mappings, text

_ELSEWHERE: Final = ("item_reference", "compaction")
_SERVERS_OWN: Final = ("web_search_call", "file_search_call", "image_generation_call", "mcp_list_tools")
"""Records of what a server did by itself; the answer that came of it stands behind them."""


def as_taken(body: dict[str, Any]) -> None:
    """Change `body`. Raises BadRequest."""
    _refuse_kept(body)
    if isinstance(body.get("input"), list):
        body["input"] = [_item(item) for item in body["input"] if not _is_hidden(item)]


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
    return [_output(part.get("refusal")) if is_refusal(part) else part for part in content]


def _output(said: Any) -> dict[str, Any]:
    return {"type": "output_text", "text": said, "annotations": []}
