"""An import put into hal0.yaml: what is there stays, and what hal0 would refuse is left out with the reason.

Reads no file but those that a configuration names, as `router.config.load` does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from router.base.paths import Paths
from router.config.change import ConfigChange
from router.config.edit import apply_changes
from router.config.load import parse_text
from router.config.problems import ConfigErrors, ConfigProblem, ProblemList
from router.config.together import KEY as TOGETHER
from router.config.yaml_lines import Value, read_yaml
from router.imports.found import Imported, Kept, LeftOut

_MAIN: Final = "primary"
_OTHER: Final = "primary-slot"
"""Its name where a model has that one."""
_ROUNDS: Final = 12
_THERE: Final = "hal0.yaml has one of this name already, which stays as it is"
_TWICE: Final = "the file has another of this name before it, and that one counts"
_NO_FLAG: Final = "the llama-server here has no such flag"
_RENAMED: Final = {
    **dict.fromkeys(("draft-max", "draft-n", "draft"), "spec-draft-n-max"),
    **dict.fromkeys(("draft-min", "draft-n-min"), "spec-draft-n-min"),
}
_NEEDED: Final = frozenset({"file", "base_url", "command"})
_VARIABLES: Final = "env"
_OWN_SETS: Final = "hal0.yaml has its own together:, which stays as it is"
_REFUSED: Final = "hal0.yaml cannot say it"


@dataclass(frozen=True, slots=True)
class Merged:
    """`text`: hal0.yaml after `changes`. `left_out` and `kept` together tell of every line of the file that was
    read and says something."""

    changes: tuple[ConfigChange, ...]
    text: str
    left_out: tuple[LeftOut, ...]
    kept: tuple[Kept, ...] = ()


def merge(
    text: str, source: Path, found: Imported, paths: Paths, knows: Callable[[str], bool] = lambda _flag: True
) -> Merged:
    """Return what hal0.yaml (`text`, at `source`) would become. `knows`: the flags that the engine has.

    Raises ConfigErrors where it has a mistake as it is, or the result would and no part of the import is to
    blame.
    """
    parse_text(text, source, paths)
    there = _root(text, source)
    new = _New(found, there)
    new.leave_unknown_flags(knows)
    for _ in range(_ROUNDS):
        changes = new.changes()
        try:
            after = apply_changes(text, changes, source) if changes else text
            parse_text(after, source, paths)
        except ConfigErrors as error:
            dropped = [new.drop(problem) for problem in error.problems]
            if not any(dropped):
                raise
        else:
            left_out = tuple(sorted(new.left_out, key=lambda left: left.line))
            return Merged(tuple(changes), after, left_out, tuple(new.kept()))
    raise ConfigErrors([ConfigProblem(source.name, 0, "", "the import cannot be made to fit; add it by hand")])


class _New:
    """What is still to come into hal0.yaml, by section."""

    def __init__(self, found: Imported, there: Mapping[str, Value]) -> None:
        self.left_out = list(found.left_out)
        self._kept = list(found.kept)
        self._lines = dict(found.lines)
        self._entries: dict[str, dict[str, dict[str, Any]]] = {"models": {}, "upstreams": {}, "slots": {}}
        for model in found.models:
            place = f"models.{model.id}"
            if self._add("models", model.id, model.entry(), there, model.line):
                self._lines |= {f"{place}.{key}" if key else place: line for key, line in model.lines.items()}
                self._lines[place] = model.line
        for name, upstream in found.upstreams.items():
            self._add("upstreams", name, upstream, there)
        for name, slot in found.slots.items():
            self._add("slots", name, slot, there)
        self._keys = _plain(there, "server", "api_keys")
        self._new_keys = [key for key in found.api_keys if key not in self._keys]
        self._no_slots = not _names(there, "slots")
        self._together = self._sets(found, there)

    def _sets(self, found: Imported, there: Mapping[str, Value]) -> list[list[str]]:
        """Return what `together:` is to be: nothing if it would speak of slots that hal0.yaml has already."""
        kept = next((slot for one in found.together for slot in one if slot in _names(there, "slots")), None)
        if not found.together:
            return []
        if TOGETHER not in there and kept is None:
            return found.together
        why = _OWN_SETS if TOGETHER in there else f"it is about {kept}, and {_THERE}"
        self.left_out.append(LeftOut(self._lines.pop(TOGETHER, 1), TOGETHER, why))
        return []

    def _add(
        self, section: str, name: str, entry: dict[str, Any], there: Mapping[str, Value], line: int = 0
    ) -> bool:
        """Take an entry; say why where one of its name is there."""
        twice = name in self._entries[section]
        if twice or name in _names(there, section):
            line = line or self._lines.get(f"{section}.{name}", 1)
            self.left_out.append(LeftOut(line, f"{section}: {name}", _TWICE if twice else _THERE))
            return False
        self._entries[section][name] = entry
        return True

    def leave_unknown_flags(self, knows: Callable[[str], bool]) -> None:
        """Leave out flags that the llama-server here does not have."""
        for name, entry in self._entries["models"].items():
            flags = entry.get("flags", {})
            for flag in [flag for flag in flags if not knows(flag)]:
                value, renamed = flags.pop(flag), _RENAMED.get(flag, flag)
                if renamed not in flags and knows(renamed):
                    flags[renamed] = value
                    continue
                line = self._lines.get(f"models.{name}.flags.{flag}", self._lines.get(f"models.{name}", 1))
                self.left_out.append(LeftOut(line, f"{flag} = {value}", _NO_FLAG))
            if "flags" in entry and not flags:
                del entry["flags"]

    def kept(self) -> list[Kept]:
        """Return what came over, by line: all that was read and not left out since."""
        places = [Kept(line, place) for place, line in self._lines.items()]
        return sorted({*self._kept, *places}, key=lambda kept: (kept.line, kept.place))

    def changes(self) -> list[ConfigChange]:
        made = [
            ConfigChange((section, name), entry)
            for section, entries in self._entries.items()
            for name, entry in self._with_default(section, entries).items()
        ]
        if self._together:
            made.append(ConfigChange((TOGETHER,), self._together))
        if self._new_keys:
            made.append(ConfigChange(("server", "api_keys"), [*self._keys, *self._new_keys]))
        return made

    def _with_default(
        self, section: str, entries: Mapping[str, dict[str, Any]]
    ) -> Mapping[str, dict[str, Any]]:
        """Keep the slot that hal0 has as long as hal0.yaml names none."""
        own = section == "slots" and self._no_slots and entries and not {_MAIN, _OTHER} & entries.keys()
        if not own or (self._together and not any({_MAIN, _OTHER} & {*one} for one in self._together)):
            return entries  # one that may hold all models would stand outside of the sets
        starts = not self._together or not any(entry.get("autoload") for entry in entries.values())
        name = _OTHER if self._is_a_models(_MAIN) else _MAIN
        return {name: {"kind": "chat"} | ({"autoload": True} if starts else {}), **entries}

    def _is_a_models(self, name: str) -> bool:
        models = self._entries["models"]
        return name in models or any(name in entry.get("aliases", ()) for entry in models.values())

    def drop(self, problem: ConfigProblem) -> bool:
        """Leave out what hal0 refuses: a flag or a field, else the entry as a whole. False: it is not ours."""
        if problem.key.startswith("server.api_keys") and self._new_keys:
            self._leave("server.api_keys", "apiKeys", problem)
            kept = [key for key in self._new_keys if key.removeprefix("env:") not in problem.message.split()]
            self._new_keys = kept if len(kept) < len(self._new_keys) else []
            return True
        if problem.key == TOGETHER and self._together:
            self._leave(TOGETHER, TOGETHER, problem)
            self._together = []
            self._lines.pop(TOGETHER, None)
            return True
        for section, entries in self._entries.items():
            for name in sorted(entries, key=len, reverse=True):
                place = f"{section}.{name}"
                if problem.key == place or problem.key.startswith(f"{place}."):
                    self._drop_part(section, name, problem.key[len(place) + 1 :], problem)
                    return True
        return False

    def _drop_part(self, section: str, name: str, part: str, problem: ConfigProblem) -> None:
        entry, place = self._entries[section][name], f"{section}.{name}"
        gone, dropped = f"{place}.{part}", _drop(entry, part)
        if dropped is None:
            gone = place
            del self._entries[section][name]
        shown = name if dropped is None else f"{name}: {dropped}"
        self._leave(gone if gone in self._lines else place, shown, problem)
        if gone == place:
            self._leave_rest(place, shown)
        self._kept = [kept for kept in self._kept if not _is_within(kept.place, gone)]
        self._lines = {known: line for known, line in self._lines.items() if not _is_within(known, gone)}

    def _leave_rest(self, place: str, shown: str) -> None:
        """Name every other line whose only place was within an entry that is dropped."""
        lines = {kept.line for kept in self._kept if _is_within(kept.place, place)}
        lines |= {line for known, line in self._lines.items() if _is_within(known, place)}
        for line in sorted(lines - {left.line for left in self.left_out}):
            self.left_out.append(LeftOut(line, shown, "it is left out as a whole"))

    def _leave(self, place: str, what: str, problem: ConfigProblem) -> None:
        self.left_out.append(LeftOut(self._lines.get(place, 1), what, problem.message or _REFUSED))


def _is_within(place: str, other: str) -> bool:
    return place == other or place.startswith(f"{other}.")


def _drop(entry: dict[str, Any], part: str) -> str | None:
    """Take out what is at `part`, and what is empty then; return what to call it, with its value where that is
    no secret. None: the entry cannot do without it."""
    key = _key(entry, part)
    if key is None or key in _NEEDED:
        return None
    inner, rest = entry[key], part[len(key) + 1 :]
    if isinstance(inner, dict) and rest and (named := _key(inner, rest)) is not None:
        deeper = _drop(inner, rest) if isinstance(inner[named], dict) else f"{named} = {inner.pop(named)}"
        if not inner:
            del entry[key]
        return f"{key}: {named}" if key == _VARIABLES else deeper
    del entry[key]
    return key


def _key(entries: Mapping[str, Any], rest: str) -> str | None:
    found = (key for key in entries if rest == key or rest.startswith((f"{key}.", f"{key}[")))
    return max(found, key=len, default=None)


def _root(text: str, source: Path) -> Mapping[str, Value]:
    root = read_yaml(text, ProblemList(source))
    return root.data if root is not None and isinstance(root.data, dict) else {}


def _names(root: Mapping[str, Value], section: str) -> Mapping[str, Value]:
    value = root.get(section)
    return value.data if value is not None and isinstance(value.data, dict) else {}


def _plain(root: Mapping[str, Value], section: str, key: str) -> list[Any]:
    value = _names(root, section).get(key)
    return value.plain() if value is not None and isinstance(value.data, list) else []
