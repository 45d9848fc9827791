"""Pure: the servers elsewhere as the window lists them."""

from __future__ import annotations

from dataclasses import dataclass

from app.texts import common as text
from app.texts import window as text_window
from app.views.remote import may_wake
from app.views.tone import Tone
from router.config.schema import UpstreamKind
from router.state import Snapshot, UpstreamState, UpstreamStatus

_TONES = {
    UpstreamState.OK: Tone.GOOD,
    UpstreamState.DOWN: Tone.BAD,
    UpstreamState.UNKNOWN: Tone.QUIET,
    UpstreamState.WAKING: Tone.QUIET,
}


@dataclass(frozen=True, slots=True)
class UpstreamRow:
    """One server: `chip` is its state in words, `error` one sentence why it is down, or "". `wake`: waking it
    is offered, `wakes`: it can be at all."""

    name: str
    chip: str
    tone: Tone
    facts: str
    error: str
    wakes: bool = False
    wake: bool = False


def upstream_rows(snapshot: Snapshot) -> tuple[UpstreamRow, ...]:
    """Return those of which nothing more is shown: another hal0 has its slots for that (app.views.remote)."""
    shown = (upstream for upstream in snapshot.upstreams if upstream.kind is not UpstreamKind.HAL0)
    return tuple(_row(snapshot, upstream) for upstream in shown)


def _row(snapshot: Snapshot, upstream: UpstreamStatus) -> UpstreamRow:
    if snapshot.local_only:
        return UpstreamRow(upstream.name, text_window.NOT_ASKED, Tone.QUIET, text_window.LOCAL_ONLY_FACT, "")
    known = upstream.state is UpstreamState.OK
    facts = [text.models(len(upstream.models))] if known else []
    return UpstreamRow(
        upstream.name,
        text_window.UPSTREAM_WORDS[upstream.state],
        _TONES[upstream.state],
        text.SEPARATOR.join([*facts, upstream.base_url]),
        (upstream.error or "") if upstream.state is UpstreamState.DOWN else "",
        upstream.wakes,
        may_wake(upstream, local_only=False),
    )
