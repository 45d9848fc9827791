"""Pure: records of requests → the rows of the Activity tab, and what is told of one of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from app.texts import activity as words
from app.texts.common import SEPARATOR
from router.activity.record import Outcome, Record

MOST = 500
"""Rows that are held while nobody asks for older ones."""

MOST_OLDER = 10_000
"""Rows that are held at most."""


class Span(NamedTuple):
    """A part of a request's time: `seconds` of it, `share` (0..1) of the whole."""

    name: str
    seconds: float
    share: float


def merged(new: Sequence[Record], old: Sequence[Record]) -> list[Record]:
    """Return both together, newest first, each record once."""
    known = {record.id for record in new}
    both = [*new, *(record for record in old if record.id not in known)]
    return sorted(both, key=lambda record: -record.id)


def says(record: Record, wanted: str) -> bool:
    """Return whether `wanted`, in lower case, stands in what is known of a record."""
    said = (
        record.model, record.asked, record.slot, record.upstream, record.client, record.agent, record.key,
        record.path, record.outcome, record.code, record.error, str(record.status), record.request,
    )  # fmt: skip
    return not wanted or any(wanted in value.lower() for value in said)


def who(record: Record) -> str:
    """Return who asked, in a word: the key's name; of this computer's programs, which all have one address, the
    program."""
    program = record.agent.replace("/", " ").partition(" ")[0]
    if record.key:
        return record.key
    if record.client in ("127.0.0.1", "::1") and program:
        return words.BROWSER if program == "Mozilla" else program
    return record.client


def cells(record: Record, now: float) -> tuple[str, ...]:
    """Return a row's texts, in the order of `words.COLUMNS`; `now` in Unix seconds."""
    speed = record.tokens_per_second
    return (
        moment(record.at, now),
        record.slot or record.upstream or words.UNKNOWN,
        record.model or record.asked or words.UNKNOWN,
        who(record) or words.UNKNOWN,
        status(record),
        words.span(record.waited_s),
        words.span(record.first_byte_s),
        words.span(record.total_s),
        words.UNKNOWN if record.tokens_completion is None else str(record.tokens_completion),
        words.UNKNOWN if speed is None else f"{speed:.0f}" if speed >= 100 else f"{speed:.1f}",
    )


def status(record: Record) -> str:
    """`200`, `404 refused`, `200 left`: what was sent, and what went otherwise."""
    went = "" if record.outcome == Outcome.ANSWERED else words.OUTCOMES.get(record.outcome, record.outcome)
    return f"{record.status} {went}".rstrip()


def moment(at: float, now: float) -> str:
    """Return `14:02:07` of the day that `now` is in, else with its date. Both in Unix seconds."""
    local = time.localtime(at)
    today = local[:3] == time.localtime(now)[:3]
    return time.strftime("%H:%M:%S" if today else "%d %b %H:%M", local)


def spans(record: Record) -> tuple[Span, ...]:
    """Return where its time went, in order. What it was about when it failed is the last part."""
    taken = None if record.waited_s is None else (record.decided_s or 0.0) + record.waited_s
    stream = bool(record.stream)
    parts = (
        (words.READING, record.decided_s),
        (words.SWITCHING if record.switch else words.WAITING, taken),
        (words.FIRST_TOKEN if stream else words.ANSWERING, record.first_byte_s),
    )
    found, before, last = [], 0.0, words.GENERATING if stream else words.SENDING
    for name, until in parts:
        if until is None:
            last = name
            break
        found.append(_span(name, before, until, record.total_s))
        before = max(before, until)
    return (*found, _span(last, before, record.total_s, record.total_s))


def facts(record: Record) -> tuple[tuple[str, str], ...]:
    """Return what else is known of it, as names and values."""
    client = SEPARATOR.join(part for part in (record.client, record.agent, record.key) if part)
    answered = SEPARATOR.join(part for part in (record.slot, record.upstream, record.model) if part)
    known = (
        (words.STATUS, status(record)),
        (words.REQUEST, record.request),
        (words.ASKED_FOR, record.asked),
        (words.FOUND_BY, record.resolution_path),
        (words.PATH, record.path),
        (words.CLIENT, client),
        (words.ANSWERED_BY, answered),
        (words.SWITCH, words.switch(record.switch, record.switched_from) if record.switch else ""),
        (words.TOKENS, _tokens(record)),
        (words.SPEED, words.speed(record.tokens_per_second) if record.tokens_per_second else ""),
        (words.BYTES, words.transferred(record.bytes_in, record.bytes_out)),
    )
    return tuple((name, value) for name, value in known if value)


def _tokens(record: Record) -> str:
    if record.tokens_completion is None:
        return ""
    return words.tokens(record.tokens_prompt, record.tokens_cached or 0, record.tokens_completion)


def _span(name: str, begin: float, end: float, total: float) -> Span:
    seconds = max(0.0, end - begin)
    return Span(name, seconds, min(1.0, seconds / total) if total > 0 else 0.0)
