"""Which place of a slot answers: the slot itself, or one of its `fallback` that may be asked before. Pure.

`fallback` alone is for a slot that cannot answer: memory is short, nobody is reachable. With `move_on` also one
that could, but would have the client wait, hands on what it is asked. A conversation stays where it was last
answered, also if others are waiting there: what has been read of it lies in that engine's cache, and reading it
again elsewhere costs more than a turn in a queue. It leaves where that cache is gone (the model has to be
loaded), where nobody answers, or for a place that is free where as many wait as that engine answers at once:
conversations that began one by one would all queue at one place, and leave the others idle.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.config.schema import MoveOn
from router.config.upstreams import split_target
from router.resolve import ResolutionPath
from router.state import SlotState, SlotStatus, UpstreamState, UpstreamStatus

HERE: Final = ""
"""The slot's own engine, among places that are otherwise upstreams."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`place`: whom to ask first; `path` says why that is not the slot itself, None if it is."""

    place: str
    path: ResolutionPath | None = None


def decide(
    slot: SlotStatus, upstreams: Sequence[UpstreamStatus], home: str | None, failed: Collection[str] = ()
) -> Decision:
    """Return who answers a request for `slot`. `home`: the place that answered the conversation last; `failed`:
    those that did not answer this request."""
    states = {upstream.name: upstream for upstream in upstreams}
    places = (HERE, *slot.fallback)
    whys = {place: _GONE if place in failed else why_not(place, slot, states) for place in places}
    if home is not None and home in whys and whys[home] in (None, MoveOn.BUSY):
        crowded = MoveOn.BUSY in slot.move_on and _is_crowded(home, slot, states)
        if not (crowded and None in whys.values()):
            return Decision(home, ResolutionPath.STICKY if home else None)
    moves = {*slot.move_on, _GONE}
    place = next((place for place in places if whys[place] not in moves), HERE)  # else all would have it wait
    if place == HERE:
        return Decision(HERE)
    busy = whys[HERE] == MoveOn.BUSY
    return Decision(place, ResolutionPath.MOVED_BUSY if busy else ResolutionPath.MOVED_LOADING)


def place_of(served_by: str, slot: SlotStatus) -> str | None:
    """Return which of the slot's places it was that answered as `upstream/model`."""
    if served_by in slot.fallback:
        return served_by
    upstream = split_target(served_by)[0]
    return next((place for place in slot.fallback if split_target(place)[0] == upstream), None)


_GONE: Final = "unreachable"


def why_not(place: str, slot: SlotStatus, states: Mapping[str, UpstreamStatus]) -> str | None:
    """Return why a client would wait at `place`, as far as that is known here; None: it would not."""
    upstream = states.get(split_target(place)[0])
    if place != HERE and (upstream is None or upstream.state in (UpstreamState.DOWN, UpstreamState.WAKING)):
        return _GONE
    found = [_of_slot(there, model) for there, model in _slots_at(place, slot, states)]
    return next((why for why in (None, MoveOn.BUSY, MoveOn.LOADING) if why in found), None)


def _is_crowded(place: str, slot: SlotStatus, states: Mapping[str, UpstreamStatus]) -> bool:
    """Return whether as many wait there as are answered at once, as far as that is known here."""
    found = [there for there, _model in _slots_at(place, slot, states)]
    return bool(found) and all(there.queued >= (there.parallel or 1) for there in found)


def _slots_at(
    place: str, slot: SlotStatus, states: Mapping[str, UpstreamStatus]
) -> Sequence[tuple[SlotStatus, str | None]]:
    """Return the slots that may answer at `place`, those that do first, with the model that is wanted of them,
    None: whatever they hold."""
    if place == HERE:
        return [(slot, None)]
    name, model = split_target(place)
    upstream = states.get(name)
    if upstream is None or upstream.remote is None:
        return ()
    remote = upstream.remote
    wanted = model or next((n for n in (slot.serving, slot.name) if n in upstream.models), slot.name)
    if (there := remote.slot(wanted)) is not None:
        return [(there, None)]
    known = remote.model(wanted)
    id_ = known.id if known is not None else wanted
    answering = [one for one in remote.slots if id_ in one.answers]
    return [(one, id_) for one in answering or remote.slots if id_ in (*one.answers, *one.choices)]


def _of_slot(slot: SlotStatus, model: str | None) -> str | None:
    if slot.upstream is not None:
        return None  # whoever serves it says so
    if slot.state is not SlotState.READY or (model is not None and model not in slot.answers):
        return MoveOn.LOADING
    return MoveOn.BUSY if slot.queued or slot.in_flight >= (slot.parallel or 1) else None
