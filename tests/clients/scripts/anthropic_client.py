"""anthropic-python, which gives up after five silent seconds and never tries twice."""

from __future__ import annotations

import anthropic
from relay import READ_TIMEOUT, named, serve

HELLO = {"max_tokens": 100, "messages": [{"role": "user", "content": "Hello?"}]}


def client(base: str, request_id: str) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        base_url=base,
        api_key="none",
        max_retries=0,
        timeout=anthropic.Timeout(60.0, read=READ_TIMEOUT),
        default_headers=named(request_id),
    )


def whole(base: str, model: str, request_id: str) -> str:
    answer = client(base, request_id).messages.create(model=model, **HELLO)
    if not answer.content:  # an error in a body that began as 200
        raise RuntimeError(answer.error["message"])
    return answer.content[0].text


def streamed(base: str, model: str, request_id: str) -> str:
    events = client(base, request_id).messages.create(model=model, stream=True, **HELLO)
    return "".join(event.delta.text for event in events if event.type == "content_block_delta")


def helper(base: str, model: str, request_id: str) -> str:
    with client(base, request_id).messages.stream(model=model, **HELLO) as stream:
        return stream.get_final_text()


serve({"whole": whole, "streamed": streamed, "helper": helper})
