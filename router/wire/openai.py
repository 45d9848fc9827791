"""Requests of OpenAI's API, as far as hal0 reads them: the model, whether it streams, the rest as it came."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from router.base.errors import BadRequest


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


# Made once: json.loads and json.dumps make one for each call that has options.
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)
_TRIGGER_TYPES = (0, 1, 2, 3)  # COMMON_GRAMMAR_TRIGGER_TYPE_* in llama.cpp's common.h
_ENCODER = json.JSONEncoder(allow_nan=False)


@dataclass(frozen=True, slots=True)
class JsonCall:
    """A request with a JSON object as its body. `model` is as sent, None if it names none; `raw` is what `body`
    was read from, empty if it was put together here."""

    body: Mapping[str, Any]
    model: str | None
    stream: bool
    raw: bytes = b""


def parse_call(raw: bytes) -> JsonCall:
    """Parse a request. Raises BadRequest with a sentence for anything that is not a JSON object with a usable
    `model`."""
    try:
        body = _DECODER.decode(raw.removeprefix(BOM_UTF8).decode())
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The request body is not valid JSON ({error}); send a JSON object.") from error
    if not isinstance(body, dict):
        raise BadRequest("The request body is not a JSON object; send one with `model` and `messages`.")
    model = body.get("model")
    if model is not None and not isinstance(model, str):
        raise BadRequest("`model` must be a string: a slot's name or a model's id.", param="model")
    _refuse_deadly(body)
    return JsonCall(body, model or None, body.get("stream") is True, raw)


def _refuse_deadly(body: Mapping[str, Any]) -> None:
    """llama-server aborts, with everybody's requests, on a trigger of a type it does not know (build 11669,
    /completion); of 7,736 odd values of 75 fields the only one."""
    triggers = body.get("grammar_triggers")
    for trigger in triggers if isinstance(triggers, list) else ():
        kind = trigger.get("type") if isinstance(trigger, dict) else None
        if isinstance(kind, int | float) and kind not in _TRIGGER_TYPES:
            raise BadRequest(
                f"`grammar_triggers` has a trigger of type {kind}, and there are only 0 (token), 1 (word), "
                "2 (pattern) and 3 (pattern of the whole text).",
                param="grammar_triggers",
            )


_LIMIT = "max_tokens"
_LIMITS = frozenset({_LIMIT, "max_completion_tokens", "n_predict", "max_output_tokens"})
"""Names of one thing, the most tokens of an answer. llama-server reads `max_tokens` in every API, and lets the
others come before it (build 11669)."""


@dataclass(frozen=True, slots=True)
class RequestRules:
    """What hal0.yaml says of a model's requests: fields that are `defaults` where the client set nothing, those
    of the client's taken out before (`strip`), and those set whatever it says (`force`). Objects in them, such
    as `chat_template_kwargs`, are merged with the client's field by field."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    strip: tuple[str, ...] = ()
    force: Mapping[str, Any] = field(default_factory=dict)

    def applied(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return `body` by these rules; itself where they change nothing."""
        if self.strip and not body.keys().isdisjoint(self.strip):
            body = {name: value for name, value in body.items() if name not in self.strip}
        if self.defaults:
            said = not _LIMITS.isdisjoint(body)
            body = _merge(_without_limits(self.defaults) if said else self.defaults, body)
        if not self.force:
            return body
        if (limit := next((name for name in self.force if name in _LIMITS), None)) is None:
            return _merge(body, self.force)
        force = {**_without_limits(self.force), _LIMIT: self.force[limit]}
        return _merge(_without_limits(body), force)


def _without_limits(body: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in _LIMITS}


def engine_body(
    call: JsonCall,
    model: str,
    rules: RequestRules | Mapping[str, Any],
    forced: Mapping[str, Any] | None = None,
) -> bytes:
    """Return the body for the engine: the served model's id, the client's fields by `rules` (a mapping alone:
    defaults), and the fields in `forced`. What needs no change goes on byte for byte: photographs are
    megabytes."""
    applied = (rules if isinstance(rules, RequestRules) else RequestRules(rules)).applied(call.body)
    if call.raw and applied is call.body and not forced and call.body.get("model") == model:
        return call.raw
    try:
        return _ENCODER.encode(_merge(applied, {"model": model, **(forced or {})})).encode()
    except (ValueError, RecursionError) as error:  # 1e999 is read as infinity, which JSON cannot say
        raise BadRequest(f"The request body cannot be handed on as JSON ({error}); correct it.") from error


def _merge(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**defaults, **given}
    for name, value in defaults.items():
        if isinstance(value, Mapping) and isinstance(given.get(name), Mapping):
            merged[name] = _merge(value, given[name])
    return merged
