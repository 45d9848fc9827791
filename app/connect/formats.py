"""Pure: a file of settings as text, in its format: read, changed with its comments, and read back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import yaml

from app.connect import jsonc, toml_text
from app.connect.change import ABSENT, CannotConnect, Change, with_settings, without
from app.views.client_files import Format, Setting
from router.config.change import REMOVE, ConfigChange
from router.config.edit import apply_changes
from router.config.problems import ConfigErrors

Step = tuple[tuple[str, ...], Any]
"""A path, and the value that is to stand there, or ABSENT."""

_LIST: Final = "hal0-list"
"""The key under which a YAML file that is a list is edited."""


def connected(text: str, kind: Format, settings: Sequence[Setting]) -> tuple[str, tuple[Change, ...]]:
    """Return the text with the settings in it, and what that changed. Raises CannotConnect."""
    text, restored = _with_plain_lines(text)
    before = _parse(text, kind)
    after, changes = with_settings(before, settings)
    return restored(_written(text, kind, before, after)), changes


def taken_back(text: str, kind: Format, changes: Sequence[Change]) -> tuple[str, tuple[str, ...]]:
    """Return the text without what hal0 wrote, and what of that somebody has changed since, which stays. Raises
    CannotConnect."""
    text, restored = _with_plain_lines(text)
    before = _parse(text, kind)
    after, others = without(before, changes)
    return restored(_written(text, kind, before, after)), others


def _with_plain_lines(text: str) -> tuple[str, Callable[[str], str]]:
    """Return the text with the line ends of Unix, and what gives it back those that it had."""
    if "\r\n" in text and text.count("\r\n") == text.count("\n"):
        return text.replace("\r\n", "\n"), lambda changed: changed.replace("\n", "\r\n")
    return text, str


def _written(text: str, kind: Format, before: Any, after: Any) -> str:
    """Change only what differs; the result says `after`, or nothing is written."""
    try:
        if kind is Format.YAML and before is None and not text.strip():
            return _dumped(after)
        for path, value in _steps(before, after, kind):
            text = _step(text, kind, path, value)
        said = _parse(text, kind)
    except (ValueError, ConfigErrors, StopIteration) as error:
        raise CannotConnect(f"it cannot be changed without loss ({_reason(error)})") from error
    if said != after and (said or after):
        raise CannotConnect("it is written in a way that cannot be changed without loss")
    return text


def _steps(before: Any, after: Any, kind: Format, path: tuple[str, ...] = ()) -> list[Step]:
    """Return the smallest changes; of TOML a table is one."""
    if before == after:
        return []
    whole_table = kind is Format.TOML and len(path) > 1
    if not isinstance(before, dict) or not isinstance(after, dict) or whole_table:
        return [(path, after)] if path or isinstance(after, list) else _members(after, kind)
    steps: list[Step] = []
    for name, value in after.items():
        if name in before:
            steps += _steps(before[name], value, kind, (*path, name))
        elif kind is Format.TOML and isinstance(value, dict) and not path:
            steps += [((name, inner), item) for inner, item in value.items()]
        else:
            steps.append(((*path, name), value))
    return steps + [((*path, name), ABSENT) for name in before if name not in after]


def _members(after: Any, kind: Format) -> list[Step]:
    return _steps({}, after or {}, kind)


def _step(text: str, kind: Format, path: tuple[str, ...], value: Any) -> str:
    gone = value is ABSENT
    match kind:
        case Format.JSON:
            return jsonc.remove(text, path) if gone else jsonc.set_value(text, path, value)
        case Format.TOML:
            return _toml(text, path, value)
        case Format.YAML:
            return _yaml(text, path, value)


def _toml(text: str, path: tuple[str, ...], value: Any) -> str:
    if value is not ABSENT:
        return toml_text.set_value(text, path, value)
    inner = toml_text.parse(text)
    for name in path:
        inner = inner[name]
    tables = [name for name, item in inner.items() if isinstance(item, dict)] if isinstance(inner, dict) else []
    for name in tables:
        text = toml_text.remove(text, (*path, name))
    return text if tables else toml_text.remove(text, path)


def _yaml(text: str, path: tuple[str, ...], value: Any) -> str:
    if not path:
        if not _parse(text, Format.YAML):
            return text + _dumped(value)
        if not value:
            return "".join(line for line in text.splitlines(keepends=True) if line.lstrip().startswith("#"))
        wrapped = apply_changes(f"{_LIST}:\n{text}", [ConfigChange((_LIST,), value)])
        first, _, rest = wrapped.partition("\n")
        if first != f"{_LIST}:":
            raise ValueError("the list is written in one line")
        return rest
    if isinstance(value, list) and (appended := _appended(text, path, value)) is not None:
        return appended
    return apply_changes(text, [ConfigChange(path, REMOVE if value is ABSENT else value)])


def _dumped(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=200)


def _appended(text: str, path: Sequence[str], value: list[Any]) -> str | None:
    """Return the text with a new list behind everything else, one item a line; None where that is not
    possible."""
    data = _parse(text, Format.YAML)
    if len(path) != 1 or (isinstance(data, dict) and path[0] in data):
        return None
    longer = f"{text.rstrip()}\n{_dumped({path[0]: value})}"
    try:
        return longer if yaml.safe_load(longer) == {**(data or {}), path[0]: value} else None
    except yaml.YAMLError:
        return None


def _parse(text: str, kind: Format) -> Any:
    try:
        match kind:
            case Format.JSON:
                return jsonc.parse(text)
            case Format.TOML:
                return toml_text.parse(text)
            case Format.YAML:
                return yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise CannotConnect(f"it cannot be read ({_reason(error)})") from error


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", error)).split())[:200]
