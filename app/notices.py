"""Pure: which changes of state are worth a notification."""

from __future__ import annotations

from dataclasses import dataclass

from app import text
from router.state import SlotState, Snapshot


@dataclass(frozen=True, slots=True)
class Notice:
    title: str
    message: str


def notices(old: Snapshot, new: Snapshot) -> list[Notice]:
    """What a person must hear of between two snapshots: engines that ended by themselves, a lost endpoint.

    A switch that fails is not among them: the command that asked for it reports it, and one asked for by a
    request is reported to its client.
    """
    found = []
    if new.server.error and new.server.error != old.server.error:
        found.append(Notice(text.failure_title(""), new.server.error))
    for after in new.slots:
        before = old.slot(after.name)
        if before is None or before.state is not SlotState.READY or after.last_error is None:
            continue
        if after.last_error != before.last_error:
            found.append(
                Notice(text.failure_title(after.name), text.crashed(after.name, after.last_error.message))
            )
    return found
