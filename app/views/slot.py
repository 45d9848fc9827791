"""Pure: one slot of a snapshot → everything its card in the window shows."""

from __future__ import annotations

from dataclasses import dataclass

from app.texts import common as text
from app.texts import window as text_window
from app.views.first_run import BROUGHT, DEMO, without_demo_speed
from app.views.fit import FitWords
from app.views.menu import may_restart, may_unload
from app.views.remedy import Help, Offers, offers_for
from app.views.switch import PHASES, Mark, fraction, marks, overlaps
from router.memory.admit.model_fits import model_fits
from router.memory.forecast.needs import Fit
from router.state import SlotError, SlotState, SlotStatus, Snapshot

NAME_LIMIT = 60
DETAIL_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Choice:
    """A model the slot may hold: `text` in the list, `short` while the list is closed. One that cannot be
    launched is there, disabled, with the reason in both; `tip` has it with the whole path."""

    model: str
    text: str
    enabled: bool
    short: str = ""
    tip: str = ""


@dataclass(frozen=True, slots=True)
class SlotView:
    """What the card says. `phases` is empty unless a switch is under way; `share` (0..1) and `left` are None
    and "" unless they are really known. `restore`, `retry` and `force` are model ids, "" where nothing is
    offered; `remedy` are flags ("name=value") with which `failed` would go, or (). `help`: what else would.
    `found`: a model of the person's own that could take the place of hal0's, with `found_text` to say so."""

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
    error_tip: str
    restore: str
    restore_text: str
    retry: str
    force: str
    failed: str
    remedy: tuple[str, ...]
    remedy_text: str
    help: Help | None
    found: str
    found_text: str
    has_engine: bool
    may_cancel: bool
    may_cut: bool
    may_wait: bool
    may_unload: bool
    may_restart: bool
    unload_tip: str


def slot_view(
    snapshot: Snapshot,
    slot: SlotStatus,
    now: float,
    seconds_left: float | None,
    dismissed: SlotError | None = None,
    ram: int | None = None,
) -> SlotView:
    """Return the card of `slot` at Unix time `now`; `seconds_left` of its load, where that is known.
    `dismissed`: the error that a person has seen enough of; `ram`: see app.views.remedy."""
    slot = without_demo_speed(slot)
    switching = slot.state.switching
    error = slot.last_error if not switching and slot.last_error != dismissed else None
    restore = _restorable(slot) if error is not None else ""
    failed = (error.model or "") if error is not None and error.model in slot.choices else ""
    offers = offers_for(error, snapshot, ram) if error is not None and failed else Offers()
    # Only this computer's hal0.yaml can be written from here, and only its files be shown.
    here = "/" not in slot.name
    remedy = offers.flags if here else ()
    found = better_than_demo(snapshot, slot)
    return SlotView(
        name=slot.name.rpartition("/")[2],  # of another hal0, which the line above its slots names
        kind=slot.kind.value,
        choices=_choices(snapshot, slot),
        serving=slot.serving,
        hint=_hint(slot),
        chip=text.state(slot, snapshot.server.state),
        facts=_facts(snapshot, slot, now, hidden=slot.last_error is not None and error is None),
        phases=_phases(slot) if switching else (),
        share=fraction(slot),
        left=text_window.time_left(seconds_left) if seconds_left is not None else "",
        error=text.reason(error.message) if error is not None else "",
        error_tip=error.message if error is not None else "",
        restore=restore,
        restore_text=text_window.restore(snapshot, restore) if restore else "",
        retry=failed if offers.retry else "",
        force=failed if offers.force else "",
        failed=failed,
        remedy=remedy,
        remedy_text=text_window.load_with(remedy) if remedy else "",
        help=offers.help if here else None,
        found=found,
        found_text=text_window.model_found(text.model_name(snapshot, found)) if found else "",
        has_engine=slot.upstream is None,
        may_cancel=switching,
        may_cut=slot.draining > 0,
        may_wait=slot.draining > 0 and slot.drain_deadline is not None,
        may_unload=may_unload(slot),
        may_restart=may_restart(slot),
        unload_tip=text.unload(slot),
    )


def better_than_demo(snapshot: Snapshot, slot: SlotStatus) -> str:
    """Return the model to use once a person has one and hal0's own still answers: the first that fits; "" for
    none."""
    if slot.serving not in BROUGHT or slot.serving in slot.choices or slot.state.switching:
        return ""
    models = [model for model in map(snapshot.model, slot.choices) if model and model.problem is None]
    fits = model_fits(snapshot)
    fitting = (model for model in models if fits.of(slot.name, model.id).fit is not Fit.SHORT)
    best = next(fitting, models[0] if models else None)
    return best.id if best else ""


def _choices(snapshot: Snapshot, slot: SlotStatus) -> tuple[Choice, ...]:
    found, fits = [], FitWords(snapshot)
    for model_id in slot.choices:
        model = snapshot.model(model_id)
        usable = model is not None and model.problem is None
        words = fits.entry(slot, model_id, NAME_LIMIT)
        auto = text_window.chosen_context(model) if model is not None else ""
        shown = text.SEPARATOR.join(part for part in (words, auto) if part)
        tip = (model.problem or "") if model is not None else ""
        found.append(Choice(model_id, shown, usable, text.choice(model, model_id, NAME_LIMIT), tip))
    return tuple(found)


def _hint(slot: SlotStatus) -> str:
    """Return what stands in the list where no entry is served: a model that is gone may still be running."""
    if slot.upstream is not None:
        return slot.upstream
    if slot.serving in BROUGHT:
        return text_window.DEMO_RUNS if slot.serving == DEMO else text_window.STARTER_RUNS
    if slot.serving is not None:
        return text.no_longer_offered(slot.serving)
    return text.CHOOSE_MODEL if slot.choices else text.NO_MODEL_ENTRY


def _phases(slot: SlotStatus) -> tuple[tuple[str, Mark], ...]:
    return tuple(
        (text_window.PHASE_NAMES[phase], mark) for phase, mark in zip(PHASES, marks(slot), strict=True)
    )


def _facts(snapshot: Snapshot, slot: SlotStatus, now: float, *, hidden: bool) -> str:
    """`hidden`: its error is not shown above, so that it stands here in one line where the slot is down."""
    facts = text_window.facts(slot, now)
    if slot.state.switching:
        before = slot.model if overlaps(slot) else None
        answers = text.answers_meanwhile(text.model_name(snapshot, before)) if before else ""
        return text.SEPARATOR.join(part for part in (text.slot_detail(slot, now), answers, facts) if part)
    if line := text.drain_line(slot, now):
        return text.SEPARATOR.join(part for part in (line, facts) if part)
    if slot.state is SlotState.READY or (not slot.choices and slot.upstream is None):
        return facts or text.slot_detail(slot, now)
    return "" if slot.last_error and not hidden else text.elide(text.slot_detail(slot, now), DETAIL_LIMIT)


def _restorable(slot: SlotStatus) -> str:
    """Return the model to go back to: what the slot held before the one that failed, if it is not back by
    itself."""
    error = slot.last_error
    if slot.state is not SlotState.FAILED or error is None or slot.model in (None, error.model):
        return ""
    return slot.model or ""
