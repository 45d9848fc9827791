"""What Anthropic's messages allow, in words that llama-server takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from router.base.errors import BadRequest
from router.wire.lenient import content_text, mapping, text


def as_taken(body: dict[str, Any]) -> None:
    """Change `body`. Raises BadRequest."""
    if isinstance(body.get("messages"), list):
        body["messages"] = [_message(item) if isinstance(item, dict) else item for item in body["messages"]]
    _only_chosen_tools(body)
    _refuse_schema(body)


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
