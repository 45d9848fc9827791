"""Flags for one load only, as an order carries them: `name=value`, or `name` for a bare one."""

from __future__ import annotations

from collections.abc import Iterable

from router.config.flag_values import read_flag
from router.config.flags import KIND_FLAGS, flag_name, managed_reason
from router.config.yaml_lines import Value


def read_load_flags(written: Iterable[str]) -> tuple[tuple[str, str | bool], ...]:
    """Return flags by their long names, in the order of the names. Raises ValueError with a sentence."""
    flags: dict[str, str | bool] = {}
    for text in written:
        raw, has_value, value = text.partition("=")
        name = flag_name(raw)
        if not name[:1].isalnum() or flag_name(name) != name:
            raise ValueError(f'"{text}" is no flag; write name=value, such as ctx-size=8192')
        if reason := KIND_FLAGS.get(name) or managed_reason(name):
            raise ValueError(f'"{raw}" is hal0\'s to set: {reason}')
        if name in flags:
            raise ValueError(f'"{name}" is given twice')
        try:
            flags[name] = read_flag(name, Value(0, value, value) if has_value else Value(0, True, "true"), ())
        except ValueError as error:
            raise ValueError(f'"{raw}": {error}') from None
    return tuple(sorted(flags.items()))


def flag_text(name: str, value: str | bool) -> str:
    """Return what `read_load_flags` reads."""
    return name if value is True else f"{name}={'off' if value is False else value}"
