"""`hal0 import FILE…`: what another program's settings would be in hal0.yaml, shown, then written if wanted."""

from __future__ import annotations

import asyncio
import difflib
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path

from app.commands.asking import asked
from app.commands.running import tell_running
from app.system.streams import stdin_is_terminal
from router.base.errors import RouterError
from router.base.paths import Paths
from router.catalog.models import build_catalog
from router.config.change import ConfigChange
from router.config.default import with_downloads
from router.config.file import ConfigFile
from router.config.hidden import hide_keys
from router.config.load import load_config
from router.config.schema import Config
from router.engine.command import has_flag
from router.engine.find import find_engine
from router.engine.options import read_options
from router.imports.found import Kept, LeftOut, NotImported, Origin
from router.imports.merge import Merged, merge
from router.imports.read import MOST_BYTES, read_settings

Told = list[tuple[Path, Merged]]
"""What came of each file."""


def import_settings(config_file: Path | None, files: Sequence[Path], *, yes: bool, as_json: bool) -> int:
    """Print the change as a diff and what has no counterpart; write it with `yes`, or where a person agrees.

    Raises RouterError, with nothing written.
    """
    paths = Paths.for_user(config_file)
    file = ConfigFile(paths)
    before = file.text()
    after, changes, told = _merged(before, files, paths)
    if as_json:
        print(json.dumps(_document(before, after, told, paths.config_file)))
    else:
        print("\n".join([*_diff(before, after, paths.config_file), *_left_out(told)]))
    if not changes:
        print("hal0: There is nothing new in it for hal0.yaml.", file=sys.stderr)
        return 1
    if not yes and not _agreed(paths.config_file):
        return 1
    file.edit(changes, lambda config: _known(config, paths))
    tell_running(paths)
    if not as_json:
        print(f"{paths.config_file} is changed; `hal0 check` tells whether all of it can run.")
    return 0


def _merged(before: str, files: Sequence[Path], paths: Paths) -> tuple[str, list[ConfigChange], Told]:
    text, knows = before, _known_flags(paths)
    changes: list[ConfigChange] = []
    told: Told = []
    for path in files:
        found = read_settings(_read(path), Origin(path.absolute(), os.environ))
        merged: Merged = merge(text, paths.config_file, found, paths, knows)
        text = merged.text
        changes += merged.changes
        told.append((path, merged))
    return text, changes, told


def _known_flags(paths: Paths) -> Callable[[str], bool]:
    """Return which flags the llama-server here has; of none, all of them may be right."""
    try:
        engine = find_engine(load_config(paths.config_file, paths).engine, paths)
        return partial(has_flag, asyncio.run(read_options(engine.path)))
    except RouterError:
        return lambda _flag: True


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise NotImported(f"{path} cannot be read: {error.strerror}.") from None


def _diff(before: str, after: str, file: Path) -> Iterator[str]:
    """Yield the change with keys hidden."""
    old, new = hide_keys(before).splitlines(), hide_keys(after).splitlines()
    yield from difflib.unified_diff(old, new, str(file), f"{file} (new)", lineterm="")


def _left_out(told: Told) -> Iterator[str]:
    """Yield what has no counterpart, the same thing once with all its lines."""
    for path, merged in told:
        if not merged.left_out:
            continue
        yield f"Not in hal0.yaml, of {path}:"
        lines: dict[tuple[str, str], list[int]] = defaultdict(list)
        for item in merged.left_out:
            lines[item.what, item.reason].append(item.line)
        for (what, reason), found in lines.items():
            numbers = ", ".join(map(str, sorted(set(found))))
            yield f"  line {numbers}: {' '.join(what.split())}: {reason}"


def _document(before: str, after: str, told: Told, file: Path) -> dict[str, object]:
    def listed(path: Path, items: Iterable[LeftOut | Kept]) -> list[dict[str, object]]:
        return [{"file": str(path), **asdict(item)} for item in items]

    return {
        "file": str(file),
        "diff": "\n".join(_diff(before, after, file)),
        "left_out": [item for path, merged in told for item in listed(path, merged.left_out)],
        "kept": [item for path, merged in told for item in listed(path, merged.kept)],
    }


def _agreed(file: Path) -> bool:
    if not stdin_is_terminal():
        print("hal0: Nothing is written: nobody is there to ask; `--yes` writes it.", file=sys.stderr)
        return False
    return asked(f"Write this into {file}?")


def _known(config: Config, paths: Paths) -> set[str]:
    try:
        return build_catalog(with_downloads(config, paths)).names(config)
    except RouterError:
        return set(config.models)
