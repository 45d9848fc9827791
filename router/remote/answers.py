"""Another hal0's errors, as the errors they were there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from router.base.errors import EngineRefused, RouterError, UpstreamFailed
from router.config.problems import ConfigErrors, ConfigProblem
from router.wire.json_dataclass import SchemaMismatch, read


def error_of(status: int, body: bytes, retry_after: str | None, url: str) -> RouterError:
    """Return what hal0 at `url` refused with: class, status, code, sentence and details are what they were
    there."""
    envelope = _envelope(body)
    if envelope is None:
        return UpstreamFailed(f"What answers at {url} is not hal0 (status {status}); correct the address.")
    code, message = str(envelope["code"]), str(envelope["message"])
    details = envelope.get("details")
    details = details if isinstance(details, dict) else {}
    param = envelope.get("param")
    error: RouterError | None = _problems(code, details)
    if error is None:
        kind = _kinds().get(code, RouterError)
        seconds = float(retry_after) if retry_after and retry_after.isdecimal() else None
        param = param if isinstance(param, str) else None
        error = kind(message, param=param, details=details, retry_after=seconds)
    error.status, error.code = status, code
    error.type = str(envelope.get("type") or error.type)
    return error


def _envelope(body: bytes) -> dict[str, Any] | None:
    """Return the envelope's inside (router.wire.errors); a llama-server's has a number as its code."""
    try:
        envelope = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if (
        isinstance(envelope, dict)
        and isinstance(envelope.get("code"), str)
        and isinstance(envelope.get("message"), str)
    ):
        return envelope
    return None


def _problems(code: str, details: Mapping[str, Any]) -> ConfigErrors | None:
    listed = details.get("problems")
    if code != ConfigErrors.code or not isinstance(listed, list) or not listed:
        return None
    try:
        return ConfigErrors([read(ConfigProblem, problem) for problem in listed])
    except SchemaMismatch:
        return None


def _kinds() -> dict[str, type[RouterError]]:
    """Return every error class by its code, the nearest to the base first where several share one."""
    found: dict[str, type[RouterError]] = {}
    waiting: list[type[RouterError]] = [RouterError]
    while waiting:
        kind = waiting.pop(0)
        if kind not in (ConfigErrors, EngineRefused):
            found.setdefault(kind.code, kind)
        waiting += kind.__subclasses__()
    return found | {EngineRefused.code: EngineRefused}
