"""llama-swap's `matrix:`: a slot for models that are alternatives everywhere, and `together:` of its sets.

What it allows to be loaded at once is exactly what hal0 allows then; which of several sets is chosen is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from router.config.schema import Kind
from router.config.yaml_lines import Value
from router.imports.found import FoundModel, Imported
from router.imports.llama_swap_assign import (
    add_slot,
    free_name,
    holder,
    kind_of,
    named,
    own_slot,
    put_together,
    usual_slot,
)
from router.imports.llama_swap_keys import UNKNOWN, mapping
from router.imports.matrix_sets import NoSets, expand, largest

_COSTS: Final = "hal0 unloads as few as it can; give a slot that is to stay rather than others a priority:"
_PLACE: Final = "together"

_Signature = tuple[Kind, frozenset[frozenset[str]]]


def read_matrix(found: Imported, matrix: Value, names: Sequence[str]) -> None:
    """Read `matrix:`; `names` are those of all models in llama-swap's order."""
    told = mapping(matrix)
    sets = _sets(found, told, names)
    for key, value in told.items():
        if key == "evict_costs":
            found.leave(value.line, "matrix: evict_costs", _COSTS)
        elif key not in ("vars", "sets"):
            found.leave(value.line, f"matrix: {key}", UNKNOWN)
    if not sets:
        return
    here = [name for name in names if holder(found, name) is not None]
    family = [frozenset(name for name in one if name in here) for one in sets]
    alone = [frozenset({name}) for name in here if not any(name in one for one in family)]
    family = largest(one for one in [*family, *alone] if one)
    _add_slots(found, family, [model for name in here if (model := named(found, name))], matrix.line)
    slots = [frozenset(slot for name in one if (slot := holder(found, name))) for one in family]
    put_together(found, slots, matrix.line)


def _sets(found: Imported, told: Mapping[str, Value], names: Sequence[str]) -> list[frozenset[str]]:
    """Return the sets of names that came through, and say of each line what becomes of it."""
    short = {key: value.text for key, value in mapping(told.get("vars")).items()}
    for key, value in mapping(told.get("vars")).items():
        if value.text in names:
            found.keep(value.line, _PLACE)
        else:
            found.leave(value.line, f"matrix: {key}", "there is no such model in models:")
    written = {key: value.text for key, value in mapping(told.get("sets")).items()}
    family: list[frozenset[str]] = []
    for key, value in mapping(told.get("sets")).items():
        try:
            read = [frozenset(short.get(name, name) for name in one) for one in expand(key, written)]
        except NoSets as error:
            found.leave(value.line, f"matrix: {key}", str(error))
            continue
        if missing := next((name for one in read for name in sorted(one) if name not in names), None):
            found.leave(value.line, f"matrix: {key}", f'there is no model "{missing}"')
            continue
        found.keep(value.line, _PLACE)
        family += read
    return family


def _add_slots(
    found: Imported, family: Sequence[frozenset[str]], models: Sequence[FoundModel], line: int
) -> None:
    """Give models a slot together that may take each other's place in every set, and that are in none twice."""
    names = {id(model): name for one in family for name in one if (model := named(found, name))}
    alike: dict[_Signature, list[FoundModel]] = {}
    for model in models:
        name = names[id(model)]
        rest = frozenset(one - {name} for one in family if name in one)
        alike.setdefault((kind_of(model), rest), []).append(model)
    chats = [group for (kind, _rest), group in alike.items() if kind is Kind.CHAT]
    main = max(chats, key=len, default=None)
    if main is not None:
        add_slot(found, usual_slot(found, Kind.CHAT), main, line)
    for group in alike.values():
        if group is not main:
            first = group[0]
            slot = own_slot(found, first) if len(group) == 1 else free_name(found, f"{first.id}-slot")
            add_slot(found, slot, group, line)
