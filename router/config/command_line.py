"""llama-server's command line where `flags:` wants a mapping: what to write instead. Pure."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from typing import Final

from router.config.flags import flag_name, managed_reason
from router.config.yaml_lines import Value

_FLAG: Final = re.compile(r"--?(?P<name>[A-Za-z][\w-]*)(?:=(?P<value>.*))?", re.DOTALL)
_WITH_VALUE: Final = re.compile(r"-{0,2}(?P<name>[A-Za-z][\w-]*)\s*[=\s]\s*(?P<value>\S.*)")
_PLAIN: Final = re.compile(r"[\w./+-]+")


def as_mapping(value: Value) -> str | None:
    """Return the mapping that a text (`--ctx-size 4096 -ngl 99`) or a list of such words or of mappings stands
    for, without the flags that are hal0's to set; None where it stands for none."""
    pairs = _pairs(value)
    told = [f"{name}: {_written(text)}" for name, text in pairs if not managed_reason(name)]
    return f"{{{', '.join(told)}}}" if told else None


def with_value(key: str) -> str | None:
    """Return what to write for a key that holds its value, too (`--ctx-size=4096`, `c 4096`)."""
    found = _WITH_VALUE.fullmatch(key.strip())
    return f"{flag_name(found['name'])}: {_written(found['value'])}" if found else None


def _pairs(value: Value) -> list[tuple[str, str]]:
    if not isinstance(value.data, list):
        return _by_long_name(flag_pairs(_split(value.text)))
    words: list[str] = []
    pairs: list[tuple[str, str]] = []
    for item in value.data:
        if isinstance(item.data, dict):
            pairs += [(flag_name(name), part.text) for name, part in item.data.items()]
        else:
            words += _split(item.text)
    return [*_by_long_name(flag_pairs(words)), *pairs]


def _by_long_name(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(flag_name(name), value) for name, value in pairs]


def flag_pairs(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each flag of a command line, as written without dashes, with its value; "true" for a bare one."""
    name: str | None = None
    for word in words:
        found = _FLAG.fullmatch(word)
        if found is None:
            if name is not None:
                yield name, word
            name = None
            continue
        if name is not None:
            yield name, "true"
        name = found["name"]
        if found["value"] is not None:
            yield name, found["value"]
            name = None
    if name is not None:
        yield name, "true"


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:  # a quotation mark that is not closed
        return text.split()


def _written(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)
