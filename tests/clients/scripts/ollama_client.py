"""ollama-python, which gives up after five silent seconds."""

from __future__ import annotations

import httpx
import ollama
from relay import READ_TIMEOUT, named, serve

HELLO = [{"role": "user", "content": "Hello?"}]


def client(base: str, request_id: str) -> ollama.Client:
    return ollama.Client(host=base, timeout=httpx.Timeout(60.0, read=READ_TIMEOUT), headers=named(request_id))


def chat_whole(base: str, model: str, request_id: str) -> str:
    return client(base, request_id).chat(model, HELLO).message.content


def chat_streamed(base: str, model: str, request_id: str) -> str:
    parts = client(base, request_id).chat(model, HELLO, stream=True)
    return "".join(part.message.content or "" for part in parts)


def generate_streamed(base: str, model: str, request_id: str) -> str:
    parts = client(base, request_id).generate(model, "Hello?", stream=True)
    return "".join(part.response or "" for part in parts)


serve({"chat_whole": chat_whole, "chat_streamed": chat_streamed, "generate_streamed": generate_streamed})
