"""Connecting a client by writing its settings: what would change, doing it with a backup, taking it back.

Blocking: reads and writes other programs' files.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.connect.change import CannotConnect, Change
from app.connect.formats import connected, taken_back
from app.connect.record import Record, Written
from app.system.redact import HIDDEN, redact
from app.views.client_files import ClientFile, Format
from app.views.client_key import ANY
from router.base.files import is_file, read, write_atomic

BACKUP: Final = ".before-hal0"
_KEYS: Final = ("keys.json",)
"""Files that hold nothing but keys, under any name."""

_ANY_VALUE: Final = re.compile(r':\s*"(?:[^"\\]|\\.)*"')

_FORMATS: Final = {".yaml": Format.YAML, ".yml": Format.YAML, ".toml": Format.TOML}


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file that would change. `before` None: it is not there yet; `after` None: it goes again."""

    file: Path
    before: str | None
    after: str | None
    changes: tuple[Change, ...] = ()
    stays: tuple[str, ...] = ()

    def diff(self, secret: str = "", shown: str = "") -> str:
        """Return what changes, line by line, with `secret` shown as `shown`, and no key of the person's own."""
        old, new = (self.before or "").splitlines(), (self.after or "").splitlines()
        around = 0 if self.file.name in _KEYS else 3
        lines = difflib.unified_diff(old, new, str(self.file), str(self.file), lineterm="", n=around)
        known = [_without_keys(line, secret, shown) for line in lines]
        if self.file.name in _KEYS:
            known = [
                line if shown and shown in line else _ANY_VALUE.sub(f': "{HIDDEN}"', line) for line in known
            ]
        return "\n".join(known)


def _without_keys(line: str, secret: str, shown: str) -> str:
    if secret and secret in line:
        return line.replace(secret, shown)
    return line if line.rstrip("\"',").endswith(ANY) else redact(line)


def plan(files: Sequence[ClientFile]) -> tuple[FileChange, ...]:
    """Return what would change; () where everything stands as it is to. Raises CannotConnect."""
    found = (_plan(file) for file in files)
    return tuple(change for change in found if change.before != change.after)


def write(client: str, planned: Sequence[FileChange], record: Record) -> None:
    """Write the changes, each file in one step and with a backup beside it. Raises CannotConnect."""
    known = {item.file: item for item in record.read().get(client, ())}
    for change in planned:
        assert change.after is not None
        before = known.get(change.file)
        backup = before.backup if before else _backup(change)
        _put(change.file, change.after)
        known[change.file] = Written(
            change.file, _digest(change.after), backup, _together(before, change.changes)
        )
        record.keep(client, tuple(known.values()))


def plan_undo(client: str, record: Record) -> tuple[FileChange, ...]:
    """Return what would change to have the settings as they were before `write`. Raises CannotConnect."""
    return tuple(_plan_undo(item) for item in record.read().get(client, ()))


def undo(client: str, planned: Sequence[FileChange], record: Record) -> None:
    """Take back what hal0 wrote; what somebody has changed since stays. Raises CannotConnect."""
    backups = [item.backup for item in record.read().get(client, ())]
    for change in planned:
        if change.after is None:
            _remove(change.file)
        elif change.after != change.before:
            _put(change.file, change.after)
    record.keep(client, ())
    for backup in backups:
        if backup is not None:
            _remove(backup)


def _plan(wanted: ClientFile) -> FileChange:
    if wanted.rival and is_file(wanted.folder / wanted.rival) and not is_file(wanted.folder / wanted.names[0]):
        raise CannotConnect(
            f"{wanted.folder / wanted.rival} holds its settings, and would be read no more beside a new "
            f"{wanted.names[0]}: have the program move them there first, then try again."
        )
    there = [wanted.folder / name for name in wanted.names if is_file(wanted.folder / name)]
    file = Path(os.path.realpath(there[0] if there else wanted.folder / wanted.names[0]))
    before = _read(file)
    settings = (*(wanted.head if not (before or "").strip() else ()), *wanted.wanted)
    try:
        after, changes = connected(before or "", wanted.format, settings)
    except CannotConnect as error:
        raise CannotConnect(
            f"{file} was left as it is: {error}. Add by hand what Connect shows in hal0's window."
        ) from error
    return FileChange(file, before, after, changes)


def _plan_undo(item: Written) -> FileChange:
    now = _read(item.file)
    if now is None:
        return FileChange(item.file, None, None)
    old = _read(item.backup) if item.backup is not None else None
    if _digest(now) == item.digest and (item.backup is None or old is not None):
        return FileChange(item.file, now, old)
    try:
        after, stays = taken_back(now, _FORMATS.get(item.file.suffix, Format.JSON), item.changes)
    except CannotConnect as error:
        raise CannotConnect(
            f"{item.file} was left as it is: {error}. Take hal0's entries out by hand."
        ) from error
    return FileChange(item.file, now, after, stays=stays)


def _together(before: Written | None, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Of what was written twice, what was there before the first time counts."""
    if before is None:
        return tuple(changes)
    first = {(c.path, c.by, c.name): c for c in before.changes}
    both = dict(first)
    for change in changes:
        place = (change.path, change.by, change.name)
        known = first.get(place)
        both[place] = (
            change
            if known is None
            else Change(change.path, change.by, change.digest, known.old, known.kept, change.name)
        )
    return tuple(both.values())


def _backup(change: FileChange) -> Path | None:
    if change.before is None:
        return None
    backup = change.file.with_name(change.file.name + BACKUP)
    _put(backup, change.before, like=change.file)
    return backup


def _read(file: Path) -> str | None:
    try:
        return read(file).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise CannotConnect(f"{file} cannot be read ({_why(error)}).") from error


def _put(file: Path, text: str, like: Path | None = None) -> None:
    """Write in one step, with the rights the file had, or `like` has."""
    try:
        model = like or file
        mode = stat.S_IMODE(model.stat().st_mode) if model.exists() else None
        write_atomic(file, text.encode())
        if mode is not None:
            file.chmod(mode)
    except OSError as error:
        raise CannotConnect(f"{file} cannot be written ({_why(error)}).") from error


def _remove(file: Path) -> None:
    try:
        file.unlink(missing_ok=True)
    except OSError as error:
        raise CannotConnect(f"{file} cannot be removed ({_why(error)}).") from error


def _why(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
