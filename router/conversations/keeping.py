"""What is worth keeping, and what must be removed to make room for it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from router.config.schema import ConversationsConfig

LEAST_TOKENS: Final = 256
"""Reading fewer tokens again takes no longer than saving and restoring them."""

DISK_LEFT: Final = 1 << 30
"""Bytes of the disk that stay free, whatever is kept."""


@dataclass(frozen=True, slots=True)
class Used:
    """One sequence (llama-server's slot) of an engine. `task` is the number of its last request: larger is
    later."""

    slot: int
    tokens: int
    task: int = 0
    busy: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """One conversation on the disk.

    Attributes:
        id: names its files; says nothing of what is in it.
        owner, key: whose it is, and what it is valid for (router.conversations.key).
        model: the id it is shown under.
        slot: the engine's sequence it was in.
        used_at: Unix time when an engine last had it.
        sample: digest of parts of the file.
    """

    id: str
    owner: str
    key: str
    model: str
    slot: int
    tokens: int
    bytes: int
    used_at: float
    sample: str


def worth(sequences: Iterable[Used], per_model: int, known: Sequence[int] = ()) -> list[Used]:
    """Return those to save, most valuable first: what would take longest to read again. Where there is more
    than one place, the one that was used last has one: it is what somebody is working on.

    `known`: tokens of sequences that are on the disk and have not been used since, which keep their places.
    """
    able = sorted((s for s in sequences if s.tokens >= LEAST_TOKENS), key=_value, reverse=True)
    newest = max(able, key=lambda s: s.task, default=None)
    chosen = [newest] if newest is not None and per_model > 1 else []
    for one in able:
        longer = sum(1 for tokens in known if tokens >= one.tokens)
        if one not in chosen and len(chosen) + longer < per_model:
            chosen.append(one)
    return sorted(chosen, key=_value, reverse=True)


def _value(used: Used) -> tuple[int, int]:
    return used.tokens, used.task


def must_leave(kept: Iterable[Kept], now: float, policy: ConversationsConfig, coming: int = 0) -> list[Kept]:
    """Return what is too old, too many for one owner, or the oldest of too many bytes; `coming`: bytes about to
    be written."""
    newest_first = sorted(kept, key=lambda k: (k.used_at, k.id), reverse=True)
    if policy.keep <= 0:
        return newest_first
    left = policy.keep - coming
    counts: dict[str, int] = {}
    leaving = []
    full = False
    for one in newest_first:
        count = counts[one.owner] = counts.get(one.owner, 0) + 1
        over = now - one.used_at > policy.max_age or count > policy.per_model or one.bytes > policy.keep
        full = full or (not over and one.bytes > left)
        if over or full:
            leaving.append(one)
        else:
            left -= one.bytes
    return leaving


def has_room(expected: int, free: int, policy: ConversationsConfig) -> bool:
    """Return whether `expected` bytes may be written where `free` are left on the disk."""
    return policy.keep > 0 and expected <= policy.keep and expected + DISK_LEFT <= free


def expected_bytes(tokens: int, kept: Iterable[Kept], key: str) -> int:
    """Estimate it by what others of the same engine took; 0 while nobody knows."""
    known = [one for one in kept if one.key == key and one.tokens]
    if not known:
        return 0
    return max(one.bytes * tokens // one.tokens for one in known)


def is_continued(old: bytes, new: bytes) -> bool:
    """Return whether the conversation with the tokens `old` went on as `new`: a template may have rewritten the
    end of the last turn, so nine tenths of it suffice."""
    if not old:
        return True
    need = len(old) * 9 // 10
    return new[:need] == old[:need]
