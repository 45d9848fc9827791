"""openai-python, which gives up after five silent seconds and never tries twice."""

from __future__ import annotations

import openai
from relay import READ_TIMEOUT, named, serve

HELLO = [{"role": "user", "content": "Hello?"}]


def client(base: str, request_id: str) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=base + "/v1",
        api_key="none",
        max_retries=0,
        timeout=openai.Timeout(60.0, read=READ_TIMEOUT),
        default_headers=named(request_id),
    )


def chat_whole(base: str, model: str, request_id: str) -> str:
    answer = client(base, request_id).chat.completions.create(model=model, messages=HELLO)
    # An error in a body that began as 200 is not raised: callers find it where the choices should be.
    return answer.choices[0].message.content if answer.choices else failed(answer)


def chat_streamed(base: str, model: str, request_id: str) -> str:
    chunks = client(base, request_id).chat.completions.create(model=model, messages=HELLO, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


def chat_helper(base: str, model: str, request_id: str) -> str:
    with client(base, request_id).chat.completions.stream(model=model, messages=HELLO) as stream:
        message = stream.get_final_completion().choices[0].message
    assert message.role == "assistant", message
    return message.content


def completion_streamed(base: str, model: str, request_id: str) -> str:
    chunks = client(base, request_id).completions.create(model=model, prompt="Say it:", stream=True)
    return "".join(chunk.choices[0].text for chunk in chunks).strip()


def response_whole(base: str, model: str, request_id: str) -> str:
    answer = client(base, request_id).responses.create(model=model, input="Hello?")
    return answer.output_text if answer.output else failed(answer)


def response_streamed(base: str, model: str, request_id: str) -> str:
    events = client(base, request_id).responses.create(model=model, input="Hello?", stream=True)
    return "".join(event.delta for event in events if event.type == "response.output_text.delta")


def response_helper(base: str, model: str, request_id: str) -> str:
    with client(base, request_id).responses.stream(model=model, input="Hello?") as stream:
        return stream.get_final_response().output_text


def failed(answer: openai.BaseModel) -> str:
    raise RuntimeError(answer.error["message"] if isinstance(answer.error, dict) else answer.error.message)


serve(
    {
        case.__name__: case
        for case in (
            chat_whole,
            chat_streamed,
            chat_helper,
            completion_streamed,
            response_whole,
            response_streamed,
            response_helper,
        )
    }
)
