"""`tool_choice` and `response_format` as OpenAI's two chat APIs have them, in words that llama-server takes.

It reads three words of the one, takes any object for `auto`, and reads two shapes of the other. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from router.base.errors import BadRequest
from router.wire.lenient import mapping, mappings, text

_WORDS: Final = {"auto": "auto", "none": "none", "required": "required", "any": "required"}
_NAMED: Final = ("function", "custom", "tool")


def choose_tools(body: dict[str, Any]) -> None:
    """Offer only the tools that an object in `tool_choice` names, and say in a word whether one must be called.
    Raises BadRequest for one that is not offered."""
    choice = body.get("tool_choice")
    if not isinstance(choice, dict):
        return
    kind = text(choice.get("type"))
    if kind in _WORDS:
        body["tool_choice"] = _WORDS[kind]
    elif kind == "allowed_tools":
        allowed = mapping(choice.get("allowed_tools")) or choice
        _offer(body, {_name(tool) for tool in mappings(allowed.get("tools"))})
        body["tool_choice"] = "required" if allowed.get("mode") == "required" else "auto"
    elif kind in _NAMED or _name(choice):
        _offer(body, {_name(choice)})
        body["tool_choice"] = "required"
    else:
        raise BadRequest(
            f'`tool_choice` asks for "{kind[:40]}", which hal0 does not have; name a function of `tools`.',
            param="tool_choice",
        )


def _offer(body: dict[str, Any], names: set[str]) -> None:
    kept = [tool for tool in mappings(body.get("tools")) if _name(tool) in names]
    if not kept:
        wanted = ", ".join(sorted(name[:80] for name in names if name)) or "no function"
        raise BadRequest(f"`tool_choice` names {wanted}, which `tools` does not offer.", param="tool_choice")
    body["tools"] = kept


def _name(tool: Mapping[str, Any]) -> str:
    """Return a function's name, where either API has it."""
    inner = mapping(tool.get("function")) or mapping(tool.get("custom"))
    return text(inner.get("name")) or text(tool.get("name"))


def fit_format(body: dict[str, Any]) -> None:
    """Put a schema where llama-server reads it: it would answer without one, as any object. Raises BadRequest
    for a `response_format` that asks for one and has none."""
    wanted = body.get("response_format")
    if isinstance(wanted, str):
        if wanted not in ("text", "json_object"):
            raise BadRequest(
                '`response_format` must be an object, such as {"type": "json_object"}.', param="response_format"
            )
        body["response_format"] = {"type": wanted}
    elif isinstance(wanted, dict) and wanted.get("type") == "json_schema":
        body["response_format"] = {"type": "json_schema", "json_schema": _schema(wanted)}


def _schema(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = mapping(wanted.get("json_schema"))
    for holder in (inner, wanted):
        if isinstance(holder.get("schema"), dict):
            return {"name": text(holder.get("name")) or "answer", **inner, "schema": holder["schema"]}
    if inner and ("properties" in inner or "type" in inner or "$ref" in inner or "anyOf" in inner):
        return {"name": "answer", "schema": inner}
    raise BadRequest(
        "`response_format` is a json_schema without `json_schema.schema`; send the schema.",
        param="response_format",
    )
