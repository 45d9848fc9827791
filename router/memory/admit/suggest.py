"""Which change would make a model fit that does not: less context, or a smaller key-value cache.

Nothing is suggested that the forecaster was not asked about; that is done a few times at most.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from router.catalog.context import number
from router.catalog.model import Model
from router.memory.admit.contexts import SMALLEST, ladder_of, largest
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.placer import Fitting
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


async def suggest(forecasts: LaunchForecasts, model: Model, fitting: Fitting) -> Suggestion:
    """Suggest a change for `model`, which does not go as it is."""
    found = Suggestion()
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            small = with_small_cache(model)
            if small is not None and await fitting.goes(small, await forecasts.forecast(small)):
                found = replace(found, cache_type=CACHE_TYPE)
            if not model.context_open:
                context = await _context(forecasts, model, fitting)
                found = replace(found, context=_ctx_size(model, context) if context else None)
    except TimeoutError:
        return found
    return found


def _ctx_size(model: Model, context: int) -> int:
    """Return what to write for `context` tokens in each request."""
    return number(model.with_context(context).flags, "ctx-size") or context


async def _context(forecasts: LaunchForecasts, model: Model, fitting: Fitting) -> int | None:
    """Return the largest context that fits, in steps of 1024 tokens."""
    asked, most = model.context_length or 0, model.context_trained
    if asked <= SMALLEST:
        return None

    async def goes(size: int) -> bool:
        changed = model.with_context(size)
        return await fitting.goes(changed, await forecasts.forecast(changed))

    if not await goes(SMALLEST):
        return None
    whole = await forecasts.forecast(model)
    if fitting.chooses(model, whole):  # another context may go to another GPU: there is no line to follow
        last = min(asked - 1, most or asked) // _STEP * _STEP
        return await largest(range(last, SMALLEST, -_STEP), goes) or SMALLEST
    least = await forecasts.forecast(model.with_context(SMALLEST))
    guess = min(_full_at(least, whole, fitting.view, asked), most or asked)
    for size in (guess, guess - guess // 16 // _STEP * _STEP):
        if size > SMALLEST and await goes(size):
            return size
    return SMALLEST


def _full_at(least: Forecast | None, whole: Forecast | None, view: View, asked: int) -> int:
    """Return the tokens at which the tightest pool is full. What a model takes grows evenly with them, so the
    answers for SMALLEST and `asked` tell where."""
    low, high = view.need(least), view.need(whole)
    if low is None or high is None:
        return SMALLEST
    return _between(low, high, tuple(amount - view.headroom for amount in view.capacity), asked)


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
