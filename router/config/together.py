"""`together:` of hal0.yaml: sets of slots that may be loaded at the same time. What is loaded is always within
one of them; slots that are in none do not count."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from router.config.fields import Section
from router.config.problems import nearest
from router.config.schema import SlotConfig
from router.config.yaml_lines import Value, describe

KEY: Final = "together"
_SHAPE: Final = "such as [[primary, embed], [coder]]"

Sets = Sequence[Collection[str]]


def may_be_together(slots: Iterable[str], sets: Sets) -> bool:
    """Return whether all of `slots` may be loaded at the same time."""
    counted = {slot for slot in slots if any(slot in one for one in sets)}
    return not counted or any(counted.issubset(one) for one in sets)


def outside(slot: str, loaded: Iterable[str], sets: Sets) -> list[tuple[str, ...]]:
    """Return, for each set that `slot` is in, those of `loaded` that are in others only: they may not be loaded
    while it is in this one. One that is in no set may be loaded beside all."""
    counted = [other for other in loaded if other != slot and any(other in one for one in sets)]
    mine = [one for one in sets if slot in one]
    return [tuple(other for other in counted if other not in one) for one in mine] or [()]


def read_together(
    document: Section, slots: Mapping[str, SlotConfig], sections: Mapping[str, Section]
) -> tuple[tuple[str, ...], ...]:
    """Read `together:`; `sections` are those of `slots`, for the lines of what contradicts it."""
    value = document.value(KEY)
    if value is None:
        return ()
    if not isinstance(value.data, list):
        document.problem(KEY, f"must be a list of sets of slots, {_SHAPE}, not {describe(value)}")
        return ()
    sets: dict[tuple[str, ...], int] = {}
    for entry in value.data:
        names = _read_set(document, entry, slots)
        line = next((line for known, line in sets.items() if set(names) <= set(known)), None)
        if names and line is not None:
            _told(document, entry, f"says nothing new: the set on line {line} allows the same")
        elif names:
            sets[names] = entry.line
    _check_slots(tuple(sets), slots, sections)
    return tuple(sets)


def _told(document: Section, entry: Value, message: str, suggestion: str | None = None) -> None:
    document.problems.add(entry.line, KEY, message, suggestion)


def _read_set(document: Section, entry: Value, slots: Mapping[str, SlotConfig]) -> tuple[str, ...]:
    """Return the slots of one set that may be in it."""
    if not isinstance(entry.data, list):
        _told(document, entry, f"each entry must be a list of slots, {_SHAPE}, not {describe(entry)}")
        return ()
    if not entry.data:
        _told(document, entry, "an empty set means nothing; take it out")
    names: list[str] = []
    for item in entry.data:
        slot = None if isinstance(item.data, dict | list) else slots.get(item.text)
        if slot is None:
            near = None if isinstance(item.data, dict | list) else nearest(item.text, slots)
            _told(document, item, f"there is no slot {describe(item).removeprefix('the text ')}", near)
        elif slot.upstream is not None:
            message = (
                f'"{slot.name}" has no engine on this computer (upstream:), so it is with all; take it out'
            )
            _told(document, item, message)
        elif slot.name in names:
            _told(document, item, f'"{slot.name}" is in this set twice; take one out')
        else:
            names.append(slot.name)
    return tuple(names)


def _check_slots(sets: Sets, slots: Mapping[str, SlotConfig], sections: Mapping[str, Section]) -> None:
    """Report slots that are to be loaded by themselves, or to stay, and exclude each other."""
    for key, why in (
        ("autoload", "both are loaded when hal0 starts"),
        ("pinned", "neither would ever make room for the other"),
    ):
        kept: list[str] = []
        for name in (slot.name for slot in slots.values() if getattr(slot, key) and slot.upstream is None):
            if may_be_together([*kept, name], sets):
                kept.append(name)
            elif name in sections:
                fewest = min(outside(name, kept, sets), key=len)
                others = " and ".join(fewest)
                message = f"cannot be true beside {key}: true of {others}, for {why}, and together: does not "
                sections[name].problem(key, f"{message}let them be loaded at the same time")
