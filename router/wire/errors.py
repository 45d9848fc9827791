"""The one shape of every error: OpenAI's envelope with hal0's code and details."""

from __future__ import annotations

import json
from typing import Any

from router.base.errors import RouterError


def envelope(error: RouterError) -> dict[str, Any]:
    """`{"error": {"message", "type", "param", "code", "details"}}`."""
    return {
        "error": {
            "message": error.message,
            "type": error.type,
            "param": error.param,
            "code": error.code,
            "details": dict(error.details),
        }
    }


def sse_error(error: RouterError) -> bytes:
    """Return an error inside a stream that has begun.

    Hermes retries every in-stream error, each try a new load, unless its code is `model_not_available`
    (tests/clients/test_hermes.py); hal0's own code is kept in the details.
    """
    body = envelope(error)
    body["error"]["details"]["code"] = error.code
    body["error"]["code"] = "model_not_available"
    return b"data: " + json.dumps(body).encode() + b"\n\n"
