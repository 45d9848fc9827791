"""The 507 in words and numbers: what is needed, what there is, who has the rest. Pure but for names.

`router.slots.admission` has one more, for slots that must be emptied and are in use each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import psutil

from router.base.errors import MemoryInsufficient
from router.config.sizes import memory_size
from router.memory.admit.plan import Amounts, Holder, missing
from router.memory.admit.suggest import Suggestion
from router.memory.admit.view import View, gpu_name
from router.memory.admit.ways import EXPERTS, LAYERS
from router.memory.measure.pools import Pool
from router.wire.fit_ways import FitWay

_NAMED = 3


def does_not_fit(
    model: str,
    need: Amounts,
    view: View,
    suggestion: Suggestion,
    ways: Sequence[FitWay] = (),
    alone: Amounts = (),
) -> MemoryInsufficient:
    """Return the refusal before anything was touched. `alone`: what each GPU would have to hold of the whole
    model, where hal0 has looked for one."""
    short = missing(need, view.capacity, view.headroom)
    lacking = [index for index, amount in enumerate(short) if amount]
    parts = "; ".join(_arithmetic(index, need, short, view) for index in lacking)
    advice = _advice(suggestion, ways) or "unload another slot, choose a smaller model, or force it"
    details: dict[str, Any] = {"model": model, "slot": view.slot}
    details["pools"] = _pools(need, view.capacity, short, view)
    if suggestion != Suggestion():
        details["suggestion"] = {"ctx_size": suggestion.context, "cache_type": suggestion.cache_type}
    if ways:
        details["ways"] = [asdict(way) for way in ways]
    if any(alone):
        details["alone"] = _each_alone(alone, view)
    elsewhere = _nowhere(alone, view) if any(alone) else _divided(need, short, view)
    sentence = f'Model "{model}" does not fit: it needs {parts}{elsewhere}; {advice}.'
    return MemoryInsufficient(sentence, details=details)


def did_not_return(model: str, need: Amounts, view: View, names: Mapping[int, str]) -> MemoryInsufficient:
    """Return the refusal after what ran was stopped. `names`: of the processes that `view` lists as others."""
    short = missing(need, view.room, 0)
    index = max(range(len(short)), key=short.__getitem__)
    holders = _who(index, view, names)
    of = view.name(index)
    held = f"; it is held by {_listed(holders)}" if holders else ""
    message = (
        f'The memory for model "{model}" did not come back: it needs {memory_size(need[index])} of {of} '
        f"and {memory_size(view.room[index])} is free{held}; end what holds it, or choose a smaller model."
    )
    details = {"model": model, "slot": view.slot, "pools": _pools(need, view.room, short, view)}
    return MemoryInsufficient(message, details=details)


def process_names(pools: Sequence[Pool]) -> dict[int, str]:
    """Return the names of processes that are not ours, as far as they may be asked. Blocks."""
    names = {}
    for pid in {pid for pool in pools for pid in pool.others}:
        try:
            names[pid] = psutil.Process(pid).name()
        except psutil.Error:
            names[pid] = "a process"
    return names


def _arithmetic(index: int, need: Amounts, short: Amounts, view: View) -> str:
    """Write "18.2 GiB of GPU; 6.1 GiB is free, primary would give back 4 GiB, 1 GiB is kept free: 8.6 GiB
    short"."""
    parts = [f"{memory_size(max(0, view.room[index]))} is free"]
    if view.outgoing[index]:
        parts.append(f"{view.slot} would give back {memory_size(view.outgoing[index])}")
    parts += [_part(holder, holder.gives[index]) for holder in view.holders if holder.gives[index]]
    parts.append(f"{memory_size(view.headroom)} is kept free")
    of = view.name(index)
    return f"{memory_size(need[index])} of {of}; {', '.join(parts)}: {memory_size(short[index])} short"


def _each_alone(alone: Amounts, view: View) -> list[dict[str, Any]]:
    """Describe each GPU that could have held all of it, in bytes."""
    short = missing(alone, view.capacity, view.headroom)
    return [
        {"gpu": index, "name": pool.name, "needs": alone[index], "available": view.capacity[index],
         "short": short[index]}
        for index, pool in enumerate(view.measured.pools) if alone[index]
    ]  # fmt: skip


def _nowhere(alone: Amounts, view: View) -> str:
    """Write "; on one GPU it would take 30 GiB, and GPU 0 (RTX 3090) has 22 GiB for it, also together"."""
    each = [f"{_gpu(index, view)} has {_at_most(index, view)}" for index, needs in enumerate(alone) if needs]
    return f"; on one GPU it would take {memory_size(max(alone))}, and {_listed(each)} for it, also together"


def _divided(need: Amounts, short: Amounts, view: View) -> str:
    """Write "; as llama-server divides it GPU 1 (RTX A4000) would hold 4 GiB and has 11 GiB for it" of the GPUs
    where it would go, "" if none has a part of it."""
    pools = view.measured.pools
    goes = [index for index, pool in enumerate(pools) if pool.is_gpu and need[index] and not short[index]]
    each = [
        f"{_gpu(index, view)} would hold {memory_size(need[index])} and has {_at_most(index, view)} for it"
        for index in goes
    ]
    return f"; as llama-server divides it {_listed(each)}" if each else ""


def _gpu(index: int, view: View) -> str:
    return gpu_name(index, view.measured.pools[index].name)


def _at_most(index: int, view: View) -> str:
    """Return what there would be for a model with all gone that may go."""
    return memory_size(max(0, view.capacity[index] - view.headroom))


def _part(holder: Holder, amount: int) -> str:
    if holder.apart:
        return f"{holder.slot}, which together: in hal0.yaml keeps apart, would give back {memory_size(amount)}"
    if holder.evictable:
        return f"{holder.slot} would give back {memory_size(amount)}"
    if holder.spared:
        return f"{holder.slot} was loaded before it and keeps {memory_size(amount)}"
    return f"{holder.slot} is in use or pinned and keeps {memory_size(amount)}"


def _leaves(holder: Holder) -> bool:
    return holder.evictable or holder.apart


def _advice(suggestion: Suggestion, found: Sequence[FitWay]) -> str:
    ways = []
    if suggestion.context is not None:
        ways.append(f"with ctx-size {suggestion.context}")
    if suggestion.cache_type is not None:
        bits = "an 8-bit" if suggestion.cache_type == "q8_0" else "a smaller"
        ways.append(f"with {bits} KV cache (cache-type-k/v {suggestion.cache_type})")
    for way in found:
        name, _, count = way.flags[0].partition("=") if way.flags else ("", "", "")
        cache = " and an 8-bit KV cache" if len(way.flags) > 1 else ""
        if name == EXPERTS:
            ways.append(f"with the experts of {count} layers on the processor ({EXPERTS} {count}){cache}")
        elif name == LAYERS:
            ways.append(f"with {count} layers on the GPU ({LAYERS} {count}){cache}")
    return f"it would fit {', or '.join(ways)}" if ways else ""


def _pools(need: Amounts, available: Amounts, short: Amounts, view: View) -> list[dict[str, Any]]:
    """Describe the pools the model needs, in bytes."""
    return [
        {
            "name": pool.name,
            "needs": need[index],
            "free": view.room[index],
            "headroom": view.headroom,
            "short": short[index],
            "available": available[index],
            "gives_back": {
                **({view.slot: view.outgoing[index]} if view.outgoing[index] else {}),
                **{h.slot: h.gives[index] for h in view.holders if _leaves(h) and h.gives[index]},
            },
            "keeps": {h.slot: h.gives[index] for h in view.holders if not _leaves(h) and h.gives[index]},
        }
        for index, pool in enumerate(view.measured.pools)
        if need[index]
    ]


def _who(index: int, view: View, names: Mapping[int, str]) -> list[str]:
    """Return the largest holders of a pool: our slots, and processes where the driver tells."""
    ours = [(sum_, f"slot {name}") for name, sum_ in _slots(index, view).items() if sum_]
    others = [
        (amount or 0, f"{names.get(pid, 'a process')} (pid {pid})")
        for pid, amount in view.measured.pools[index].others.items()
    ]
    ranked = sorted(ours + others, key=lambda found: -found[0])[:_NAMED]
    return [f"{who} with {memory_size(amount)}" if amount else who for amount, who in ranked]


def _slots(index: int, view: View) -> dict[str, int]:
    held: dict[str, int] = {}
    for occupant, claim in view.charged:
        held[occupant.slot] = held.get(occupant.slot, 0) + claim.gives[index]
    return held


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
