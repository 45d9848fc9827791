"""Pure: which changes of state are worth a notification, and which are said aloud."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app import text, text_window
from app.connect import is_local
from router.state import ServerState, SlotState, SlotStatus, Snapshot

LONG_SWITCH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Notice:
    """`good` tells success from trouble."""

    title: str
    message: str
    good: bool = False


def notices(old: Snapshot, new: Snapshot) -> list[Notice]:
    """What a person must hear of between two snapshots: engines that ended by themselves, a lost endpoint, an
    endpoint that other computers reach from now on.

    A switch that fails is not among them: the command that asked for it reports it, and one asked for by a
    request is reported to its client.
    """
    found = []
    if new.server.error and new.server.error != old.server.error:
        found.append(Notice(text.failure_title(""), new.server.error))
    if _exposed(new) and not _exposed(old):
        found.append(Notice(text.failure_title(""), text_window.exposed(new.server)))
    for after in new.slots:
        before = old.slot(after.name)
        if before is None or before.state is not SlotState.READY or after.last_error is None:
            continue
        if after.last_error != before.last_error:
            found.append(
                Notice(text.failure_title(after.name), text.crashed(after.name, after.last_error.message))
            )
    return found


def switch_notice(snapshot: Snapshot, slot: str, model: str, seconds: float, *, hidden: bool) -> Notice | None:
    """A switch the person started ended well after `seconds`; None where the person saw it, or hardly left."""
    if not hidden or seconds <= LONG_SWITCH_SECONDS:
        return None
    name = text.model_name(snapshot, model)
    return Notice(text.failure_title(slot), text_window.switched(slot, name, seconds), good=True)


def announcements(old: Snapshot, new: Snapshot) -> list[str]:
    """What a screen reader says: each slot that entered another phase, never a percentage."""
    found = []
    for after in new.slots:
        before = old.slot(after.name)
        if before is not None and (before.state, before.last_error) != (after.state, after.last_error):
            found.append(text_window.phase_announcement(new, after, text.state(_without_share(after))))
    return found


def _without_share(slot: SlotStatus) -> SlotStatus:
    return replace(slot, progress=None)


def _exposed(snapshot: Snapshot) -> bool:
    return snapshot.server.state is ServerState.RUNNING and not is_local(snapshot.server)
