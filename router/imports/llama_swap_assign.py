"""Which slot holds which of llama-swap's models, and sets of slots from what may be loaded at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from router.config.schema import Kind
from router.imports.found import FoundModel, Imported, model_id
from router.imports.llama_swap_programs import slot_name
from router.imports.matrix_sets import largest

_USUAL: Final = {Kind.CHAT: "primary", Kind.EMBEDDING: "embed", Kind.RERANK: "rerank"}


def named(found: Imported, name: str) -> FoundModel | None:
    """Return the model that came over under this name of llama-swap's, or with it as an alias."""
    wanted = model_id(name)
    return next((m for m in found.models if m.id == wanted or wanted in m.aliases), None)


def kind_of(model: FoundModel) -> Kind:
    return model.kind or Kind.CHAT


def usual_slot(found: Imported, kind: Kind) -> str:
    """Return the slot that holds all models of a kind which have no other; no model is called so."""
    name = _USUAL.get(kind, _USUAL[Kind.CHAT])
    while named(found, name) is not None:
        name += "-slot"
    return name


def slot_of(found: Imported, model: FoundModel) -> str | None:
    """Return the slot that names it among its `models:`."""
    return next((name for name, slot in found.slots.items() if model.id in slot.get("models", ())), None)


def program_slot(found: Imported, name: str) -> str | None:
    """Return the slot of another program on this computer."""
    own = slot_name(name)
    return own if "command" in found.slots.get(own, {}) else None


def holder(found: Imported, name: str) -> str | None:
    """Return the slot in which something of llama-swap's is loaded here; None for what did not come over, or
    is on another computer."""
    if (model := named(found, name)) is not None:
        return slot_of(found, model) or usual_slot(found, kind_of(model))
    return program_slot(found, name)


def add_slot(found: Imported, slot: str, models: Sequence[FoundModel], line: int) -> dict[str, Any]:
    """Add a slot for these models of one kind, with all that differ from them per request only; return it."""
    ids = [model.id for model in models]
    ids += [model.id for model in found.models if model.variant_of in ids]
    kind = kind_of(models[0])
    entry: dict[str, Any] = {"model": ids[0]} if len(models) == 1 else {"kind": kind.value}
    if kind is not Kind.CHAT:
        entry = {"kind": kind.value, **entry}
    entry["models"] = ids
    found.slots[slot] = entry
    found.lines[f"slots.{slot}"] = line
    return entry


def own_slot(found: Imported, model: FoundModel) -> str:
    """Return a name for the slot of this model alone: that of its kind, if there is one and nobody has it."""
    usual = usual_slot(found, kind_of(model))
    if kind_of(model) is not Kind.CHAT and usual not in found.slots:
        return usual
    return free_name(found, f"{model.id}-slot")


def free_name(found: Imported, wanted: str, taken: Collection[str] = ()) -> str:
    """Return a slot's name that neither a slot nor a model has, and is not among `taken`."""
    name = slot_name(wanted)
    while name in found.slots or name in taken or named(found, name) is not None:
        name += "-slot"
    return name


def put_together(found: Imported, sets: Iterable[frozenset[str]], line: int) -> bool:
    """Set `together:` from sets of slots; return False where all of them may be loaded at once anyway."""
    each = largest(sets)
    everywhere = frozenset.intersection(*each) if each else frozenset()
    order = [*(usual_slot(found, kind) for kind in _USUAL), *found.slots]
    found.together = [sorted(one - everywhere, key=order.index) for one in each if one - everywhere]
    if len(each) < 2:
        found.together = []
    if found.together:
        found.lines["together"] = line
    return bool(found.together)
