"""A single answer where a stream was asked for, and the other way round: servers ignore `stream`. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from router.base.errors import RouterError
from router.upstreams.answer_shapes import CHAT, MESSAGES, RESPONSES, TEXT, Fault, read_document
from router.wire.aggregate import Aggregate, ChatAggregate, CompletionAggregate, ResponsesAggregate
from router.wire.anthropic import MessagesAggregate

_AGGREGATES: Final[Mapping[str, Callable[[], Aggregate]]] = {
    CHAT: ChatAggregate,
    TEXT: CompletionAggregate,
    RESPONSES: ResponsesAggregate,
    MESSAGES: MessagesAggregate,
}


def as_document(path: str, events: bytes) -> bytes:
    """Put together one answer from a whole stream. Raises Fault."""
    make = _AGGREGATES.get(path)
    if make is None:
        raise Fault("it streams although no stream was asked for")
    aggregate = make()
    try:
        aggregate.feed(events)
        document = aggregate.finish()
    except RouterError as error:
        raise Fault(error.message.rstrip(".")) from None
    except (KeyError, TypeError, AttributeError, ValueError):
        # The aggregates read what engines stream; what strangers do has any shape.
        raise Fault("what it streams are no events of this API") from None
    read_document(path, document.decode(), strict=True)
    return document


_NAMES: Final = ("id", "object", "created", "model", "system_fingerprint", "service_tier")


def can_stream(path: str) -> bool:
    return path in _STREAMS


def as_stream(path: str, document: Mapping[str, Any]) -> bytes:
    """Return the events of an answer that came as one document of the right shape."""
    return b"".join(_STREAMS[path](document))


def _chat(document: Mapping[str, Any]) -> Iterator[bytes]:
    top = _top(document, "chat.completion.chunk")
    for number, choice in enumerate(document["choices"]):
        message = {k: v for k, v in choice["message"].items() if v is not None}
        content = message.get("content")
        if isinstance(content, list):
            message["content"] = "".join(str(p.get("text", "")) for p in content if isinstance(p, Mapping))
        if "tool_calls" in message:
            message["tool_calls"] = [
                {"index": n, "type": "function", **call} for n, call in enumerate(message["tool_calls"])
            ]
        head = {"index": choice.get("index", number)}
        delta = {"role": "assistant", **message}
        more = {"logprobs": choice["logprobs"]} if choice.get("logprobs") else {}
        yield _data({**top, "choices": [{**head, "delta": delta, **more, "finish_reason": None}]})
        reason = choice.get("finish_reason") or ("tool_calls" if message.get("tool_calls") else "stop")
        yield _data({**top, "choices": [{**head, "delta": {}, "finish_reason": reason}]})
    yield from _usage(document, top)


def _text(document: Mapping[str, Any]) -> Iterator[bytes]:
    top = _top(document, "text_completion")
    for number, choice in enumerate(document["choices"]):
        reason = choice.get("finish_reason") or "stop"
        yield _data({**top, "choices": [{"index": number, **choice, "finish_reason": reason}]})
    yield from _usage(document, top)


def _top(document: Mapping[str, Any], kind: str) -> dict[str, Any]:
    return {k: v for k, v in document.items() if k not in ("choices", "usage", "timings")} | {"object": kind}


def _usage(document: Mapping[str, Any], top: Mapping[str, Any]) -> Iterator[bytes]:
    more = {k: document[k] for k in ("usage", "timings") if isinstance(document.get(k), Mapping)}
    if more:
        named = {name: top[name] for name in _NAMES if name in top}  # the others could be taken for an error
        yield _data({**named, "choices": [], **more})
    yield b"data: [DONE]\n\n"


def _messages(document: Mapping[str, Any]) -> Iterator[bytes]:
    usage = (
        document.get("usage")
        if isinstance(document.get("usage"), Mapping)
        else {"input_tokens": 0, "output_tokens": 0}
    )
    start = {**document, "type": "message", "content": [], "stop_reason": None, "usage": usage}
    yield _named({"type": "message_start", "message": start})
    for index, block in enumerate(b for b in document["content"] if isinstance(b, Mapping)):
        empty, delta = _block(block)
        yield _named({"type": "content_block_start", "index": index, "content_block": empty})
        if delta:
            yield _named({"type": "content_block_delta", "index": index, "delta": delta})
        yield _named({"type": "content_block_stop", "index": index})
    end = {
        "stop_reason": document.get("stop_reason") or "end_turn",
        "stop_sequence": document.get("stop_sequence"),
    }
    yield _named({"type": "message_delta", "delta": end, "usage": usage})
    yield _named({"type": "message_stop"})


def _block(block: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a block as it begins, and what is added to it."""
    match block.get("type"):
        case "text":
            return {**block, "text": ""}, {"type": "text_delta", "text": str(block.get("text") or "")}
        case "thinking":
            thinking = str(block.get("thinking") or "")
            return {**block, "thinking": ""}, {"type": "thinking_delta", "thinking": thinking}
        case "tool_use":
            written = json.dumps(block.get("input") or {})
            return {**block, "input": {}}, {"type": "input_json_delta", "partial_json": written}
    return dict(block), {}


def _responses(document: Mapping[str, Any]) -> Iterator[bytes]:
    events = [{"type": "response.created", "response": {**document, "status": "in_progress", "output": []}}]
    for index, item in enumerate(i for i in document["output"] if isinstance(i, Mapping)):
        events += _item(index, item)
    end = "response.incomplete" if document.get("status") == "incomplete" else "response.completed"
    events.append({"type": end, "response": {"status": "completed", **document}})
    return (_named({**event, "sequence_number": number}) for number, event in enumerate(events))


def _item(index: int, item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    at = {"output_index": index, "item_id": str(item.get("id") or f"item_{index}")}
    begun = {**item, "status": "in_progress"} | ({"content": []} if item.get("type") == "message" else {})
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    content = item.get("content")
    if item.get("type") == "message" and isinstance(content, list):
        for number, part in enumerate(p for p in content if isinstance(p, Mapping)):
            here, text = {**at, "content_index": number}, str(part.get("text") or "")
            yield {"type": "response.content_part.added", **here, "part": {**part, "text": ""}}
            yield {"type": "response.output_text.delta", **here, "delta": text}
            yield {"type": "response.output_text.done", **here, "text": text}
            yield {"type": "response.content_part.done", **here, "part": dict(part)}
    if item.get("type") == "function_call":
        arguments = str(item.get("arguments") or "")
        yield {"type": "response.function_call_arguments.delta", **at, "delta": arguments}
        yield {"type": "response.function_call_arguments.done", **at, "arguments": arguments}
    yield {"type": "response.output_item.done", "output_index": index, "item": dict(item)}


def _data(document: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(document)}\n\n".encode()


def _named(document: Mapping[str, Any]) -> bytes:
    return f"event: {document['type']}\ndata: {json.dumps(document)}\n\n".encode()


_STREAMS: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[bytes]]]] = {
    CHAT: _chat,
    TEXT: _text,
    RESPONSES: _responses,
    MESSAGES: _messages,
}
