"""A small OpenAI-compatible server on Ray Serve, with two replicas. Run by .venv-cluster, never imported.

Usage: serve_app.py PORT FOLDER. Prints "ready" when it answers; ends when its stdin does. Each answer's
`system_fingerprint` is the replica that gave it. The guide (docs/guides/ray-serve.md) shows the same. Without
`from __future__ import annotations`: FastAPI must find the annotations' types in the replica's process.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import ray
from fastapi import FastAPI
from fastapi.responses import JSONResponse, StreamingResponse
from ray import serve
from ray.serve.config import HTTPOptions

MODEL = "llama-70b"
WORDS = ("Hello", " from", " the", " cluster.")
api = FastAPI()


@serve.deployment(num_replicas=2, ray_actor_options={"num_cpus": 0})
@serve.ingress(api)
class Chat:
    """Says the same to everyone; its weights would be loaded in __init__."""

    def __init__(self) -> None:
        self.replica = serve.get_replica_context().replica_id.unique_id

    @api.get("/v1/models")
    def models(self) -> dict[str, Any]:
        return {"object": "list", "data": [{"id": MODEL, "object": "model", "max_model_len": 8192}]}

    @api.post("/v1/chat/completions")
    async def chat(self, body: dict[str, Any]) -> Any:
        if body.get("model") != MODEL:
            return JSONResponse({"error": {"message": f"There is no {body.get('model')}."}}, 404)
        await asyncio.sleep(0.05)  # long enough for two requests to meet two replicas
        if body.get("stream"):
            return StreamingResponse(self._events(), media_type="text/event-stream")
        message = {"role": "assistant", "content": "".join(WORDS)}
        return self._answer("chat.completion", {"message": message, "finish_reason": "stop"})

    async def _events(self) -> AsyncIterator[str]:
        for word in WORDS:
            yield f"data: {json.dumps(self._answer('chat.completion.chunk', {'delta': {'content': word}}))}\n\n"
            await asyncio.sleep(0.01)
        stop = {"delta": {}, "finish_reason": "stop"}
        yield f"data: {json.dumps(self._answer('chat.completion.chunk', stop))}\n\ndata: [DONE]\n\n"

    def _answer(self, kind: str, choice: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": kind,
            "created": 0,
            "model": MODEL,
            "system_fingerprint": self.replica,
            "choices": [{"index": 0, "finish_reason": None, **choice}],
        }


def main() -> None:
    port, folder = int(sys.argv[1]), sys.argv[2]
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=80 * 1024 * 1024,
        _temp_dir=folder,
        _node_ip_address="127.0.0.1",
        configure_logging=False,
    )
    serve.start(http_options=HTTPOptions(host="127.0.0.1", port=port))
    serve.run(Chat.bind(), name="openai", route_prefix="/")
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()
    serve.shutdown()
    ray.shutdown()


if __name__ == "__main__":
    main()
