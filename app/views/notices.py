"""Pure: which changes of state are worth a notification, and which are said aloud."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

from app.texts import common as text
from app.texts import pull as texts_pull
from app.texts import window as text_window
from app.views.connect import is_local
from app.views.first_run import BROUGHT
from app.views.slot import better_than_demo
from router.hub.updates import is_quiet
from router.remote.names import all_slots, find_slot
from router.state import DownloadState, ServerState, SlotState, SlotStatus, Snapshot

UPDATE_REPORTED = "update_told:"
LONG_SWITCH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Notice:
    """`good` tells success from trouble."""

    title: str
    message: str
    good: bool = False


def notices(old: Snapshot, new: Snapshot) -> list[Notice]:
    """Return what a person must hear of between two snapshots: engines that ended by themselves, a lost
    endpoint.

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
        # Snapshots may be skipped: a switch that failed, and went back, is seen here by its model alone.
        if after.last_error != before.last_error and after.last_error.model in (None, *before.loaded):
            found.append(
                Notice(text.failure_title(after.name), text.crashed(after.name, after.last_error.message))
            )
    return [*found, *_found_models(old, new), *_downloads(old, new)]


def _found_models(old: Snapshot, new: Snapshot) -> list[Notice]:
    """Return the first model of the person's own, while the demo answers."""
    for slot in new.slots:
        before = old.slot(slot.name)
        model = better_than_demo(new, slot)
        if model and before is not None and before.serving in BROUGHT and not better_than_demo(old, before):
            message = text_window.model_found(text.model_name(new, model))
            return [Notice(text.failure_title(slot.name), message, good=True)]
    return []


def _downloads(old: Snapshot, new: Snapshot) -> list[Notice]:
    """Return those that have ended: they take hours, and nobody watches."""
    before = {download.reference: download.state for download in old.downloads}
    found = []
    for download in new.downloads:
        reference, state = download.reference, download.state
        if reference not in before or before[reference] is state:
            continue
        if state is DownloadState.DONE:
            found.append(Notice(text.APP, texts_pull.has_come(reference), good=True))
        elif state is DownloadState.FAILED:
            found.append(Notice(text.APP, texts_pull.has_failed(reference, download.error or "")))
    return found


def update_news(snapshot: Snapshot, reported: Container[str]) -> dict[str, Notice]:
    """Return newer versions nobody was told of yet, by the flag to remember that by; nothing while a slot is
    busy. `reported`: the flags there are."""
    if not is_quiet(snapshot):
        return {}
    found = {}
    for update in snapshot.updates:
        flag = f"{UPDATE_REPORTED}{update.name}:{update.newest}"
        if flag not in reported:
            line = texts_pull.update_line(update)
            found[flag] = Notice(text.APP, line, good=True)
    return found


def exposure(snapshot: Snapshot, reported: bool) -> tuple[bool, Notice | None]:
    """Return whether other computers reach the endpoint, as far as a person is to have been told; and the news,
    if it is news. `reported` is what the last call said, also of an earlier run of hal0."""
    if snapshot.server.state is not ServerState.RUNNING:
        return reported, None
    exposed = not is_local(snapshot.server)
    news = (
        Notice(text.failure_title(""), text_window.exposed(snapshot.server))
        if exposed and not reported
        else None
    )
    return exposed, news


def switch_notice(snapshot: Snapshot, slot: str, model: str, seconds: float, *, hidden: bool) -> Notice | None:
    """Return the notice of a switch that ended well after `seconds`; None where the person saw it, or hardly
    left."""
    if not hidden or seconds <= LONG_SWITCH_SECONDS:
        return None
    hosted = find_slot(snapshot, slot)
    name = text.model_name(hosted.snapshot if hosted else snapshot, model)
    return Notice(text.failure_title(slot), text_window.switched(slot, name, seconds), good=True)


def announcements(old: Snapshot, new: Snapshot) -> list[str]:
    """Return what a screen reader says: each slot that entered another phase, never a percentage."""
    found = []
    known = {hosted.slot.name: hosted.slot for hosted in all_slots(old)}
    for hosted in all_slots(new):
        after, before = hosted.slot, known.get(hosted.slot.name)
        if before is not None and (before.state, before.last_error) != (after.state, after.last_error):
            phase = text.state(_without_share(after))
            found.append(text_window.phase_announcement(hosted.snapshot, after, phase))
    return found


def _without_share(slot: SlotStatus) -> SlotStatus:
    return replace(slot, progress=None)
