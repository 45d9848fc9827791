"""Anthropic's messages API, which llama-server speaks itself."""

from __future__ import annotations

from aiohttp import web

from router.config.schema import Kind
from router.server.routes.openai import Endpoint, json_handler
from router.wire.anthropic import MessagesAggregate, MessagesStream, MessagesWhole

MESSAGES = Endpoint(
    "/v1/messages",
    Kind.CHAT,
    MessagesStream,
    MessagesWhole,
    aggregate=MessagesAggregate,
    streaming={"stream": True},
)
COUNT_TOKENS = Endpoint("/v1/messages/count_tokens", Kind.CHAT, MessagesWhole, MessagesWhole, loads=False)


def add_routes(app: web.Application) -> None:
    for endpoint in (MESSAGES, COUNT_TOKENS):
        handler = json_handler(endpoint)
        app.router.add_post(endpoint.path, handler)
        app.router.add_post(endpoint.path.removeprefix("/v1"), handler)
