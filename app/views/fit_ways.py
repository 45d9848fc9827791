"""Pure: the ways in which a model would fit (`router.wire.fit_ways`) → sentences."""

from __future__ import annotations

from app.texts import fit as words
from router.config.sizes import memory_size
from router.wire.fit_ways import FitWay, FitWays

_CACHE = ("cache-type-k", "cache-type-v")


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
