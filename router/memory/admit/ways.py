"""What would make a model fit that does not: each way was asked of the engine, which tells what it then takes.

Less context and a smaller cache are `suggest`'s; here a part of the model goes to the processor, or another
quantisation takes its place.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

from router.base.errors import BadModel
from router.catalog.gguf import read_header
from router.catalog.model import Model
from router.memory.admit.contexts import ladder_of, largest
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.admit.placer import Fitting
from router.memory.admit.suggest import CACHE_TYPE, Suggestion, with_small_cache
from router.memory.forecast.needs import Forecast, Source
from router.wire.fit_ways import FitWay

log = logging.getLogger(__name__)

LIMIT_SECONDS: Final = 3.0
EXPERTS: Final = "n-cpu-moe"
LAYERS: Final = "n-gpu-layers"
CACHE_FLAGS: Final = (f"cache-type-k={CACHE_TYPE}", f"cache-type-v={CACHE_TYPE}")
_PLACED: Final = frozenset(
    {EXPERTS, LAYERS, "cpu-moe", "override-tensor", "tensor-split", "split-mode", "device", "fit"}
)
"""Flags by which a person has said where it goes."""


async def ways(
    forecasts: LaunchForecasts, model: Model, fitting: Fitting, found: Suggestion, others: Iterable[Model] = ()
) -> tuple[FitWay, ...]:
    """Return every way known, `found` (see `suggest`) first. `others`: the models one of which may fit in its
    place."""
    listed: list[FitWay] = []
    try:
        async with asyncio.timeout(LIMIT_SECONDS):
            if found.cache_type is not None:
                listed.append(await _told(forecasts, with_small_cache(model), CACHE_FLAGS))
            if found.context is not None:
                flags = (f"ctx-size={found.context}",)
                listed.append(await _told(forecasts, _with(model, flags), flags))
            if (smaller := await _smaller(forecasts, model, fitting, others)) is not None:
                listed.append(smaller)
            await _on_the_processor(forecasts, model, fitting, listed.append)
    except TimeoutError:
        log.info("not every way to fit %s was asked about in time", model.id)
    return tuple(listed)


async def _on_the_processor(
    forecasts: LaunchForecasts, model: Model, fitting: Fitting, found: Callable[[FitWay], None]
) -> None:
    """Tell how much of the model may stay on the GPU: of the experts, which are read a few at a time, or of
    whole layers."""
    has_gpu = any(pool.is_gpu for pool in fitting.view.measured.pools)
    if not has_gpu or model.file is None or _PLACED & model.flags.keys():
        return
    try:
        header = await asyncio.to_thread(read_header, model.file)
    except BadModel:
        return
    layers = header.block_count or 0
    tries: list[tuple[str, Sequence[int]]] = []
    if header.number("{arch}.expert_count"):
        tries.append((EXPERTS, range(1, layers + 1)))
    tries.append((LAYERS, range(layers, -1, -1)))
    for flag, counts in tries:
        if (way := await _first(forecasts, model, fitting, flag, counts)) is not None:
            found(way)


async def _first(
    forecasts: LaunchForecasts, model: Model, fitting: Fitting, flag: str, counts: Sequence[int]
) -> FitWay | None:
    """Return the first of `counts`, each of which takes less of the GPU than the one before, that fits; with a
    smaller cache where it takes that, too."""
    for cache in ((), CACHE_FLAGS):
        if cache and with_small_cache(model) is None:
            continue
        fits = _fits(forecasts, model, fitting, flag, cache)
        count = await largest(tuple(counts), fits)
        if count is not None:
            flags = (f"{flag}={count}", *cache)
            return await _told(forecasts, _with(model, flags), flags)
    return None


def _fits(
    forecasts: LaunchForecasts, model: Model, fitting: Fitting, flag: str, cache: tuple[str, ...]
) -> Callable[[int], Awaitable[bool]]:
    async def fits(count: int) -> bool:
        tried = _with(model, (f"{flag}={count}", *cache))
        forecast = await forecasts.forecast(tried)
        # The formula does not know of these flags; only what the engine has told counts.
        told = forecast is not None and forecast.source is not Source.FORMULA
        return told and await fitting.goes(tried, forecast)

    return fits


async def _smaller(
    forecasts: LaunchForecasts, model: Model, fitting: Fitting, others: Iterable[Model]
) -> FitWay | None:
    """Return the largest other quantisation of the model on this computer that fits."""
    same = [m for m in others if _is_smaller(m, model)]
    for other in sorted(same, key=lambda m: -(m.size_bytes or 0)):
        forecast = await forecasts.forecast(_least(other))
        if await fitting.goes(_least(other), forecast):
            return _way((), forecast, other.id)
    return None


def _is_smaller(other: Model, model: Model) -> bool:
    return (
        other.id != model.id
        and other.kind is model.kind
        and other.problem is None
        and other.quantisation != model.quantisation
        and 0 < (other.size_bytes or 0) < (model.size_bytes or 0)
        and _base(other) == _base(model)
    )


def _base(model: Model) -> str:
    """Return the file's name without its quantisation."""
    name = model.file.stem.casefold() if model.file else model.id.casefold()
    return name.replace((model.quantisation or "").casefold(), "").strip("-._")


def _with(model: Model, flags: Sequence[str]) -> Model:
    given = dict(flag.split("=", 1) for flag in flags)
    return _least(replace(model, flags={**model.flags, **given}))


def _least(model: Model) -> Model:
    """Return `model` with the least context that is of use, where its flags leave that open: more is taken
    where there is room."""
    return model.with_context(ladder_of(model)[-1]) if model.context_open else model


async def _told(forecasts: LaunchForecasts, model: Model | None, flags: tuple[str, ...]) -> FitWay:
    forecast = await forecasts.forecast(model) if model is not None else None
    return _way(flags, forecast)


def _way(flags: tuple[str, ...], forecast: Forecast | None, model: str | None = None) -> FitWay:
    devices = forecast.per_device if forecast is not None else ()
    on_gpu = any(device.is_gpu for device in devices)
    host = sum(device.total for device in devices if not device.is_gpu) if on_gpu else 0
    return FitWay(flags, forecast.needs if forecast is not None else 0, host, model)
