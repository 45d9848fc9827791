"""llama-swap's `groups:` as slots and `together:`. Meaning: its internal/router/group.go.

A model loaded unloads the others of its group if that swaps, and those of all other groups that do not persist
if it is exclusive. hal0's sets hold both ways; what holds one way only is told, and may be loaded at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
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
    program_slot,
    put_together,
    slot_of,
    usual_slot,
)
from router.imports.llama_swap_keys import UNKNOWN, items, mapping
from router.imports.matrix_sets import NoSets

_MOST: Final = 256
_ONE_WAY: Final = (
    "unloads {others} when loaded, not the other way round; together: is for both, so both may stay"
)
_SWAPS: Final = "a pinned slot does not swap its models; it is unloaded only if others need its memory"
_PERSISTS_NOT: Final = "models outside of groups unload these in llama-swap; here both may stay"


@dataclass(frozen=True, slots=True)
class _Group:
    """`value` is None for the models that are in no group: llama-swap has one of these, which swaps."""

    name: str
    value: Value | None
    members: tuple[str, ...]
    swap: bool = True
    exclusive: bool = True
    persistent: bool = False

    def unloads(self, other: _Group) -> bool:
        return self is not other and self.exclusive and not other.persistent

    def keeps_apart(self, other: _Group) -> bool:
        """Return whether no two models of both are ever loaded at once."""
        return self.swap if self is other else self.unloads(other) and other.unloads(self)


@dataclass(slots=True)
class _Lane:
    """A slot in which the models of groups that swap, of one kind, take turns."""

    slot: str
    line: int
    groups: list[_Group] = field(default_factory=list)
    models: list[FoundModel] = field(default_factory=list)


def read_groups(found: Imported, groups: Value, names: Sequence[str]) -> None:
    """Read `groups:`; `names` are those of all models in llama-swap's order."""
    told = list(_read(found, groups, names))
    for group in told:
        if not group.swap:
            _own_slots(found, group)
    lanes = _lanes(found, told)
    slots = list(_slots(found, told))
    apart = {frozenset((a, b)) for (a, g), (b, h) in combinations(slots, 2) if g.keeps_apart(h)}
    together = {frozenset((a, b)) for (a, g), (b, h) in combinations(slots, 2) if not g.keeps_apart(h)}
    apart -= {pair for pair in apart if len(pair) == 1 or pair in together}
    try:
        put_together(found, _cliques(list(dict.fromkeys(slot for slot, _ in slots)), apart), groups.line)
    except NoSets as error:
        found.leave(groups.line, "groups", f"together: cannot say it: {error}")
    for lane in lanes:  # what is usual is said only where another slot has models of the kind, too
        kind = kind_of(lane.models[0])
        if lane.slot not in found.slots and any(kind_of(model) is kind for model in _placed(found)):
            add_slot(found, lane.slot, lane.models, lane.line)
    for group in told:
        if group.value is not None:
            _keep_lines(found, group, [other for other in told if _came(found, other)])


def _read(found: Imported, groups: Value, names: Sequence[str]) -> Iterator[_Group]:
    """Yield that of no group first: its models are the usual ones. Members may be named by an alias."""
    written = mapping(groups)
    taken = {item.text for group in written.values() for item in items(mapping(group).get("members"))}
    models = [named(found, name) for name in taken]
    free = (name for name in names if name not in taken)
    yield _Group("", None, tuple(n for n in free if (model := named(found, n)) is None or model not in models))
    for name, value in written.items():
        told = mapping(value)
        members = tuple(item.text for item in items(told.get("members")))
        swap, exclusive, persistent = (_truth(told, key) for key in ("swap", "exclusive", "persistent"))
        yield _Group(name, value, members, swap is not False, exclusive is not False, persistent is True)


def _truth(told: Mapping[str, Value], key: str) -> object:
    return told[key].data if key in told else None


def _own_slots(found: Imported, group: _Group) -> None:
    assert group.value is not None, "the models of no group swap"
    for name in group.members:
        if (model := named(found, name)) is not None:
            slot = own_slot(found, model)
            add_slot(found, slot, [model], group.value.line)
        else:
            slot = program_slot(found, name) or ""
        if slot and group.persistent:
            found.slots[slot]["pinned"] = True


def _lanes(found: Imported, groups: Iterable[_Group]) -> list[_Lane]:
    """Let models take turns in the slot of their kind; add another one for a group that need not make room for
    those there."""
    lanes: list[_Lane] = []
    for group in groups:
        models = [model for name in group.members if group.swap and (model := named(found, name))]
        for kind in dict.fromkeys(map(kind_of, models)):
            of_kind = [model for model in models if kind_of(model) is kind]
            there = [lane for lane in lanes if kind_of(lane.models[0]) is kind]
            lane = next((one for one in there if all(map(group.keeps_apart, one.groups))), None)
            if lane is None:
                lane = _new_lane(found, group, of_kind[0], lanes, first=not there)
                lanes.append(lane)
            lane.groups.append(group)
            lane.models += of_kind
    for lane in lanes:
        if lane.slot != usual_slot(found, kind_of(lane.models[0])):
            add_slot(found, lane.slot, lane.models, lane.line)
    return lanes


def _new_lane(
    found: Imported, group: _Group, model: FoundModel, lanes: Sequence[_Lane], *, first: bool
) -> _Lane:
    taken = [lane.slot for lane in lanes]
    kind, usual = kind_of(model), usual_slot(found, kind_of(model))
    named_after = group.name if kind is Kind.CHAT else f"{group.name}-{kind}"
    named_after = named_after if group.name else f"{model.id}-slot"
    slot = usual if first and usual not in found.slots else free_name(found, named_after, taken)
    return _Lane(slot, group.value.line if group.value is not None else model.line)


def _slots(found: Imported, groups: Iterable[_Group]) -> Iterator[tuple[str, _Group]]:
    for group in groups:
        slots = (holder(found, name) for name in group.members)
        yield from ((slot, group) for slot in dict.fromkeys(slots) if slot is not None)


def _placed(found: Imported) -> list[FoundModel]:
    return [model for model in found.models if slot_of(found, model) is not None]


def _cliques(slots: Sequence[str], apart: set[frozenset[str]]) -> list[frozenset[str]]:
    """Return all largest sets of slots of which no two are kept apart (Bron and Kerbosch, with a pivot). Raises
    NoSets for more than a person can read."""
    beside = {a: {b for b in slots if b != a and frozenset((a, b)) not in apart} for a in slots}
    found: list[frozenset[str]] = []

    def extend(chosen: frozenset[str], open_: set[str], done: set[str]) -> None:
        if not open_ and not done:
            found.append(chosen)
        if len(found) > _MOST:
            raise NoSets(f"they allow more than {_MOST} sets of slots")
        pivot = max(open_ | done, key=lambda slot: len(open_ & beside[slot]), default="")
        for slot in [slot for slot in slots if slot in open_ - beside.get(pivot, set())]:
            extend(chosen | {slot}, open_ & beside[slot], done & beside[slot])
            open_, done = open_ - {slot}, done | {slot}

    extend(frozenset(), set(slots), set())
    return sorted(found, key=lambda one: sorted(map(slots.index, one)))


def _came(found: Imported, group: _Group) -> bool:
    return any(holder(found, name) is not None for name in group.members)


def _keep_lines(found: Imported, group: _Group, groups: Sequence[_Group]) -> None:
    """Tell of each line of a group what becomes of it: its members' slots say the rest. `groups`: those of
    which something came over."""
    assert group.value is not None, "the models of no group stand on no line"
    told = mapping(group.value)
    lost = {"exclusive": _lost(group, groups)}
    if group.persistent and group.swap:
        lost["persistent"] = _SWAPS
    for key, value in told.items():
        if lost.get(key):
            found.leave(value.line, f"groups: {group.name}: {key}", lost[key])
        elif key in ("swap", "persistent", "exclusive", "members"):
            found.keep(value.line, "slots")
        else:
            found.leave(value.line, f"groups: {group.name}: {key}", UNKNOWN)
    if lost["exclusive"] and "exclusive" not in told:
        found.leave(group.value.line, f"groups: {group.name} (exclusive)", lost["exclusive"])
    found.keep(group.value.line, "slots")
    for item in items(told.get("members")):
        if holder(found, item.text) is not None:
            found.keep(item.line, "slots")
        else:
            found.leave(item.line, f"groups: {group.name}: {item.text}", "there is no such model in models:")


def _lost(group: _Group, groups: Sequence[_Group]) -> str:
    """Return what `exclusive` says that holds one way only."""
    if group not in groups:
        return ""
    others = [o for o in groups if o is not group and group.unloads(o) and not o.unloads(group)]
    if others:
        return _ONE_WAY.format(others=" and ".join(o.name or "models outside of groups" for o in others))
    outside = any(o.value is None and o.unloads(group) for o in groups)
    return _PERSISTS_NOT if outside and not group.exclusive else ""
