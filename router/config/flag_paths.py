"""The flags of llama-server that name files: written relative to the configuration, passed as absolute paths.

If a flag takes several, llama-server reads CSV, so a name that holds a comma is put in quotes (its
parse_csv_row). It splits `FNAME:SCALE` at the colon, so there a path that contains one cannot be expressed at
all.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from router.config import places
from router.config.flags import PATH_FLAGS, PathFlag
from router.config.numbers import Number
from router.config.yaml_lines import Value, describe

_SCALE: Final = Number(whole=False)


def read_paths(name: str, value: Value, folders: Sequence[Path]) -> str:
    """Return the value for a flag of PATH_FLAGS; a relative path is looked for in `folders`. Raises
    ValueError."""
    flag = PATH_FLAGS[name]
    if name == "mmproj" and value.data is False:
        raise ValueError(f"must be a path, not {describe(value)}; to use none write no-mmproj: true")
    if not flag.several:
        return str(places.find(_text(value, "must be a path"), folders))
    entries = _entries(value, flag, folders)
    if flag.scaled:
        return _csv(_scaled(path, scale, folders) for path, scale in entries)
    return _csv(str(places.find(path, folders)) for path, _ in entries)


def missing_files(flags: Mapping[str, str | bool]) -> list[tuple[str, Path]]:
    """Return the files that a model's flags name and that do not exist, with the flag's name. Touches the
    disk."""
    return [
        (name, path)
        for name, path in named_files(flags)
        if not PATH_FLAGS[name].made and not places.exists(path)
    ]


def named_files(flags: Mapping[str, str | bool]) -> list[tuple[str, Path]]:
    """Return the files that a model's flags name, each with the flag's name."""
    return sorted(
        (name, path) for name in flags.keys() & PATH_FLAGS.keys() for path in _paths(name, flags[name])
    )


def _paths(name: str, text: str | bool) -> Iterable[Path]:
    """Return the paths in a value that `read_paths` returned."""
    if isinstance(text, bool) or not text:
        return
    for part in _split(text) if PATH_FLAGS[name].several else [text]:
        yield Path(part.rpartition(":")[0] if PATH_FLAGS[name].scaled else part)


def _entries(value: Value, flag: PathFlag, folders: Sequence[Path]) -> list[tuple[str, str | None]]:
    """Return each path with its scale, from a list, a mapping of paths to scales, or one text with commas."""
    if isinstance(value.data, list):
        return [(_text(item, "each entry must be a path"), None) for item in value.data]
    if isinstance(value.data, dict) and flag.scaled:
        return [(path, _text(scale, "the scale must be a number")) for path, scale in value.data.items()]
    text = _text(value, "must be a path, or a list of them")
    # A comma may belong to the name of the one file that is meant.
    if not flag.scaled and places.exists(places.find(text, folders)):
        return [(text, None)]
    return [(part, None) for part in _split(text)]


def _scaled(path: str, scale: str | None, folders: Sequence[Path]) -> str:
    if scale is None:
        # From the right: C:\adapter.gguf:0.5
        path, colon, scale = path.rpartition(":")
        if not colon or not path:
            raise ValueError(f'must be FILE:SCALE, such as adapter.gguf:0.5, not "{path or scale}"')
    try:
        number = _SCALE.read(scale)
    except ValueError as error:
        raise ValueError(f"the scale after the last colon {error}") from None
    whole = str(places.find(path.strip(), folders))
    if ":" in whole:
        raise ValueError(
            f'llama-server cannot be given "{whole}" with a scale, because the path itself holds a colon; '
            "rename it, or use the flag without -scaled"
        )
    return f"{whole}:{number}"


def _text(value: Value, wanted: str) -> str:
    text = value.text.strip()
    if isinstance(value.data, dict | list | bool):
        raise ValueError(f"{wanted}, not {describe(value)}")
    if value.data is None or not text:
        raise ValueError(f"{wanted}, not nothing")
    return text


def _split(text: str) -> list[str]:
    row = next(csv.reader([text], skipinitialspace=True, strict=False), [])
    return [part.strip() for part in row if part.strip()]


def _csv(entries: Iterable[str]) -> str:
    """Join them as llama-server's own reader expects: quotes only where needed, doubled inside."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(list(entries))
    return line.getvalue()
