"""Ollama's requests in the engine's words. Pure. Source: Ollama's docs/api.md and api/types.go.

What belongs to launching a model (`num_ctx`, `num_gpu`, ...) is not taken from a request: hal0 loads each model
as it is configured, and every client shares it. `keep_alive` is not followed for the same reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from router.base.errors import BadRequest
from router.wire.openai import JsonCall

Dialect = Literal["chat", "text", "native", "embedding"]
"""How the engine answers: chat chunks, text completion chunks, llama.cpp's own events, one JSON document."""

_PATHS: Mapping[Dialect, str] = {
    "chat": "/v1/chat/completions",
    "text": "/v1/completions",
    "native": "/infill",
    "embedding": "/v1/embeddings",
}
_STREAMED = {"stream": True, "stream_options": {"include_usage": True}}
_SAMPLING = frozenset(
    {"temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "stop"}
    | {"repeat_penalty", "repeat_last_n", "presence_penalty", "frequency_penalty"}
    | {"mirostat", "mirostat_tau", "mirostat_eta"}
)
"""The options whose names the engine shares."""
_WHOLE = frozenset({"top_k", "seed", "repeat_last_n", "mirostat", "num_predict"})
_INT32 = 2**31 - 1
_WHOLE_CONTEXT = 2**17  # tokens: what -1 means to Ollama; the engine sets aside 4 bytes for each
_IMAGE_TYPES = {"/9j/": "jpeg", "iVBOR": "png", "R0lGOD": "gif", "UklGR": "webp"}
_ZERO_DURATION = re.compile(r"0+(\.0*)?(ns|us|µs|ms|s|m|h)?")


@dataclass(frozen=True, slots=True)
class OllamaCall:
    """A request as the engine takes it.

    Attributes:
        body: for `path`, without the model; None where nothing is asked of the engine, which Ollama's clients
            use to load a model, or with `unloads` to be rid of it.
        stream: whether the client wants lines; the engine always streams, except embeddings.
        dimensions: numbers to keep of each embedding; None for all.
        truncates: whether texts that are longer than the model takes are cut.
    """

    model: str | None
    stream: bool
    dialect: Dialect
    body: Mapping[str, Any] | None = field(repr=False)
    unloads: bool = False
    dimensions: int | None = None
    truncates: bool = True

    @property
    def inputs(self) -> int | None:
        """How many texts are to be embedded; None where none are."""
        given = (self.body or {}).get("input")
        return len(given) if isinstance(given, list) else None if given is None else 1

    @property
    def path(self) -> str:
        """The engine's; "" where nothing is asked of it."""
        return _PATHS[self.dialect] if self.body is not None else ""


def chat_call(call: JsonCall) -> OllamaCall:
    """POST /api/chat. Raises BadRequest, as all below."""
    messages = _list(call.body, "messages")
    body = _chat_body(call.body, _messages(messages)) if messages else None
    if body is not None and (tools := _list(call.body, "tools")):
        body["tools"] = tools
    return OllamaCall(call.model, _streams(call), "chat", body, _unloads(call, body))


def generate_call(call: JsonCall) -> OllamaCall:
    """POST /api/generate: a chat of one message; `raw` passes by the chat template, `suffix` fills in."""
    given = call.body
    prompt, suffix = _text(given, "prompt"), _text(given, "suffix")
    images, system = _list(given, "images"), _text(given, "system")
    _refuse_what_cannot_be_done(given)
    dialect: Dialect = "chat"
    body: dict[str, Any] | None = None
    if suffix:
        dialect = "native"
        body = {"input_prefix": prompt, "input_suffix": suffix, "stream": True}
        body |= _sampling(given) | _schema_field(given)
    elif prompt and given.get("raw"):
        if system or images:
            raise BadRequest("With `raw`, the prompt is all there is: put `system` and images into it.")
        dialect = "text"
        body = {"prompt": prompt, **_STREAMED, **_sampling(given), **_schema_field(given)}
        body |= {"logprobs": _top_logprobs(given) or 1} if given.get("logprobs") else {}
    elif prompt or images:
        head = [{"role": "system", "content": system}] if system else []
        body = _chat_body(given, [*head, {"role": "user", "content": _content(prompt, images)}])
    return OllamaCall(call.model, _streams(call), dialect, body, _unloads(call, body))


def embed_call(call: JsonCall) -> OllamaCall:
    """POST /api/embed. Its older form called the text `prompt`, and clients mix the two up."""
    texts = call.body.get("input")
    if texts is None:
        texts = call.body.get("prompt")
    if texts is not None and not isinstance(texts, str):
        texts = _list({"input": texts}, "input")
        if not all(isinstance(text, str) for text in texts):
            raise BadRequest("`input` must be a text or a list of texts.", param="input")
    dimensions = call.body.get("dimensions")
    if isinstance(dimensions, float) and dimensions.is_integer():
        dimensions = int(dimensions)
    if dimensions is not None and (type(dimensions) is not int or dimensions < 0):
        raise BadRequest("`dimensions` must be a whole number: how many to keep.", param="dimensions")
    truncates = call.body.get("truncate", True)
    if not isinstance(truncates, bool | None):
        raise BadRequest("`truncate` must be true or false: whether long texts are cut.", param="truncate")
    body = {"input": texts} if texts else None
    cuts = truncates is not False
    return OllamaCall(call.model, False, "embedding", body, _unloads(call, body), dimensions or None, cuts)


def embeddings_call(call: JsonCall) -> OllamaCall:
    """POST /api/embeddings, the older form: one text, one vector."""
    prompt = _text(call.body, "prompt") or _text(call.body, "input")
    body = {"input": prompt} if prompt else None
    return OllamaCall(call.model, False, "embedding", body, _unloads(call, body))


# -- what is said ------------------------------------------------------------------------------------------


def _chat_body(given: Mapping[str, Any], messages: list[dict[str, Any]]) -> dict[str, Any]:
    body = {"messages": messages, **_STREAMED, **_sampling(given), **_thinking(given.get("think"))}
    if (schema := _schema(given)) is not None:
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": schema}}
    if given.get("logprobs"):
        body |= {"logprobs": True, "top_logprobs": _top_logprobs(given)}
    return body


def _messages(messages: Sequence[Any]) -> list[dict[str, Any]]:
    calls = _ToolCalls()
    if not all(isinstance(message, dict) for message in messages):
        raise BadRequest("Each of `messages` must be an object with `role` and `content`.", param="messages")
    return [_message(message, calls) for message in messages]


def _message(given: Mapping[str, Any], calls: _ToolCalls) -> dict[str, Any]:
    role = _text(given, "role").lower()
    content = _content(_text(given, "content"), _list(given, "images"))
    message: dict[str, Any] = {"role": role, "content": content}
    if thinking := _text(given, "thinking"):
        message["reasoning_content"] = thinking
    if made := _list(given, "tool_calls"):
        message["tool_calls"] = [calls.made(call) for call in made]
    if role == "tool":
        name = _text(given, "tool_name") or _text(given, "name")
        message["tool_call_id"] = _text(given, "tool_call_id") or calls.answered(name)
        message |= {"name": name} if name else {}
    return message


def _content(text: str, images: Sequence[Any]) -> str | list[dict[str, Any]]:
    if not images:
        return text
    words = [{"type": "text", "text": text}] if text else []
    return [*words, *({"type": "image_url", "image_url": {"url": _data_url(image)}} for image in images)]


def _data_url(image: object) -> str:
    if not isinstance(image, str):
        raise BadRequest("`images` must be texts: each image's bytes in base64.", param="images")
    if image.startswith("data:"):
        return image
    kind = next((kind for start, kind in _IMAGE_TYPES.items() if image.startswith(start)), "jpeg")
    return f"data:image/{kind};base64,{image}"


class _ToolCalls:
    """Gives calls ids and finds them for the answers: Ollama's messages have none, chat templates use them."""

    def __init__(self) -> None:
        self._count = 0
        self._open: list[tuple[str, str]] = []

    def made(self, given: object) -> dict[str, Any]:
        function = given.get("function") if isinstance(given, dict) else None
        if not isinstance(given, dict) or not isinstance(function, dict) or not _text(function, "name"):
            raise BadRequest("A tool call must be an object with `function.name`.", param="messages")
        # Nine letters and digits: Mistral's templates refuse all else.
        id_ = _text(given, "id") or f"call{self._count:05d}"
        self._count += 1
        name, arguments = _text(function, "name"), function.get("arguments")
        self._open.append((id_, name))
        encoded = arguments if isinstance(arguments, str) else json.dumps(arguments or {}, ensure_ascii=False)
        return {"id": id_, "type": "function", "function": {"name": name, "arguments": encoded}}

    def answered(self, name: str) -> str:
        """Return the id of the first call of that name that has no answer yet, else of the first of any
        name."""
        found = next((call for call in self._open if call[1] == name), None) or next(iter(self._open), None)
        if found is None:
            return ""
        self._open.remove(found)
        return found[0]


# -- how it is to be answered ------------------------------------------------------------------------------


def _sampling(given: Mapping[str, Any]) -> dict[str, Any]:
    options = given.get("options") or {}
    if not isinstance(options, dict):
        raise BadRequest("`options` must be an object.", param="options")
    chosen = {name: _setting(name, value) for name, value in options.items() if name in _SAMPLING}
    chosen = {name: value for name, value in chosen.items() if value is not None}
    if chosen.get("repeat_last_n") == -1:
        chosen["repeat_last_n"] = _WHOLE_CONTEXT
    limit = _setting("num_predict", options.get("num_predict"))
    if limit is not None:
        # The engine refuses Ollama's -2, and no limit is one beyond what it counts.
        chosen["max_tokens"] = int(limit) if 0 < limit < _INT32 else -1
    return chosen


def parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's own PARAMETERs as fields of a request; what belongs to launching it (`num_ctx`, ...), to
    each dialect (`num_predict`), or is no value of that kind is left out."""
    chosen: dict[str, Any] = {}
    for name in given:
        if name in _SAMPLING:
            try:
                chosen |= _sampling({"options": {name: given[name]}})
            except BadRequest:
                continue
    return {name: value for name, value in chosen.items() if value not in (None, [])}


def _setting(name: str, value: Any) -> Any:
    """Return the value as the engine takes it: numbers may be written as strings, whole ones with a point."""
    if name == "stop":
        return _stops(value)
    number = value
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            number = None
    if value is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float) or not -1e300 < number < 1e300:
        raise BadRequest(f"`options.{name}` must be a number.", param="options")
    if name not in _WHOLE:
        return number
    return int(max(-_INT32, min(_INT32, number))) if name != "seed" else int(number) % 2**32


def _stops(value: object) -> list[str] | None:
    texts = [value] if isinstance(value, str) else value
    if texts is None:
        return None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BadRequest("`options.stop` must be a text or a list of texts.", param="options")
    return [text for text in texts if text]


def _thinking(think: object) -> dict[str, Any]:
    if think is None or think == "":
        return {}
    if isinstance(think, bool):
        return {"chat_template_kwargs": {"enable_thinking": think}}
    if isinstance(think, str) and think:
        return {"chat_template_kwargs": {"enable_thinking": True, "reasoning_effort": think}}
    raise BadRequest('`think` must be true, false, or a level such as "high".', param="think")


def _schema(given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the JSON schema `format` asks for, None for free text."""
    wanted = given.get("format")
    if wanted in (None, ""):
        return None
    if wanted == "json":
        return {"type": "object"}
    if isinstance(wanted, dict):
        return wanted
    raise BadRequest('`format` must be "json" or a JSON schema.', param="format")


def _schema_field(given: Mapping[str, Any]) -> dict[str, Any]:
    """Outside of chats the engine has no `response_format`."""
    schema = _schema(given)
    return {} if schema is None else {"json_schema": schema}


def _top_logprobs(given: Mapping[str, Any]) -> int:
    count = given.get("top_logprobs") or 0
    if type(count) is not int or not 0 <= count <= 20:
        raise BadRequest("`top_logprobs` must be a whole number from 0 to 20.", param="top_logprobs")
    return count


def _streams(call: JsonCall) -> bool:
    """Ollama streams unless told not to."""
    return call.body.get("stream") is not False


def _unloads(call: JsonCall, body: Mapping[str, Any] | None) -> bool:
    keep = call.body.get("keep_alive")
    zero = keep == 0 if isinstance(keep, int | float) else _ZERO_DURATION.fullmatch(str(keep)) is not None
    return body is None and zero


def _refuse_what_cannot_be_done(given: Mapping[str, Any]) -> None:
    if given.get("template"):
        raise BadRequest("hal0 cannot replace a model's template; send the finished prompt with `raw`.")
    if given.get("context"):
        raise BadRequest("hal0 keeps no `context` between requests; send the messages so far to /api/chat.")


# -- reading -----------------------------------------------------------------------------------------------


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"`{name}` must be a text.", param=name)
    return value


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadRequest(f"`{name}` must be a list.", param=name)
    return value
