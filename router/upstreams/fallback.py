"""Who answers where a slot cannot, in which order, with which model. Pure.

A slot's `fallback` answers where the slot itself is at fault: it has no model, that did not load or may not be
tried again yet, memory is short, a pinned slot may not be loaded beside it, the engine died before it answered,
the queue is full, the wait was too long. Not where the request is at fault (a mistake in it, an unknown model,
one the slot may not switch to), a person intervened (cancelled, unloaded, quit), or the caller asked not to
wait: it has plans of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router.base.errors import (
    BadModel,
    EngineFailed,
    EngineMissing,
    EngineRefused,
    MemoryInsufficient,
    NoRoute,
    NotTogether,
    QueueFull,
    RouterError,
    SlotEmpty,
    WaitTimeout,
)
from router.config.schema import UpstreamConfig
from router.config.upstreams import split_target
from router.state import SlotStatus, UpstreamState, UpstreamStatus

_SLOTS_FAULT: Final = (
    BadModel,
    EngineFailed,
    EngineMissing,
    MemoryInsufficient,
    NotTogether,
    QueueFull,
    SlotEmpty,
    WaitTimeout,
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """`target` is `upstream` or `upstream/model`. Where it names no model, one that is called there as one of
    `names` answers: what the client asked for, what the slot holds, the slot."""

    target: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """`model` None: it cannot be asked, for this `reason`."""

    upstream: str
    model: str | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tried:
    """`by`: the slot, or `upstream`; `reason` why it did not answer, without its full stop; `mends`: it may
    answer when it is asked again."""

    by: str
    reason: str
    retry_after: float | None = None
    mends: bool = True


def falls_back(error: RouterError) -> bool:
    """Return whether a slot's `fallback` answers instead of this error, before anything of an answer was
    sent."""
    if isinstance(error, EngineRefused):
        return error.status >= 500
    return isinstance(error, _SLOTS_FAULT)


def fallbacks(slot: SlotStatus, model: str | None) -> tuple[Wanted, ...]:
    """Return who answers instead of `slot`, in order; `model` is the one that the request named, if any."""
    names = tuple(dict.fromkeys(name for name in (model, slot.serving, slot.name) if name))
    return tuple(Wanted(target, names) for target in slot.fallback)


def attempt(
    wanted: Wanted, upstreams: Mapping[str, UpstreamConfig], states: Sequence[UpstreamStatus]
) -> Attempt:
    """Return whom to ask for `wanted` as things stand."""
    name, model = split_target(wanted.target)
    config = upstreams.get(name)
    state = next((s for s in states if s.name == name), None)
    if config is None or state is None:
        return Attempt(name, None, "it is not in hal0.yaml any more")
    if state.state in (UpstreamState.DOWN, UpstreamState.WAKING):
        return Attempt(name, None, _reason(state.error or "It is down."))
    model = model or _model_for(wanted.names, config, state)
    if model is None:
        return Attempt(name, None, _which_model(name, state))
    return Attempt(name, model)


def _reason(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:].rstrip(".")


def _model_for(names: Sequence[str], config: UpstreamConfig, state: UpstreamStatus) -> str | None:
    """Return the one of the same name; else the first that hal0.yaml lists for it; else the only one it has.
    Never one among many: that would be a guess, and may cost money."""
    same = next((name for name in names if name in state.models), None)
    if same is not None:
        return same
    if config.models:
        return config.models[0]
    return state.models[0] if len(state.models) == 1 else None


def _which_model(name: str, state: UpstreamStatus) -> str:
    count = len(state.models)
    has = f"it has {count} models and none of that name" if count else "it lists no models"
    return f"{has}; write {name}/MODEL under fallback:"


def no_route(name: str, tried: Sequence[Tried]) -> NoRoute:
    """Return the error that names everyone who was asked to answer for `name`, and why nobody did."""
    reasons = "; ".join(f"{one.by}: {one.reason}" for one in tried)
    details: dict[str, Any] = {"attempts": [{"by": one.by, "reason": one.reason} for one in tried]}
    waits = [one.retry_after for one in tried if one.retry_after is not None]
    return NoRoute(
        f'Nobody could answer for "{name}". {reasons}.',
        details=details,
        retry_after=min(waits, default=None),
        mends=any(one.mends for one in tried),
    )
