"""Pure: one slot of a snapshot → everything its card in the window shows."""

from __future__ import annotations

from dataclasses import dataclass

from app import text, text_window
from app.menu_model import may_restart, may_unload
from app.switch_model import PHASES, Mark, fraction, marks
from router.state import SlotState, SlotStatus, Snapshot

NAME_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Choice:
    """A model the slot may hold. One that cannot be launched is there, disabled, with the reason in `text`."""

    model: str
    text: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class SlotView:
    """What the card says. `phases` is empty unless a switch is under way; `share` (0..1) and `left` are None
    and "" unless they are really known. `restore` and `retry` are model ids, "" where nothing is offered."""

    name: str
    kind: str
    choices: tuple[Choice, ...]
    serving: str | None
    hint: str
    chip: str
    facts: str
    phases: tuple[tuple[str, Mark], ...]
    share: float | None
    left: str
    error: str
    restore: str
    restore_text: str
    retry: str
    may_cancel: bool
    may_unload: bool
    may_restart: bool
    unload_tip: str


def slot_view(snapshot: Snapshot, slot: SlotStatus, now: float, seconds_left: float | None) -> SlotView:
    """The card of `slot` at Unix time `now`; `seconds_left` of its load, where that is known."""
    switching = slot.state.switching
    choices = _choices(snapshot, slot)
    restore = _restorable(slot)
    error = slot.last_error
    return SlotView(
        name=slot.name,
        kind=slot.kind.value,
        choices=choices,
        serving=slot.serving,
        hint=_hint(slot),
        chip=text.state(slot),
        facts=_facts(slot, now),
        phases=_phases(slot) if switching else (),
        share=fraction(slot),
        left=text_window.time_left(seconds_left) if seconds_left is not None else "",
        error=error.message if error is not None and not switching else "",
        restore=restore,
        restore_text=text_window.restore(snapshot, restore) if restore else "",
        retry=error.model if error is not None and error.model in slot.choices and not switching else "",
        may_cancel=switching,
        may_unload=may_unload(slot),
        may_restart=may_restart(slot),
        unload_tip=text.unload(slot),
    )


def _choices(snapshot: Snapshot, slot: SlotStatus) -> tuple[Choice, ...]:
    found = []
    for model_id in slot.choices:
        model = snapshot.model(model_id)
        usable = model is not None and model.problem is None
        found.append(Choice(model_id, text.choice(model, model_id, NAME_LIMIT), usable))
    return tuple(found)


def _hint(slot: SlotStatus) -> str:
    """What stands in the list where no entry is served: a model that is gone may still be running."""
    if slot.serving is not None:
        return text.no_longer_offered(slot.serving)
    return text.CHOOSE_MODEL if slot.choices else text.NO_MODEL_ENTRY


def _phases(slot: SlotStatus) -> tuple[tuple[str, Mark], ...]:
    return tuple(
        (text_window.PHASE_NAMES[phase], mark) for phase, mark in zip(PHASES, marks(slot), strict=True)
    )


def _facts(slot: SlotStatus, now: float) -> str:
    facts = text_window.facts(slot, now)
    if slot.state.switching:
        return text.SEPARATOR.join(part for part in (text.slot_detail(slot, now), facts) if part)
    if slot.state is SlotState.READY or not slot.choices:
        return facts or text.slot_detail(slot, now)
    return "" if slot.last_error else text.slot_detail(slot, now)


def _restorable(slot: SlotStatus) -> str:
    """The model to go back to: what the slot held before the one that failed, if it is not back by itself."""
    error = slot.last_error
    if slot.state is not SlotState.FAILED or error is None or slot.model in (None, error.model):
        return ""
    return slot.model or ""
