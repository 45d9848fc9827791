"""Pure: whether a model would fit into a slot now, in words for its entry in a list."""

from __future__ import annotations

from app.texts import common as text
from router.memory.admit.model_fits import ModelFit, model_fits
from router.memory.forecast.needs import Fit
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot

NAMED = 2


class FitWords:
    """Of one snapshot, for many models and slots.

    Attributes:
        model_fits: the same in numbers.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.model_fits = model_fits(snapshot)

    def entry(self, slot: SlotStatus, model_id: str, limit: int) -> str:
        """Return a model in the list of `slot`; a name has `limit` characters at most."""
        model = self._snapshot.model(model_id)
        words = self.words(slot, model)
        # What it needs says more than what its file is.
        short = self.model_fits.of(_own_name(slot), model_id).fit is Fit.SHORT
        return text.choice(model, model_id, limit, words, sized=not (words and short))

    def words(self, slot: SlotStatus, model: ModelStatus | None) -> str:
        """`fits`, `tight`, `needs 18.2 GiB, 8.6 GiB short`, `makes embed leave`, `loaded`, or ""."""
        if model is None or model.problem is not None:
            return ""
        if model.id in slot.loaded and slot.state is SlotState.READY:
            return text.LOADED
        if slot.serving == model.id and slot.state.switching:
            return ""
        return fit_words(self.model_fits.of(_own_name(slot), model.id), model.needs)


def _own_name(slot: SlotStatus) -> str:
    """Return the name its own hal0 calls it by: here, a slot of another one has that one's name before it
    (bigpc/primary)."""
    return slot.name.rpartition("/")[2]


def fit_words(found: ModelFit, needs: int | None) -> str:
    """Return `fits`, of several GPUs `fits, GPU 1`. `needs`: bytes of memory the model takes, where that is
    known."""
    leave = text.makes_leave(found.evict[:NAMED], len(found.evict) - NAMED) if found.evict else ""
    if found.fit is None:
        return leave
    if found.fit is Fit.SHORT:
        return text.short_of_room(needs, found.margin)
    tight = text.TIGHT if found.fit is Fit.TIGHT else ""
    said = ", ".join(part for part in (tight, leave) if part) or text.FITS
    return f"{said}, {text.gpus(found.gpus)}" if found.gpus else said
