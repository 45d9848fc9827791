"""Whether a load would fit now, and what would make room: the plan from published figures, for people. Pure.

A load is judged by the exact figures at that moment (`router.memory.admit.judge`); these are a second old at
most.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from router.memory.admit.apart import Standing, apart
from router.memory.admit.ledger import Claim
from router.memory.admit.placing import rank_of
from router.memory.admit.plan import Amounts, Go, Holder, missing, plan, total
from router.memory.forecast.needs import Fit
from router.state import ModelStatus, SlotState, SlotStatus, Snapshot


@dataclass(frozen=True, slots=True)
class ModelFit:
    """`fit` None: not known. `margin`: bytes that would stay free where it is tightest; for SHORT those that
    are missing, headroom included. TIGHT: only by force, into the headroom. `evict`: slots that would make
    room, or that `together:` keeps apart from it. `beside`: it loads while what the slot holds goes on
    answering. `gpus`: of several GPUs, the numbers of those it would go to, or is on."""

    fit: Fit | None = None
    margin: int = 0
    evict: tuple[str, ...] = ()
    beside: bool = False
    gpus: tuple[int, ...] = ()


_ORDER: Final = (Fit.FITS, Fit.TIGHT, Fit.SHORT, None)


class ModelFits:
    """Of one snapshot, for many models: what is the same for all is worked out once. See `model_fits`."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._known: dict[tuple[str, str], ModelFit] = {}
        self._models = {model.id: model for model in snapshot.models}
        self._slots = {slot.name: slot for slot in snapshot.slots}
        self._claims = {s.name: self._claim(s) for s in snapshot.slots if s.pid is not None}
        rests = [claim.rest for claim in self._claims.values()]
        free = tuple(device.total - device.used for device in snapshot.memory)
        self._room = tuple(left - sum(rest[i] for rest in rests) for i, left in enumerate(free))
        self._holders = [_holder(self._slots[name], claim) for name, claim in self._claims.items()]
        self._gpus = tuple(index for index, device in enumerate(snapshot.memory) if device.is_gpu)
        self._loaded = [_standing(slot) for slot in snapshot.slots if slot.pid is not None]

    def of(self, slot: str, model: str) -> ModelFit:
        """Return how `model` (an id or alias) fits into `slot`; a slot of no such name stands for a new one."""
        if (slot, model) not in self._known:
            self._known[slot, model] = self._fit(slot, model)
        return self._known[slot, model]

    def _fit(self, slot: str, model: str) -> ModelFit:
        wanted, memory = self._model(model), self._snapshot.memory
        leave = apart(slot, self._loaded, self._snapshot.together).slots
        if wanted is None or not memory or len(wanted.needs_by_device) != len(memory):
            return ModelFit(evict=leave)
        if not any(wanted.needs_by_device):
            return ModelFit(evict=leave)  # it needs RAM, which is not published beside GPUs
        headroom, nothing = self._snapshot.headroom, (0,) * len(memory)
        outgoing = self._claims[slot].gives if slot in self._claims else nothing
        own = self._slots.get(slot)
        if own is not None and own.state is SlotState.READY and wanted.id in own.loaded:
            need = _where_it_is(wanted, own.memory_by_device)
            found = _judged(need, total(self._room, outgoing), headroom, nothing, [], loaded=True)
            return self._on(need, found)
        others = [replace(h, apart=h.slot in leave) for h in self._holders if h.slot != slot]
        divided = [
            (need, _judged(need, self._room, headroom, outgoing, others)) for need in self._ways(wanted, leave)
        ]
        return self._on(*min(divided, key=lambda one: self._rank(one[0], one[1], leave)))

    def _ways(self, wanted: ModelStatus, leave: Collection[str]) -> list[Amounts]:
        """Return what each GPU would hold of it: of several the load takes the one where it goes best. Where
        some have room for it as they are, that is one of these, and no other need be looked at."""
        need, memory = wanted.needs_by_device, self._snapshot.memory
        if not wanted.gpu_auto or not self._gpus:
            return [need]
        left = [free - max(need) - self._snapshot.headroom for free in self._room]
        roomy = [] if leave else [index for index in self._gpus if left[index] >= 0]
        if roomy:
            go = Go(beside=True)
            return [_only(need, min(roomy, key=lambda i: (*rank_of(go, memory[i], left[i]), i)))]
        return [_only(need, index) for index in self._gpus]

    def _rank(self, need: Amounts, found: ModelFit, apart: Collection[str]) -> tuple[float, ...]:
        """Return what is smallest for what a load would choose (`router.memory.admit.placing`)."""
        if found.fit is not Fit.FITS:
            return _ORDER.index(found.fit), len(found.evict), _sign(found) * found.margin
        index = max(range(len(need)), key=need.__getitem__)
        left = self._room[index] - need[index] - self._snapshot.headroom
        priority = max((self._slots[n].priority for n in found.evict if n not in apart), default=None)
        outcome = Go(found.beside, found.evict, priority)
        return 0, *rank_of(outcome, self._snapshot.memory[index], left), index

    def _on(self, need: Amounts, found: ModelFit) -> ModelFit:
        """Return it with the GPUs that `need` is of, if there are several and it goes there."""
        goes = found.fit is not Fit.SHORT and len(self._gpus) > 1
        return replace(found, gpus=tuple(index for index in self._gpus if need[index])) if goes else found

    def best(self, model: str) -> ModelFit:
        """Return how it fits into the slot where it fits best, of those that hold it or may."""
        slots = [s.name for s in self._snapshot.slots if model in s.choices or model in s.loaded] or [""]
        found = [self.of(slot, model) for slot in slots]
        return min(found, key=lambda p: (_ORDER.index(p.fit), len(p.evict), p.margin * _sign(p)))

    def _model(self, id_or_alias: str) -> ModelStatus | None:
        return self._models.get(id_or_alias) or self._snapshot.model(id_or_alias)

    def _claim(self, slot: SlotStatus) -> Claim:
        """Return what its engine holds, or for a load under way what it will hold."""
        count = len(self._snapshot.memory)
        held = slot.memory_by_device if len(slot.memory_by_device) == count else (0,) * count
        model = self._model(slot.serving or "")
        needs = _where_it_is(model, held) if model is not None else ()
        return Claim(slot.name, held, needs if len(needs) == count else None)


def model_fits(snapshot: Snapshot) -> ModelFits:
    """Return what fits: the same object while nothing that it depends on changes, as menus ask for each
    snapshot, many a second."""
    slots = tuple(
        replace(
            slot, progress=None, last_error=None, tokens_per_second=None, memory=None,
            in_flight=min(1, slot.in_flight), queued=min(1, slot.queued),
        )
        for slot in snapshot.slots
    )  # fmt: skip
    memory = tuple(replace(device, utilisation=None) for device in snapshot.memory)
    known = Snapshot(slots=slots, models=snapshot.models, memory=memory, headroom=snapshot.headroom)
    return _model_fits(replace(known, together=snapshot.together))


@lru_cache(maxsize=4)
def _model_fits(snapshot: Snapshot) -> ModelFits:
    return ModelFits(snapshot)


def _only(need: Amounts, index: int) -> Amounts:
    """Return what is of one GPU as what it would be on that of `index`."""
    return tuple(max(need) if place == index else 0 for place in range(len(need)))


def _where_it_is(model: ModelStatus, held: Amounts) -> Amounts:
    """Return what it takes, on the GPU where it was measured to be."""
    if not model.gpu_auto or len(held) != len(model.needs_by_device) or not any(held):
        return model.needs_by_device
    return _only(model.needs_by_device, held.index(max(held)))


def _sign(found: ModelFit) -> int:
    return 1 if found.fit is Fit.SHORT else -1


def _judged(
    need: Amounts,
    room: Amounts,
    headroom: int,
    outgoing: Amounts,
    holders: list[Holder],
    *,
    loaded: bool = False,
) -> ModelFit:
    for fit, kept in ((Fit.FITS, headroom), (Fit.TIGHT, 0)):
        outcome = plan(need, room, kept, outgoing, holders)
        if isinstance(outcome, Go):
            gone = [h.gives for h in holders if h.slot in outcome.evict]
            free = total(room, *gone) if outcome.beside else total(room, outgoing, *gone)
            margin = min(have - wants for wants, have in zip(need, free, strict=True) if wants)
            return ModelFit(fit, margin, outcome.evict, outcome.beside and not loaded)
    everything = total(room, outgoing, *(h.gives for h in holders if h.evictable or h.apart))
    return ModelFit(Fit.SHORT, sum(missing(need, everything, headroom)))


def _evictable(slot: SlotStatus) -> bool:
    idle = slot.state is SlotState.READY and not slot.in_flight and not slot.queued
    return idle and not slot.pinned


def _holder(slot: SlotStatus, claim: Claim) -> Holder:
    return Holder(slot.name, claim.gives, _evictable(slot), slot.priority, slot.idle_since or 0.0)


def _standing(slot: SlotStatus) -> Standing:
    return Standing(slot.name, _evictable(slot), slot.pinned, slot.priority, slot.idle_since or 0.0)
