"""Pure: what there is to see while hal0 quits."""

from __future__ import annotations

from dataclasses import dataclass

from app.texts import window as text_window
from app.views.menu import has_engine
from router.state import Snapshot


@dataclass(frozen=True, slots=True)
class QuitView:
    """`share` is 0..1 of the memory that came back, None where nobody measured it."""

    line: str
    detail: str
    share: float | None


def in_flight(snapshot: Snapshot) -> int:
    """Return requests that would be broken off."""
    return sum(slot.in_flight + slot.queued for slot in snapshot.slots)


def held(snapshot: Snapshot) -> int:
    """Return bytes all engines hold together."""
    return sum(slot.memory or 0 for slot in snapshot.slots if has_engine(slot))


def quit_view(first: Snapshot, now: Snapshot, *, waiting: bool) -> QuitView:
    """`first` is the snapshot with which quitting began; `waiting` until the last answer is out."""
    if waiting:
        return QuitView(text_window.waiting_for(in_flight(now)), "", None)
    left = sum(has_engine(slot) for slot in now.slots)
    before = held(first)
    if not before:
        return QuitView(text_window.stopping(left), "", None)
    returned = max(0, before - held(now))
    return QuitView(text_window.stopping(left), text_window.given_back(returned, before), returned / before)
