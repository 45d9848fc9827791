"""Edits of hal0.yaml's text: only what changes is rewritten, and the result means exactly what was asked.

Each change is cut into the text (`router.config.yaml_splice`), read back, and compared with what it was to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from router.config.change import REMOVE, ConfigChange, Remove
from router.config.json_schema import SCHEMA_FILE
from router.config.problems import ConfigErrors, ConfigProblem, ProblemList
from router.config.schema import is_secret
from router.config.shared_values import expand
from router.config.yaml_lines import Value, read_yaml
from router.config.yaml_splice import CannotSplice, remove_key, set_list, set_value

HEADER: Final = f"""\
# yaml-language-server: $schema=./{SCHEMA_FILE}
# hal0's settings. Edits in hal0's window keep comments and order; `hal0 check` finds every mistake.
"""

_ABSENT: Final = Value(0, None)
_UNWRITABLE: Final = re.compile("[\0\ud800-\udfff]")


def apply_changes(text: str, changes: Sequence[ConfigChange], source: Path = Path("hal0.yaml")) -> str:
    """Return `text` with `changes` made one after the other; all else stays byte for byte.

    A value that says `${name}` (`vars:`) stays as it is written where the change would set it to what it means.
    Raises ConfigErrors for a text that is not YAML, a value that cannot be written, or a change that would
    change other things too (they share a value through `&` and `*`). Whether the result is a valid
    configuration is not checked.
    """
    text = text if text.strip() else HEADER
    before = _meant(_read(text, source), source)
    for change in changes:
        root = _read(text, source)
        for path, value in _steps(change.path, change.value, root, (_meant(root, source), before)):
            text = _apply(text, path, value, source)
    return text


def _meant(root: Value, source: Path) -> Value:
    """Return what the file says with its variables put in, as far as they can be."""
    return expand(root, ProblemList(source)).root


def _steps(
    path: tuple[str, ...], value: Any, root: Value, meant: Sequence[Value]
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the smallest changes that turn what is at `path` into `value`; none if it is that already, or means
    that in one of `meant`."""
    old = _at(root, path)
    if isinstance(value, Remove):
        if old is not None:
            yield path, REMOVE
    elif isinstance(value, Mapping) and old is not None and isinstance(old.data, dict):
        for name in old.data:
            if name not in value:
                yield (*path, name), REMOVE
        for name, item in value.items():
            yield from _steps((*path, str(name)), item, root, meant)
    elif old is None:
        yield path, value
    else:
        means = [_at_or_nothing(one, path) for one in meant]
        if not any(_same(_shape(is_now), _wanted(value)) for is_now in (old, *means)):
            yield path, _as_written(value, old, means)


def _as_written(value: Any, old: Value, means: Sequence[Value]) -> Any:
    """Return a list with those of its items as they are written now that mean the same."""
    if not (isinstance(value, list) and isinstance(old.data, list)):
        return value
    lists = [one.data for one in means if isinstance(one.data, list) and len(one.data) == len(old.data)]
    written = [pair for data in lists for pair in zip(old.data, data, strict=True) if pair[0] != pair[1]]
    return [
        next((now.plain() for now, then in written if _same(_shape(then), _wanted(item))), item)
        for item in value
    ]


def _apply(text: str, path: tuple[str, ...], value: Any, source: Path) -> str:
    before = _read(text, source)
    wanted = _changed(_shape(before), path, None if value is REMOVE else _wanted(value))
    line = 0
    for attempt in _attempts(text, path, value, _at(before, path)):
        try:
            result = attempt()
            if _same(_pruned(_shape(_read(result, source))), _pruned(wanted)):
                return result
        except CannotSplice as error:
            line = error.line
        except (ConfigErrors, yaml.YAMLError):
            line = _at_or_nothing(before, path).line  # what was cut out was needed elsewhere
        except ValueError as error:
            raise _refusal(source, 0, path, str(error)) from None
    message = "cannot be changed by itself, for the file shares or shapes it unusually; edit the file by hand"
    if _UNWRITABLE.search(_text_of([*path, value])):
        message = "holds a character that no file of text can (NUL, or half of a surrogate pair); take it out"
    raise _refusal(source, line or _at_or_nothing(before, path).line, path, message)


def _text_of(value: Any) -> str:
    """Return all texts in it, joined."""
    if isinstance(value, Mapping):
        return _text_of([*value, *value.values()])
    return "".join(map(_text_of, value)) if isinstance(value, list | tuple) else str(value)


def _attempts(text: str, path: tuple[str, ...], value: Any, old: Value | None) -> Iterator[Callable[[], str]]:
    if value is not REMOVE:
        if isinstance(value, list) and old is not None and isinstance(old.data, list):
            items = old.plain()
            yield lambda: set_list(text, path, items, value)
        yield lambda: set_value(text, path, value)
        return
    yield lambda: remove_key(text, path)
    if "flags" not in path[2:3]:  # there an empty value is a bare flag
        # What comes from a merged mapping can only be hidden: null means left out.
        yield lambda: set_value(text, path, None)


def _read(text: str, source: Path) -> Value:
    problems = ProblemList(source)
    root = read_yaml(text, problems)
    problems.stop_if_any()
    if root is None or root.data is None:
        return Value(0, {})
    if not isinstance(root.data, dict):
        raise _refusal(source, root.line, (), "the file must be a mapping of sections; edit it by hand")
    return root


def _at(root: Value, path: Sequence[str]) -> Value | None:
    """Return the value at `path`, or None if there is none."""
    for name in path:
        if not isinstance(root.data, dict) or name not in root.data:
            return None
        root = root.data[name]
    return root


def _at_or_nothing(root: Value, path: Sequence[str]) -> Value:
    return _at(root, path) or _ABSENT


def _refusal(source: Path, line: int, path: Sequence[str], message: str) -> ConfigErrors:
    return ConfigErrors([ConfigProblem(source.name, line, ".".join(_without_keys(path)), message)])


def _without_keys(path: Sequence[str]) -> Sequence[str]:
    """Return `path` up to a key: where someone has written a mapping in a key's place, its names are
    secrets."""
    secret = (length for length in range(len(path)) if is_secret(".".join(path[:length])))
    return path[: next(secret, len(path))]


# -- what a text means: nested dicts and lists with (data, text as written) at the leaves -----------------


def _shape(value: Value) -> Any:
    if isinstance(value.data, dict):
        return {name: _shape(item) for name, item in value.data.items()}
    if isinstance(value.data, list):
        return [_shape(item) for item in value.data]
    return value.data, value.text


def _wanted(value: Any) -> Any:
    """Return the shape of a new value, whose text as written does not matter."""
    if isinstance(value, Mapping):
        return {str(name): _wanted(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_wanted(item) for item in value]
    return value, None


def _changed(shape: Any, path: Sequence[str], value: Any) -> Any:
    """Return `shape` with `value` at `path`; None takes it out."""
    if not path:
        return value
    inner = dict(shape) if isinstance(shape, dict) else {}
    changed = _changed(inner.get(path[0]), path[1:], value)
    if changed is None:
        inner.pop(path[0], None)
        return inner
    return inner | {path[0]: changed}


def _pruned(shape: Any) -> Any:
    """Return `shape` without what means "left out": nulls and empty mappings."""
    if not isinstance(shape, dict):
        return shape
    inner = {name: _pruned(item) for name, item in shape.items()}
    return {name: item for name, item in inner.items() if item != {} and not _is_null(item)}


def _is_null(shape: Any) -> bool:
    return isinstance(shape, tuple) and shape[0] is None


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(item, other[name]) for name, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        texts = None in (one[1], other[1]) or one[1] == other[1]
        return texts and _kind(one[0]) is _kind(other[0]) and bool(one[0] == other[0])
    return False


def _kind(data: Any) -> type:
    """Return the type, with one kind of number, as in JSON."""
    return float if type(data) is int else type(data)
