"""What Anthropic's messages allow, in words that llama-server takes. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from router.base.errors import BadRequest
from router.wire.documented_parts import picture, unreadable
from router.wire.lenient import content_text, mapping, text

_SERVERS_TOOLS: Final = (
    "web_search_",
    "web_fetch_",
    "code_execution_",
    "tool_search_tool_",
    "mcp_toolset",
    "advisor_",
)
"""How the types of those begin that Anthropic's own servers carry out: nobody here would."""

_READ: Final = frozenset({"text", "thinking", "redacted_thinking", "image", "tool_use", "tool_result"})


def as_taken(body: dict[str, Any]) -> None:
    """Change `body`. Raises BadRequest."""
    messages = body.get("messages", [])
    if not isinstance(messages, list) or not isinstance(body.get("system", ""), str | list):
        name = "system" if isinstance(messages, list) else "messages"
        raise BadRequest(f"`{name}` must be a list of {'texts' if name == 'system' else name}.", param=name)
    if messages:
        body["messages"] = [_message(item) if isinstance(item, dict) else item for item in messages]
    _only_tools_of_the_client(body)
    _only_chosen_tools(body)
    _refuse_schema(body)
    if mapping(body.get("thinking")).get("type") == "disabled":
        given = mapping(body.get("chat_template_kwargs"))
        body["chat_template_kwargs"] = {"enable_thinking": False, **given}


def _only_tools_of_the_client(body: dict[str, Any]) -> None:
    """Drop those that a server would carry out: a model would call one, and nobody would answer."""
    if isinstance(tools := body.get("tools"), list):
        kept = [tool for tool in tools if not text(mapping(tool).get("type")).startswith(_SERVERS_TOOLS)]
        if len(kept) < len(tools):
            body["tools"] = kept
        if tools and not kept:
            del body["tools"]
            body.pop("tool_choice", None)


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


def _message(message: dict[str, Any]) -> dict[str, Any]:
    content = message.get("content")
    if not isinstance(content, list):
        return message
    made = _blocks(content, given=message.get("role") != "assistant")
    return message if made == content else {**message, "content": made}


def _blocks(content: list[Any], *, given: bool = True) -> list[Any]:
    return [made for block in content for made in _block(block, given=given)]


def _block(block: Any, *, given: bool) -> Iterator[Any]:
    """Yield what llama-server reads; it passes over all else. Raises BadRequest for what is `given` to the
    model, not said by it, and neither text nor a picture."""
    kind = text(mapping(block).get("type"))
    if kind == "tool_result":
        yield {**block, "content": _result(block.get("content"))} if "content" in block else block
    elif kind == "search_result":
        yield _text_of(block, content_text(block.get("content")))
    elif kind == "document":
        yield from _document(block, mapping(block.get("source")))
    elif kind == "container_upload" or (kind == "image" and mapping(block.get("source")).get("type") == "file"):
        raise unreadable(f"a {kind} that refers to an uploaded file")
    elif kind in ("image", "image_url", "input_image"):
        yield _picture(block)
    elif not isinstance(block, dict) or kind in _READ or not given or kind.endswith("_tool_result"):
        yield block
    elif isinstance(block.get("text"), str):
        yield {"type": "text", "text": block["text"]}
    elif kind != "tool_reference":
        raise unreadable(f"a block of type {json.dumps(block.get('type'))[:60]}")


def _picture(block: dict[str, Any]) -> dict[str, Any]:
    """Return the block with a source that llama-server reads. Raises BadRequest where there is none."""
    source = mapping(block.get("source"))
    if source.get("type") in ("base64", "url"):
        return block
    if url := picture(block):
        return {"type": "image", "source": {"type": "url", "url": url}}
    raise unreadable("an image without a source")


def _result(content: Any) -> Any:
    """Return what a tool gave back, which is text or blocks."""
    if isinstance(content, list):
        return _blocks(content)
    return content if isinstance(content, str | None) else json.dumps(content, ensure_ascii=False)


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
        raise unreadable(f"a document ({what[:40]})")


def _text_of(block: Mapping[str, Any], said: str) -> dict[str, Any]:
    head = [text(block.get(name)) for name in ("title", "context") if block.get(name)]
    return {"type": "text", "text": "\n".join([*head, said])}
