"""The least an aiohttp proxy can do: parse the JSON for `model` and `stream`, ask, hand on the answer.

python -m benchmarks.bare_proxy --port PORT --engine PORT --loop asyncio|uvloop
"""

from __future__ import annotations

import argparse
import asyncio
import json

import aiohttp
from aiohttp import web

from benchmarks import loops


class Proxy:
    """`engine` is the base URL all is passed to."""

    def __init__(self, session: aiohttp.ClientSession, engine: str) -> None:
        self._session = session
        self._engine = engine

    async def handle(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw)
        stream = body.get("model") is not None and body.get("stream") is True
        names = [n for n in ("Content-Type", "Authorization") if n in request.headers]
        headers = {name: request.headers[name] for name in names}
        async with self._session.post(self._engine + request.path, data=raw, headers=headers) as answer:
            if not stream:
                kind = {"Content-Type": answer.headers["Content-Type"]}
                return web.Response(body=await answer.read(), status=answer.status, headers=kind)
            response = web.StreamResponse(
                status=answer.status, headers={"Content-Type": answer.headers["Content-Type"]}
            )
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            answer.close()  # llama-server announces keep-alive after a stream, and closes
            return response


async def serve(port: int, engine: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        app = web.Application(client_max_size=2**28)
        app.router.add_post("/{path:.*}", Proxy(session, f"http://127.0.0.1:{engine}").handle)
        runner = web.AppRunner(app, handler_cancellation=True, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--engine", type=int, required=True)
    parser.add_argument("--loop", choices=loops.NAMES, default="asyncio")
    arguments = parser.parse_args()
    loops.run(serve(arguments.port, arguments.engine), arguments.loop)
