"""Pure: the ways in which a model would fit (`router.wire.fit_ways`) → sentences."""

from __future__ import annotations

from dataclasses import replace

from app.texts import fit as words
from app.views.menu import Action, Command
from router.config.sizes import memory_size
from router.memory.admit.model_fits import model_fits
from router.memory.forecast.needs import Fit
from router.state import ModelStatus, Snapshot
from router.wire.fit_ways import FitWay, FitWays

_CACHE = ("cache-type-k", "cache-type-v")


def needs_a_way(model: ModelStatus, snapshot: Snapshot) -> bool:
    """Return whether the model could be loaded, and does not fit into any slot now."""
    loaded = any(model.id in slot.loaded for slot in snapshot.slots)
    return not loaded and model.problem is None and model_fits(snapshot).best(model.id).fit is Fit.SHORT


def commands_for(way: FitWay, model: ModelStatus, snapshot: Snapshot) -> tuple[Command, ...]:
    """Return what loads it in this way, for each slot of this computer that may hold it."""
    wanted = way.model or model.id
    slots = [slot.name for slot in snapshot.slots if wanted in slot.choices and slot.upstream is None]
    return tuple(Command(Action.LOAD, slot, wanted, flags=way.flags) for slot in slots)


def once_commands_for(way: FitWay, model: ModelStatus, snapshot: Snapshot) -> tuple[Command, ...]:
    """Return the same, with flags for that load only; none of a way that takes no flags."""
    if not way.flags:
        return ()
    return tuple(replace(command, once=True) for command in commands_for(way, model, snapshot))


def fit_sentence(found: FitWays) -> str:
    """Return one line with every way there is."""
    if found.fits:
        return words.FITS_NOW
    return "; ".join(way_sentence(way) for way in found.ways) or words.NO_WAY


def way_sentence(way: FitWay) -> str:
    """Write `it would fit with the experts of 21 layers on the processor (n-cpu-moe 21): 19.1 GiB`."""
    if way.model is not None:
        return words.instead(way.model)
    return words.with_these(words.together(_parts(way)), memory_size(way.needs))


def _parts(way: FitWay) -> list[str]:
    parts = []
    for flag in way.flags:
        name, _, value = flag.partition("=")
        if name in _CACHE:
            if words.SMALL_CACHE not in parts:
                parts.append(words.SMALL_CACHE)
        else:
            said = {"n-cpu-moe": words.experts, "n-gpu-layers": words.layers, "ctx-size": words.context}
            parts.append(said[name](value) if name in said else f"{name} {value}")
    return parts
