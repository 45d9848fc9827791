"""One request that is over, as everybody sees it: the log's line, the file, the metrics, the control API."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final, NamedTuple


class Outcome(StrEnum):
    """How a request ended."""

    ANSWERED = "answered"
    """The whole answer was delivered."""
    REFUSED = "refused"
    """An error came in place of an answer."""
    BROKEN = "broken"
    """The answer had begun, and ended in an error."""
    LEFT = "left"
    """The client left before the end."""
    STOPPED = "stopped"
    """hal0 was stopped in the meantime."""


class SwitchPart(StrEnum):
    """What a request had to do with the load it waited for."""

    CAUSED = "caused"
    JOINED = "joined"
    """Somebody else had asked for it."""


FAILED: Final[frozenset[str]] = frozenset({Outcome.REFUSED, Outcome.BROKEN, Outcome.STOPPED})
"""Outcomes that count as failures. A client that leaves has got what it wanted, or changed its mind: no
failure."""


class Record(NamedTuple):
    """A row of the file: a tuple, as it is made and written thousands of times a second.

    Text that is not known is "", a number None. `id` increases, and is the Unix time in microseconds when the
    request ended; `at` is when it came, in Unix seconds. `request` is its name in the log (X-Request-Id), `key`
    the name of the key it came with, `asked` its `model` field. `slot` is "" where a server elsewhere was
    named, `upstream` the server elsewhere that answered, `model` the id of the model that did, there without
    the server's name. `stream` is 0 or 1, `outcome` one of `Outcome`. `status` is what was sent; 499 where the
    client left before that. `code` and `error` are hal0's code and sentence. Durations are seconds: `waited_s`
    from when it was decided who answers until somebody took the request, the others from its arrival: `read_s`
    until its body had come, `total_s` to its end. `switched_from` is the model that made room. `tokens_prompt`
    counts cached ones as well. All are of exactly these types: SQLite takes ten times as long for an enum.
    """

    id: int
    at: float
    request: str
    client: str
    agent: str
    key: str
    path: str
    dialect: str
    asked: str
    resolution_path: str
    slot: str
    upstream: str
    model: str
    stream: int
    status: int
    outcome: str
    code: str
    error: str
    read_s: float | None
    decided_s: float | None
    waited_s: float | None
    first_byte_s: float | None
    total_s: float
    switch: str
    switched_from: str
    tokens_prompt: int | None
    tokens_cached: int | None
    tokens_completion: int | None
    tokens_per_second: float | None
    bytes_in: int
    bytes_out: int

    @property
    def served(self) -> str:
        """The model's id, or `upstream/model`; "" where nobody took the request."""
        return f"{self.upstream}/{self.model}" if self.upstream else self.model

    @property
    def failed(self) -> bool:
        return self.outcome in FAILED


class Body(NamedTuple):
    """The bodies, each cut to `activity.body_size`. `answer` is as hal0 received it from whoever answered."""

    request: bytes
    answer: bytes


def record_json(record: Record) -> dict[str, Any]:
    """Return it as GET /api/activity does: null for what is not known; seconds to the microsecond."""
    told: dict[str, Any] = {}
    for name, value in zip(Record._fields, record, strict=True):
        told[name] = round(value, 6) if isinstance(value, float) else None if value == "" else value
    return told | {"stream": bool(record.stream), "failed": record.failed}


def timeline(record: Record) -> list[dict[str, Any]]:
    """Return what happened when, in seconds from the arrival; only what did happen."""
    decided, waited = record.decided_s, record.waited_s
    steps: list[tuple[str, float | None]] = [("arrived", 0.0), ("read", record.read_s), ("queued", decided)]
    if record.switch:
        steps.append((f"switch {record.switch}", decided))
    steps.append(("taken", None if waited is None else (decided or 0.0) + waited))
    steps += [("first byte", record.first_byte_s), ("last byte", record.total_s)]
    if record.outcome != Outcome.ANSWERED:
        steps[-1] = (record.outcome, record.total_s)
    return [{"what": what, "s": round(at, 6)} for what, at in steps if at is not None]
