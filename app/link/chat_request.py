"""One real chat request to hal0's own endpoint, as any client would send it. Blocking: call it on a thread."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request

ANSWER_SECONDS = 600.0
"""A first request loads the model; a big one from a slow disk takes minutes."""


class NoAnswer(Exception):
    """The message is one sentence: what the endpoint said, or why nothing came."""


def ask(endpoint: str, model: str, question: str, key: str | None = None) -> str:
    """Ask `model` at `endpoint` (an OpenAI base URL) to `question`. Raises NoAnswer."""
    headers = {"Content-Type": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    body = {"model": model, "messages": [{"role": "user", "content": question}], "max_tokens": 200}
    request = urllib.request.Request(  # noqa: S310 - our own endpoint
        f"{endpoint}/chat/completions", json.dumps(body).encode(), headers, method="POST"
    )
    # No proxy from the environment: this is a conversation within one computer.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return _words(answer.read())
    except urllib.error.HTTPError as error:
        raise NoAnswer(_reason(error.read()) or f"hal0 answered {error.code} {error.reason}.") from error
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswer(f"nothing answers at {endpoint} ({getattr(error, 'reason', error)}).") from error


def _words(body: bytes) -> str:
    # A failure after the headers comes with status 200 and an error in the body (router.server.request.proxy).
    if reason := _reason(body):
        raise NoAnswer(reason)
    try:
        message = json.loads(body)["choices"][0]["message"]
        return str(message.get("content") or message.get("reasoning_content") or "").strip()
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise NoAnswer("the answer was not a chat completion.") from error


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return ""
