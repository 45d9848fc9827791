"""Talks to the hal0 that runs on this computer, over its control API. Blocking; for the command line."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

from router.base.errors import RouterError
from router.base.files import read
from router.base.paths import Paths
from router.config.schema import ServerConfig
from router.orders.order import READ_SECONDS, Order, encode
from router.state import ServerStatus, Snapshot
from router.wire.snapshot_read import SchemaMismatch, parse_snapshot

R = TypeVar("R")
# What is read of an answer without looking: where it is not there, another program answers, or another version.
_STATE: Final = {"server": dict, "slots": list, "memory": list}
_SERVER: Final = ("version", "url", "state")
_MODELS: Final = {"models": list, "memory": dict}
_MODEL: Final = (
    "id",
    "file",
    "problem",
    "size_bytes",
    "quantisation",
    "context_length",
    "needs",
    "fit",
    "loaded_in",
)


class NotRunning(Exception):
    """No hal0 answers; the message says where it was looked for and what to do."""


class BadAddress(RouterError):
    """What was given as `--url` cannot be one."""

    mends = False


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

    def __init__(self, url: str, key: str | None = None, written: str | None = None) -> None:
        """`written`: the address as a person wrote it."""
        self.url = url.rstrip("/")
        self._shown = written or self.url
        self._key = key
        # No proxy from the environment: this is a conversation within one computer.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    @classmethod
    def find(cls, server: ServerConfig, paths: Paths, url: str | None = None) -> Client:
        """Return the instance at `url`, else the one that left its address, else where the config puts it."""
        key = server.own_key
        if url is not None:
            return cls(_address(url), key, url)
        return cls(noted_url(paths) or ServerStatus(host=server.host, port=server.port).url, key)

    def answers(self) -> bool:
        """Return whether a hal0 runs there."""
        try:
            self.state()
        except (NotRunning, Refused):
            return False
        return True

    def state(self, seconds: float = READ_SECONDS) -> dict[str, Any]:
        document = self._shaped(self._call("GET", "/api/state", timeout=seconds), _STATE)
        self._rows([document["server"]], _SERVER)
        self._rows(document["slots"], ("name", "state", "last_error"))
        return document

    def snapshot(self) -> Snapshot:
        """Return the same, read. Raises NotRunning where it is another version's."""
        try:
            return parse_snapshot(self.state())
        except SchemaMismatch as error:
            raise self._other() from error

    def models(self) -> dict[str, Any]:
        """Return every model and what it takes (GET /api/models)."""
        document = self._shaped(self._call("GET", "/api/models", timeout=READ_SECONDS), _MODELS)
        self._rows(document["models"], _MODEL)
        self._rows([document["memory"]], ("is_gpu", "free", "total"))
        return document

    def activity(self, filters: Mapping[str, str]) -> dict[str, Any]:
        """Return the requests that `filters` names, newest first (GET /api/activity)."""
        query = f"?{urlencode(filters)}" if filters else ""
        answer = self._call("GET", f"/api/activity{query}", timeout=READ_SECONDS)
        return self._shaped(answer, {"requests": list})

    def post(self, path: str, body: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Return the answer to a client's request, which may take `seconds`."""
        return self._call("POST", path, body, seconds)

    def carry_out(self, order: Order[R]) -> R:
        """Return when it is done. Raises Refused with the reason why not."""
        call = encode(_as_typed(order))
        document = self._call(call.method, call.target, call.body, call.seconds)
        if order.outcome is None:
            if not {"slot", "server"} & document.keys():  # it tells the state that the order led to
                raise self._other()
            return None  # type: ignore[return-value]  # R is None where there is no outcome
        try:
            done: R = order.outcome.read(document)
        except (KeyError, TypeError, SchemaMismatch) as error:
            raise self._other() from error
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
                return self._parsed(answer.read())
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NotRunning(
                f"No hal0 answers at {self._shown} ({_why(error)}); start it with `hal0`, "
                "or `hal0 serve` without a desktop."
            ) from error

    def _parsed(self, body: bytes) -> dict[str, Any]:
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError):
            parsed = None
        if not isinstance(parsed, dict):
            raise self._other()
        return parsed

    def _shaped(self, document: dict[str, Any], shape: Mapping[str, type]) -> dict[str, Any]:
        if any(not isinstance(document.get(name), kind) for name, kind in shape.items()):
            raise self._other()
        return document

    def _rows(self, rows: Sequence[Any], names: Sequence[str]) -> None:
        if any(not isinstance(row, dict) or any(name not in row for name in names) for row in rows):
            raise self._other()

    def _other(self) -> NotRunning:
        return NotRunning(
            f"No hal0 answers at {self._shown}: another program does, or a hal0 of another version; end it, or "
            "choose another server.port in hal0.yaml."
        )

    def _refusal(self, error: urllib.error.HTTPError) -> Refused | NotRunning:
        told = _told(error)
        if told is not None:
            return Refused(*told)
        return NotRunning(
            f"What answers at {self.url} is not hal0 ({error.code} {error.reason}); stop that program, or "
            "choose another server.port in hal0.yaml."
        )


def _address(url: str) -> str:
    """Return an address as a person wrote it with its scheme. Raises BadAddress."""
    whole = url.strip() if "://" in url else f"http://{url.strip()}"
    try:
        parts = urlsplit(whole)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is none
        usable = False
    if not usable or " " in whole:
        raise BadAddress(f'--url "{url}" is no address: write http://HOST:PORT, such as http://127.0.0.1:8080.')
    return whole


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
