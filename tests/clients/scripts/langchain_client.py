"""LangChain's ChatOpenAI: five silent seconds, and for async streams a timer that only parsed chunks reset."""

from __future__ import annotations

import asyncio

import openai
from langchain_openai import ChatOpenAI
from relay import READ_TIMEOUT, named, serve

CHUNK_TIMEOUT = 18.0
"""Seconds; 120 by default. Shorter than the load, longer than hal0's 14 s between two empty chunks."""


def model_of(base: str, model: str, request_id: str) -> ChatOpenAI:
    return ChatOpenAI(
        base_url=base + "/v1",
        model=model,
        api_key="none",
        max_retries=0,
        timeout=openai.Timeout(60.0, read=READ_TIMEOUT),
        stream_chunk_timeout=CHUNK_TIMEOUT,
        default_headers=named(request_id),
    )


def invoke(base: str, model: str, request_id: str) -> str:
    return model_of(base, model, request_id).invoke("Hello?").content


def streamed(base: str, model: str, request_id: str) -> str:
    return "".join(chunk.content for chunk in model_of(base, model, request_id).stream("Hello?"))


def streamed_async(base: str, model: str, request_id: str) -> str:
    async def collect() -> str:
        return "".join([chunk.content async for chunk in model_of(base, model, request_id).astream("Hello?")])

    return asyncio.run(collect())


serve({"invoke": invoke, "streamed": streamed, "streamed_async": streamed_async})
