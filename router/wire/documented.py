"""What OpenAI's and Anthropic's documentation allows and llama-server refuses, or passes over in silence, in
words that it takes. Pure.

A null is a field that is not set. Measured with each value of the table in tests/e2e/test_documented_values.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from router.wire import documented_chat, documented_messages, documented_responses
from router.wire.documented_chat import tool
from router.wire.openai import JsonCall

_RESPONSES: Final = "/v1/responses"
_MESSAGES: Final = "/v1/messages"
_LIMITS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens", "n_predict")
_RERANK: Final = ("/v1/rerank", "/v1/reranking")
_SAID_ANOTHER_WAY: Final = frozenset({"tools", "messages", "top_logprobs", "documents", *_LIMITS})
_INT32: Final = 2**31 - 1


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
    if isinstance(body.get("tools"), list):
        body["tools"] = [tool(item) if isinstance(item, dict) else item for item in body["tools"]]
    if path.startswith(_MESSAGES):
        documented_messages.as_taken(body)
    elif isinstance(body.get("messages"), list):
        documented_chat.as_taken(body)
    if path in _RERANK:
        body |= passages(body)
    if path.startswith(_RESPONSES):
        documented_responses.as_taken(body)
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
