"""What makes a saved state valid. Pure; what it is made from is read by `router.conversations.identity`.

llama-server checks little: it refuses a state of another KV type or number of streams, takes one of another
model of the same shape without a word, and dies (SIGABRT) of one that was cut off (measured with build
11669). So a state is only ever given to an engine whose key is the same, bit for bit."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from router.catalog.model import Model
from router.config.schema import Kind

SAVE_PATH: Final = "--slot-save-path"
_OFF: Final = frozenset({"false", "off", "no", "0"})
# Flags that differ from launch to launch without affecting the state; each has a value.
_VOLATILE: Final = frozenset({"--port", "--host", "--alias", "--cache-ram", SAVE_PATH})


def is_off(flags: Mapping[str, str | bool], name: str) -> bool:
    """Return whether `flags` turn `name` off, in either spelling."""
    negated, value = flags.get(f"no-{name}"), flags.get(name)
    if negated is not None and str(negated).lower() not in _OFF:
        return True
    return value is not None and str(value).lower() in _OFF


def can_keep(model: Model) -> bool:
    """Return whether hal0 keeps what an engine of `model` reads.

    It does not where a person saves states themselves (`slot-save-path`) or has turned off what it takes
    (`slots`, `cache-prompt`), nor with LoRA adapters: requests change their scales, and a state does not tell
    which it was computed with."""
    flags = model.flags
    if model.file is None or model.kind is not Kind.CHAT or "lora" in (*model.request, *model.force):
        return False
    if "slot-save-path" in flags or any(name.startswith("lora") for name in flags):
        return False
    return not (is_off(flags, "slots") or is_off(flags, "cache-prompt"))


def owner(slot: str, model: Model) -> str:
    """Return whose conversations they are: a slot's, of the models that share one launch key there."""
    key = model.launch_key
    return _digest(["owner", slot, repr(key), *(f"{name}={value}" for name, value in key.env)])


def state_key(
    argv: Sequence[str], files: Iterable[Sequence[object]], build: str, context: int, slots: int
) -> str:
    """Return the digest of everything a state depends on.

    Args:
        argv: the engine's command line: flags, KV types, batch sizes, everything.
        files: identity of the engine and of all files the command line names, as `identity.stamps` tells.
        build: what the engine calls its build (`/props`).
        context: tokens of one sequence.
        slots: sequences at once (`--parallel`).
    """
    lasting = _without_volatile(argv)
    return _digest(["state", *lasting, *(repr(tuple(file)) for file in files), build, str(context), str(slots)])


def _without_volatile(argv: Sequence[str]) -> list[str]:
    dropped = {at for at, word in enumerate(argv) if word in _VOLATILE}
    dropped |= {at + 1 for at in dropped}
    return [word for at, word in enumerate(argv) if at not in dropped]


def saves_to(argv: Sequence[str]) -> str | None:
    """Return the folder that an engine with this command line saves states in."""
    return next((value for name, value in itertools.pairwise(argv) if name == SAVE_PATH), None)


def _digest(parts: Sequence[str]) -> str:
    whole = hashlib.sha256()
    for part in parts:
        whole.update(f"{len(part)}:{part}\0".encode("utf-8", "surrogateescape"))
    return whole.hexdigest()
