"""llama-server's child mode: state lines on its stdout, orders on its stdin.

With LLAMA_SERVER_ROUTER_PORT set, llama-server reports to a parent as its own router mode's children do
(upstream tools/server/server-models.cpp). The protocol is internal: lines that do not parse are log lines,
and readiness falls back to polling when none arrive.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

STATE_PREFIX = "cmd_child_to_router:state:"
EXIT_ORDER = b"cmd_router_to_child:exit\n"


@dataclass(frozen=True, slots=True)
class ChildState:
    """`state`: loading, ready, sleeping, ...; `fraction` 0..1 over all loading stages, if told;
    `context_length`: tokens one request may use, told with `ready`."""

    state: str
    fraction: float | None = None
    context_length: int | None = None


def parse_child_line(line: str) -> ChildState | None:
    """Return the state a stdout line reports, or None if it is an ordinary line."""
    if not line.startswith(STATE_PREFIX):
        return None
    try:
        message = json.loads(line.removeprefix(STATE_PREFIX))
        state = message["state"]
        payload = message.get("payload") or {}
        if state == "ready":
            return ChildState("ready", context_length=_context_length(payload))
        return ChildState(str(state), _fraction(payload) if state == "loading" else None)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def _context_length(payload: object) -> int | None:
    """Return the same as `/props` says, without asking: `payload` describes the model as /v1/models does."""
    meta = payload.get("meta") if isinstance(payload, dict) else None
    tokens = meta.get("n_ctx") if isinstance(meta, dict) else None
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and tokens > 0 else None


def _fraction(payload: object) -> float | None:
    """Return stages are equal parts: there is nothing to weigh them by."""
    if not isinstance(payload, dict):
        return None
    stages, current, value = payload.get("stages"), payload.get("current"), payload.get("value")
    if not isinstance(stages, list) or current not in stages or not isinstance(value, int | float):
        return None
    return min(1.0, (stages.index(current) + max(0.0, float(value))) / len(stages))
