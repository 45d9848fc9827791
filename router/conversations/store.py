"""The conversations on the disk. Blocking, and called by one thread only (router.conversations.worker).

Each is two files with a random name in a folder of their own: `ID.state`, written by llama-server, and
`ID.json`, which says what it is and is written last, after the state has reached the disk. A state without its
`.json` is not a conversation, whatever happened: the next start removes it. While an engine is given a state
its `.json` is gone, so that one that kills its engine, or hal0, is never tried again."""

from __future__ import annotations

import json
import logging
import math
import os
import secrets
import shutil
import struct
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from router.base.files import replace as move
from router.config.schema import ConversationsConfig
from router.conversations.identity import sample
from router.conversations.keeping import Kept, expected_bytes, has_room, is_continued, must_leave
from router.wire.json_dataclass import SchemaMismatch, read

log = logging.getLogger(__name__)

sync = os.fsync
"""Returns when what a file holds is on the disk; on a slow one that takes minutes."""

_STATE, _PART, _ABOUT, _ABOUT_PART = ".state", ".part", ".json", ".about"
_HEAD = struct.Struct("<III")  # magic, version, how many tokens follow
_MOST_TOKENS = 1 << 24


class NoRoom(Exception):
    """The limit is reached, or the disk is full."""


class Store:
    """Owns the folder.

    Attributes:
        folder: 0700; engines write their states into it.
        kept: what can be restored, in no order. May be read on any thread.
    """

    def __init__(
        self, folder: Path, policy: Callable[[], ConversationsConfig], clock: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder
        self.kept: tuple[Kept, ...] = ()
        self._policy = policy
        self._clock = clock
        self._lent: set[str] = set()  # those that an engine has been given right now

    def open(self) -> None:
        """Read what is there, and remove what is not a conversation."""
        self.make_folder()
        self.folder.chmod(0o700)
        found = {}
        for path in sorted(self.folder.glob(f"*{_ABOUT}")):
            if (one := self._read(path)) is not None:
                found[one.id] = one
        whole = {f"{id_}{end}" for id_ in found for end in (_STATE, _ABOUT)}
        for path in self.folder.iterdir():
            if path.name not in whole:
                _remove(path)
        self.kept = tuple(found.values())
        self.prune()

    def make_folder(self) -> None:
        """Make the folder; a person may have removed all of it. Raises OSError."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def prune(self) -> None:
        """Remove what is too old or too much now."""
        self._correct_times()
        for one in must_leave(self.kept, self._clock(), self._policy()):
            self.discard(one.id)

    def begin(self, key: str, tokens: int) -> str:
        """Make the private, empty file an engine is to write `tokens` into; returns its id. What is older makes
        room. Raises NoRoom, OSError."""
        policy = self._policy()
        self.make_folder()
        self._correct_times()
        expected = expected_bytes(tokens, self.kept, key)
        if not has_room(expected, shutil.disk_usage(self.folder).free, policy):
            raise NoRoom(f"{expected} bytes more are not free")
        for one in must_leave(self.kept, self._clock(), policy, expected):
            self.discard(one.id)
        id_ = secrets.token_hex(8)
        os.close(os.open(self.part(id_), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return id_

    def part(self, id_: str) -> Path:
        return self.folder / f"{id_}{_PART}"

    def state(self, id_: str) -> Path:
        return self.folder / f"{id_}{_STATE}"

    def finish(self, one: Kept) -> None:
        """Note that `one`'s file is written: it can be restored from now on, and replaces what it continues.
        Raises NoRoom if it is more than is allowed, OSError."""
        part = self.part(one.id)
        size = part.stat().st_size
        if size != one.bytes:
            _remove(part)
            raise OSError(f"{size} of {one.bytes} bytes were written")
        if size > self._policy().keep:
            _remove(part)
            raise NoRoom(f"its {size} bytes are more than conversations.keep allows")
        part.replace(self.state(one.id))
        one = replace(one, sample=sample(self.state(one.id)))
        new = tokens_of(self.state(one.id))
        for old in [k for k in self.kept if k.owner == one.owner and k.id not in self._lent]:
            if old.key != one.key or self._is_continued(old, new):
                self.discard(old.id)
        self.kept = (*self.kept, one)
        self.prune()

    def settle(self, id_: str) -> None:
        """Make it outlive a loss of power. Raises OSError."""
        self.settled(id_, self.flush(id_))

    def flush(self, id_: str) -> Path | None:
        """Have the state reach the disk, however long that takes, and return a file that tells of it. May be
        called on another thread, alone of all. Raises OSError."""
        if (one := self._find(id_)) is None:
            return None
        with self.state(id_).open("rb+") as file:
            sync(file.fileno())
        about = self.folder / f"{id_}.{secrets.token_hex(4)}{_ABOUT_PART}"
        with os.fdopen(os.open(about, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(json.dumps(asdict(one)).encode())
            file.flush()
            sync(file.fileno())
        return about

    def settled(self, id_: str, about: Path | None) -> None:
        """Tell of what has been flushed, unless it has been removed meanwhile or an engine is about to get it.
        Raises OSError."""
        if about is None:
            return
        if self._find(id_) is None or id_ in self._lent:
            _remove(about)
        else:
            move(about, self.folder / f"{id_}{_ABOUT}")

    def lend(self, owner: str, key: str) -> list[Kept]:
        """Return what may be restored into an engine of `owner` with `key`, last used first. Everything else of
        that owner is removed: it would never be valid again."""
        self.prune()
        lent = []
        for one in sorted(self.kept, key=lambda k: k.used_at, reverse=True):
            if one.owner != owner or one.id in self._lent:
                continue
            if one.key != key or not self._is_whole(one):
                self.discard(one.id)
                continue
            _remove(self.folder / f"{one.id}{_ABOUT}")
            self._lent.add(one.id)
            lent.append(one)
        return lent

    def returned(self, id_: str, *, restored: bool) -> None:
        """Note that the engine has `id_`, which may be settled again; if it was not `restored`, remove it."""
        self._lent.discard(id_)
        if not restored:
            self.discard(id_)
            return
        now = self._clock()
        self.kept = tuple(replace(k, used_at=now) if k.id == id_ else k for k in self.kept)

    def discard(self, id_: str) -> None:
        """Remove it, also while it is being written."""
        self.kept = tuple(k for k in self.kept if k.id != id_)
        self._lent.discard(id_)
        for path in (self.folder / f"{id_}{_ABOUT}", self.state(id_), self.part(id_)):
            _remove(path)

    def forget(self, model: str | None = None) -> int:
        """Remove all, or those of `model`; returns how many there were."""
        leaving = [one for one in self.kept if model in (None, one.model)]
        for one in leaving:
            self.discard(one.id)
        return len(leaving)

    def _is_continued(self, old: Kept, new: bytes) -> bool:
        try:
            return is_continued(tokens_of(self.state(old.id)), new)
        except OSError:  # somebody has removed it
            return True

    def _correct_times(self) -> None:
        """Take what was used in the future for used a moment ago: the clock was ahead then, and nothing else
        would ever be newer."""
        now = self._clock()
        before = math.nextafter(now, 0.0)
        self.kept = tuple(replace(k, used_at=before) if k.used_at > now else k for k in self.kept)

    def _find(self, id_: str) -> Kept | None:
        return next((one for one in self.kept if one.id == id_), None)

    def _is_whole(self, one: Kept) -> bool:
        try:
            return self.state(one.id).stat().st_size == one.bytes and sample(self.state(one.id)) == one.sample
        except OSError:
            return False

    def _read(self, path: Path) -> Kept | None:
        try:
            told: Any = json.loads(path.read_bytes())
            one = read(Kept, told)
            size = self.state(one.id).stat().st_size
        except (OSError, ValueError, SchemaMismatch, RecursionError) as error:
            log.info("%s is no conversation (%s); it is removed", path.name, type(error).__name__)
            return None
        return one if path.name == f"{one.id}{_ABOUT}" and size == one.bytes else None


def tokens_of(path: Path) -> bytes:
    """Return the tokens at the beginning of a state file, 4 bytes each; b"" where it has none. Raises OSError.

    The format is that of llama_state_seq_save_file: magic, version, the number of tokens, then the tokens. From
    version 4 on (build 11669) the number also counts a header of three, which begins with -1, followed by a
    version and the number of tokens."""
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            return b""
        count = min(_HEAD.unpack(head)[2], _MOST_TOKENS)
        found = file.read(4 * count)
    return found[12:] if found[:4] == b"\xff\xff\xff\xff" else found


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:  # on Windows while an engine has it open; the next start removes it
        log.warning("%s could not be removed: %s", path.name, error.strerror or error)
