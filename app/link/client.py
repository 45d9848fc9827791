"""Talks to the hal0 that runs on this computer, over its control API. Blocking; for the command line."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from router.base.files import read
from router.base.paths import Paths
from router.config.schema import ServerConfig
from router.orders.order import READ_SECONDS, Order, encode
from router.state import ServerStatus

R = TypeVar("R")


class NotRunning(Exception):
    """No hal0 answers; the message says where it was looked for and what to do."""


class Refused(Exception):
    """hal0 answered with an error; the message is its sentence.

    Attributes:
        code: hal0's own, such as `auth.not_allowed`; "" where it told none.
    """

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code


class Client:
    """One running hal0. `key` is sent, never printed."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url.rstrip("/")
        self._key = key
        # No proxy from the environment: this is a conversation within one computer.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def find(cls, server: ServerConfig, paths: Paths, url: str | None = None) -> Client:
        """Return the instance at `url`, else the one that left its address, else where the config puts it."""
        key = server.own_key
        found = url or noted_url(paths)
        return cls(found or ServerStatus(host=server.host, port=server.port).url, key)

    def answers(self) -> bool:
        """Return whether a hal0 runs there."""
        try:
            self.state()
        except (NotRunning, Refused):
            return False
        return True

    def state(self, seconds: float = READ_SECONDS) -> dict[str, Any]:
        return self._call("GET", "/api/state", timeout=seconds)

    def models(self) -> dict[str, Any]:
        """Return every model and what it takes (GET /api/models)."""
        return self._call("GET", "/api/models", timeout=READ_SECONDS)

    def activity(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """Return the requests that `filters` names, newest first (GET /api/activity)."""
        query = f"?{urlencode(filters)}" if filters else ""
        return self._call("GET", f"/api/activity{query}", timeout=READ_SECONDS)

    def post(self, path: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return the answer to a client's request, which may take `seconds`."""
        return self._call("POST", path, body, seconds)

    def carry_out(self, order: Order[R]) -> R:
        """Return when it is done. Raises Refused with the reason why not."""
        call = encode(_as_typed(order))
        document = self._call(call.method, call.target, call.body, call.seconds)
        if order.outcome is None:
            return None  # type: ignore[return-value]  # R is None where there is no outcome
        done: R = order.outcome.read(document)
        return done

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, timeout: float | None = None
    ) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        data = json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None)
        try:
            request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)  # noqa: S310
            with self._opener.open(request, timeout=timeout) as answer:
                parsed: dict[str, Any] = json.loads(answer.read())
                return parsed
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NotRunning(
                f"No hal0 answers at {self.url} ({_why(error)}); start it with `hal0`, "
                "or `hal0 serve` without a desktop."
            ) from error

    def _refusal(self, error: urllib.error.HTTPError) -> Refused | NotRunning:
        told = _told(error)
        if told is not None:
            return Refused(*told)
        return NotRunning(
            f"What answers at {self.url} is not hal0 ({error.code} {error.reason}); stop that program, or "
            "choose another server.port in hal0.yaml."
        )


def _why(error: Exception) -> object:
    """Return the words of a system's error, without its number."""
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or reason


def _as_typed(order: Order[R]) -> Order[R]:
    """Decode what somebody typed, also where the locale (LC_ALL=C) knows no letters but ASCII."""
    values = {item.name: getattr(order, item.name) for item in fields(order)}  # type: ignore[arg-type]
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    read = {n: text.encode(errors="surrogateescape").decode(errors="replace") for n, text in texts.items()}
    return replace(order, **read)  # type: ignore[type-var]


def noted_url(paths: Paths) -> str | None:
    """Return the address the hal0 that runs, or ran last, has left."""
    try:
        url = json.loads(read(paths.state / "instance.json"))["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return str(url)


def _told(error: urllib.error.HTTPError) -> tuple[str, str] | None:
    """Return hal0's own words and code, or None from another server: a llama-server's errors have a number as
    their code."""
    try:
        document = json.loads(error.read())["error"]
        code = document.get("code")
        return None if isinstance(code, int) else (str(document["message"]), str(code or ""))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
