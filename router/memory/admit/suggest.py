"""Which change would make a model fit that does not: less context, or a smaller key-value cache.

Nothing is suggested that the forecaster was not asked about; that is done a few times at most.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from router.catalog.context import number
from router.catalog.model import Model
from router.memory.admit.contexts import SMALLEST, ladder_of
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.plan import Amounts
from router.memory.admit.view import View
from router.memory.forecast.needs import Forecast

LIMIT_SECONDS: Final = 2.0
CACHE_TYPE: Final = "q8_0"
_STEP: Final = 1024
_PLAIN_CACHES: Final = (None, "f16", "bf16", "f32")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Each would do by itself; None: it would not, or is not known to. `context` is the flag `ctx-size`."""

    context: int | None = None
    cache_type: str | None = None


async def suggest(forecasts: LaunchForecasts, model: Model, view: View) -> Suggestion:
    """Suggest a change for `model`, for which `view` has too little."""
    found = Suggestion()
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            quantised = view.need(await _forecast(forecasts, with_small_cache(model)))
            if quantised is not None and view.fits(quantised):
                found = replace(found, cache_type=CACHE_TYPE)
            if not model.context_open:
                context = await _context(forecasts, model, view)
                found = replace(found, context=_ctx_size(model, context) if context else None)
    except TimeoutError:
        return found
    return found


def _ctx_size(model: Model, context: int) -> int:
    """Return what to write for `context` tokens in each request."""
    return number(model.with_context(context).flags, "ctx-size") or context


async def _context(forecasts: LaunchForecasts, model: Model, view: View) -> int | None:
    """Return the largest context that fits, in steps of 1024 tokens. What a model takes grows evenly with it,
    so two answers tell where to look, and one more whether that is so."""
    asked = model.context_length or 0
    if asked <= SMALLEST:
        return None
    least = view.need(await _forecast(forecasts, model.with_context(SMALLEST)))
    whole = view.need(await _forecast(forecasts, model))
    if least is None or whole is None or not view.fits(least):
        return None
    most = tuple(amount - view.headroom for amount in view.capacity)
    guess = min(_between(least, whole, most, asked), model.context_trained or asked)
    for size in (guess, guess - guess // 16 // _STEP * _STEP):
        if size > SMALLEST:
            there = view.need(await _forecast(forecasts, model.with_context(size)))
            if there is not None and view.fits(there):
                return size
    return SMALLEST


def _between(low: Amounts, high: Amounts, most: Amounts, asked: int) -> int:
    """Return the tokens at which the tightest pool is full, on the line from `low` (SMALLEST) to `high`
    (`asked`)."""
    share = min(
        ((m - n) / (h - n) for n, h, m in zip(low, high, most, strict=True) if h > n and h > m), default=1.0
    )
    size = int(SMALLEST + max(0.0, share) * (asked - SMALLEST))
    return min(size // _STEP * _STEP, asked - 1)


def with_small_cache(model: Model) -> Model | None:
    """Return `model` with a smaller cache; None if it is small already, or flash attention is off, without
    which values stay whole."""
    types = (model.flags.get("cache-type-k"), model.flags.get("cache-type-v"))
    if any(kind not in _PLAIN_CACHES for kind in types) or model.flags.get("flash-attn") in (False, "off", "0"):
        return None
    flags = {**model.flags, "cache-type-k": CACHE_TYPE, "cache-type-v": CACHE_TYPE}
    small = replace(model, flags=flags)
    return small.with_context(ladder_of(small)[-1]) if model.context_open else small


async def _forecast(forecasts: LaunchForecasts, model: Model | None) -> Forecast | None:
    return await forecasts.forecast(model) if model is not None else None
