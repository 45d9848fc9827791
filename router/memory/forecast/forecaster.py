"""How much memory a model will take, before it loads: asked of the engine, computed where it cannot say, and
corrected by what models were seen to take. Kept across restarts."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

from router.base.errors import BadModel, RouterError
from router.base.files import write_atomic
from router.catalog.gguf import read_header
from router.catalog.model import LaunchKey, Model
from router.memory.forecast.companions import Companions, companions_of, draft_flags
from router.memory.forecast.dryrun import DryRunner, Told
from router.memory.forecast.formula import formula, head_need
from router.memory.forecast.needs import DeviceNeed, Forecast, Source
from router.memory.measure.pools import Pool

log = logging.getLogger(__name__)

KEPT: Final = 500
"""Forecasts in the cache file; the oldest are dropped first."""

RETRY_SECONDS: Final = 30.0
"""Seconds to wait when the engine could not be asked at all: it may be installed by then."""

MOST_LEARNT: Final = 1.5
_VERSION: Final = 2
# What hides GPUs from an engine by listing those that it may see, by the engine's name for them: the first of
# each row that is set, then of the next row, which counts among all. ROCm's docs: "GPU isolation techniques".
_NARROWS: Final[Mapping[str, Sequence[Sequence[str]]]] = {
    "CUDA": [["CUDA_VISIBLE_DEVICES"]],
    "ROCm": [["HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"], ["ROCR_VISIBLE_DEVICES"]],
    "Vulkan": [["GGML_VK_VISIBLE_DEVICES"]],
}
_NARROWING: Final = tuple(dict.fromkeys(one for rows in _NARROWS.values() for row in rows for one in row))


class Engine(Protocol):
    """Knows how to ask llama-server (router.engine.launcher.Launcher)."""

    async def dry_run(self, model: Model) -> tuple[list[str], dict[str, str]] | None:
        """Return command line and environment, or None for an engine that cannot tell. Raises RouterError."""
        ...


@dataclass(frozen=True, slots=True)
class _Kept:
    """An answer of the engine, and the ratio of what was really taken to that."""

    devices: tuple[DeviceNeed, ...]
    ratio: float = 1.0

    @property
    def forecast(self) -> Forecast:
        said = Forecast(self.devices, Source.ENGINE)
        return said if self.ratio == 1.0 else _corrected(said, self.ratio)


_Devices = tuple[tuple[str, int], ...]
_Known = tuple[LaunchKey, int | None, _Devices]


class Forecaster:
    """Answers for models as they are on the disk now. All on one loop; disk and engine in the background."""

    def __init__(self, cache: Path, engine: Engine) -> None:
        """Keep answers in `cache`, a folder that may be deleted at any time."""
        self._file = cache / "forecasts.json"
        self._engine = engine
        self._runner = DryRunner()
        self._kept: dict[str, _Kept] | None = None
        self._known: dict[_Known, tuple[Forecast | None, str | None]] = {}
        self._next: dict[_Known, float] = {}
        self._refused: dict[_Known, str] = {}
        self._devices: _Devices = ()
        self._uuids: dict[str, int] = {}
        self._one_at_a_time = asyncio.Lock()

    def use_engine(self, engine: Engine) -> None:
        """Ask this one from now on, about every model anew."""
        self._engine = engine
        self._known, self._next, self._refused = {}, {}, {}

    def use_devices(self, pools: Iterable[Pool]) -> bool:
        """Use these GPUs from now on: what models take depends on them, so what was known for others does not
        count.

        Returns whether they differ from those before.
        """
        gpus = [pool for pool in pools if pool.is_gpu]
        found = tuple((gpu.name, gpu.total) for gpu in gpus)
        self._uuids = {gpu.uuid: number for number, gpu in enumerate(gpus) if gpu.uuid}
        before, self._devices = self._devices, found
        return found != before

    def known(self, model: Model) -> Forecast | None:
        """Return what was answered last, without asking anybody."""
        return self._known.get(self._key(model), (None, None))[0]

    def refused(self, model: Model) -> str | None:
        """Return why the engine does not take the flags of `model`, one sentence; None if it does, or was not
        asked yet."""
        return self._refused.get(self._key(model))

    def is_due(self, model: Model, now: float) -> bool:
        """Return whether to ask at loop time `now`: not yet answered, or by the formula for want of an
        engine."""
        return now >= self._next.get(self._key(model), now)

    async def forecast(self, model: Model) -> Forecast | None:
        """Return what `model` takes with its flags; None for another engine's command and for what cannot be
        read."""
        key, engine = self._key(model), self._engine
        self._next[key] = asyncio.get_running_loop().time() + RETRY_SECONDS
        found, name, settled = await self._find(model, engine, key[-1])
        if engine is self._engine:
            self._known[key] = found, name
            if settled:
                self._next[key] = float("inf")
        return found

    async def computed(self, model: Model) -> Forecast | None:
        """Return the formula's forecast, for those who cannot wait for an engine to answer. It is not kept."""
        if model.file is None or model.problem:
            return None
        return await asyncio.to_thread(_computed, model)

    async def learn(self, model: Model, measured: int) -> Forecast | None:
        """Correct what is known by the bytes it took where it counts (`Forecast.needs`) once loaded.

        It is never corrected to less than the engine says: what is allocated but not yet touched comes later.
        """
        name = self._known.get(self._key(model), (None, None))[1]
        kept = (await self._load()).get(name or "")
        if name is None or kept is None:
            return self.known(model)
        needs = Forecast(kept.devices, Source.ENGINE).needs
        ratio = round(min(max(measured / needs, 1.0), MOST_LEARNT), 3)
        if abs(ratio - kept.ratio) >= 0.01:
            await self._keep(name, replace(kept, ratio=ratio))
            self._known[self._key(model)] = replace(kept, ratio=ratio).forecast, name
        return self.known(model)

    def _key(self, model: Model) -> _Known:
        return model.launch_key, model.size_bytes, self._devices

    async def _find(
        self, model: Model, engine: Engine, devices: _Devices
    ) -> tuple[Forecast | None, str | None, bool]:
        """Return the answer, its name in the cache file, and whether asking again would be in vain."""
        if model.file is None or model.problem:
            return None, None, True
        beside = await asyncio.to_thread(companions_of, model)
        try:
            question, engine_there = await engine.dry_run(model), True
        except BadModel as error:
            question, engine_there = None, True
            if engine is self._engine:
                self._refused[self._key(model)] = error.message
        except RouterError as error:
            log.debug("no forecast from the engine: %s", error.message)
            question, engine_there = None, False
        if question is not None:
            argv, environment = question
            seen = [devices, [environment.get(name) for name in _NARROWING], beside.adapters]
            seen += [sorted(model.env.items())] if model.env else []
            files = [model.file, *([beside.draft] if beside.draft else [])]
            name = await asyncio.to_thread(_name, argv, files, seen)
            kept = (await self._load()).get(name)
            if kept is None and (told := await self._runner.ask(argv, environment, beside.contexts)):
                found = await asyncio.to_thread(_together, model, told, beside)
                kept = _Kept(_renumbered(found, environment, self._uuids))
                await self._keep(name, kept)
            if kept is not None:
                return kept.forecast, name, True
        return await asyncio.to_thread(_computed, model), None, engine_there

    async def _load(self) -> dict[str, _Kept]:
        async with self._one_at_a_time:
            if self._kept is None:
                self._kept = await asyncio.to_thread(_read, self._file)
            return self._kept

    async def _keep(self, name: str, kept: _Kept) -> None:
        known = await self._load()
        known.pop(name, None)
        known[name] = kept
        while len(known) > KEPT:
            del known[next(iter(known))]
        async with self._one_at_a_time:
            await asyncio.to_thread(_write, self._file, dict(known))


def _corrected(said: Forecast, ratio: float) -> Forecast:
    """Return `said` plus what was not accounted for, placed where memory is short, beside the work buffers."""
    on_gpu = any(device.is_gpu for device in said.per_device)
    devices = tuple(
        replace(d, compute=d.compute + round(d.total * (ratio - 1))) if d.is_gpu is on_gpu else d
        for d in said.per_device
    )
    return Forecast(devices, Source.LEARNT)


# -- blocking: called in a thread ----------------------------------------------------------------------------


def _name(argv: list[str], files: list[Path], seen: object) -> str:
    """Return a name, equal for what must have the same answer: the same engine, arguments, files, and visible
    GPUs."""
    identity: list[object] = [argv, seen]
    for path in (Path(argv[0]), *files):
        try:
            status = path.stat()
            identity.append((status.st_size, status.st_mtime_ns))
        except OSError:
            identity.append(None)
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:32]


def _renumbered(
    devices: tuple[DeviceNeed, ...], environment: Mapping[str, str], uuids: Mapping[str, int]
) -> tuple[DeviceNeed, ...]:
    """Give GPUs their numbers among all there are, `uuids` among them: an engine counts those it sees."""

    def number(listed: str) -> str:
        # CUDA takes the beginning of a UUID, too, where only one begins so.
        meant = [count for uuid, count in uuids.items() if listed and uuid.startswith(listed)]
        return str(meant[0]) if len(meant) == 1 else listed

    def name(device: DeviceNeed) -> str:
        found = re.fullmatch(r"([A-Za-z]+)(\d+)", device.name)
        if found is None:
            return device.name
        kind, place = found[1], found[2]
        for row in _NARROWS.get(kind, ()):
            seen = next((environment[one] for one in row if environment.get(one)), "")
            numbers = [number(one.strip()) for one in seen.split(",")] if seen else []
            if seen and (int(place) >= len(numbers) or not numbers[int(place)].isdecimal()):
                return device.name  # listed by ids that nobody knows
            place = numbers[int(place)] if seen else place
        return kind + place

    return tuple(replace(device, name=name(device)) for device in devices)


def _together(model: Model, told: Told, beside: Companions) -> tuple[DeviceNeed, ...]:
    """Return everything the engine will hold. What it does not tell of a draft is computed."""
    own, *others = told.contexts
    found = own
    for context in others:  # the model's own head has no weights of its own
        found = _added(found, [replace(d, model=0) if beside.own_head else d for d in context])
    if not others and beside.contexts > 1 and (draft := _drafting(model, beside)) is not None:
        found = _added(found, [_at_first(found, draft)])
    if size := max(beside.projector, told.projector):
        found = _added(found, [_projector(found, size, beside)])
    return _added(found, [_at_first(found, beside.adapters)]) if beside.adapters else found


def _projector(devices: tuple[DeviceNeed, ...], size: int, beside: Companions) -> DeviceNeed:
    """Return what a projector of `size` bytes takes, and where."""
    if (device := beside.projector_device) and not beside.projector_on_host:
        same = (known.name for known in devices if known.name.casefold() == device.casefold())
        return DeviceNeed(next(same, device), size, 0, 0, is_gpu=True)
    if beside.projector_on_host or not any(device.is_gpu for device in devices):
        return DeviceNeed("Host", size, 0, 0)
    return _at_first(devices, size)


def _at_first(devices: tuple[DeviceNeed, ...], what: DeviceNeed | int) -> DeviceNeed:
    """Return `what` as a need of the first GPU, where a draft, a projector or an adapter goes."""
    first = next((device for device in devices if device.is_gpu), devices[0])
    need = DeviceNeed("", what, 0, 0) if isinstance(what, int) else what
    return replace(need, name=first.name, is_gpu=first.is_gpu)


def _added(devices: tuple[DeviceNeed, ...], more: Iterable[DeviceNeed]) -> tuple[DeviceNeed, ...]:
    """Add `more` device by device."""
    found = {device.name: device for device in devices}
    for d in more:
        had = found.get(d.name, DeviceNeed(d.name, 0, 0, 0, d.is_gpu))
        found[d.name] = replace(
            had, model=had.model + d.model, context=had.context + d.context, compute=had.compute + d.compute
        )
    return tuple(device for device in found.values() if device.total)


def _computed(model: Model) -> Forecast | None:
    assert model.file is not None
    beside = companions_of(model)
    try:
        header = read_header(model.file)
    except BadModel as error:
        log.debug("no forecast: %s", error.message)
        return None
    size = (model.size_bytes or header.file_size) + beside.projector + beside.adapters
    said = formula(header, model.engine_flags, size)
    draft = _drafting(model, beside)
    return (
        said
        if draft is None
        else replace(said, per_device=_added(said.per_device, [_at_first(said.per_device, draft)]))
    )


def _drafting(model: Model, beside: Companions) -> DeviceNeed | None:
    """Return what the model's draft or own head takes, by the formula; None if that is nothing or cannot be
    read."""
    file = model.file if beside.own_head else beside.draft
    if file is None:
        return None
    try:
        header = read_header(file)
    except BadModel as error:
        log.debug("no forecast of what it drafts with: %s", error.message)
        return None
    flags = draft_flags(model.engine_flags)
    if beside.own_head:
        return head_need(header, flags)
    return formula(header, flags, header.file_size).per_device[0]


def _read(file: Path) -> dict[str, _Kept]:
    """Return what was saved; an absent or damaged file is an empty cache."""
    try:
        saved = json.loads(file.read_bytes())
        if saved["version"] != _VERSION:
            return {}
        return {str(name): _parse(entry) for name, entry in list(saved["forecasts"].items())[-KEPT:]}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        log.info("%s is of no use (%s); models are asked about anew", file, error)
        return {}


def _parse(entry: Mapping[str, Any]) -> _Kept:
    """Return the saved forecast. Raises ValueError for an impossible one."""
    devices = tuple(
        DeviceNeed(str(name), int(model), int(context), int(compute), gpu is True)
        for name, model, context, compute, gpu in entry["devices"]
    )
    kept = _Kept(devices, float(entry["ratio"]))
    if not devices or not 1.0 <= kept.ratio <= MOST_LEARNT:
        raise ValueError("a forecast that cannot be")
    if any(min(d.model, d.context, d.compute) < 0 or not d.total for d in devices):
        raise ValueError("a forecast that cannot be")
    return kept


def _write(file: Path, known: Mapping[str, _Kept]) -> None:
    entries = {
        name: {
            "devices": [(d.name, d.model, d.context, d.compute, d.is_gpu) for d in kept.devices],
            "ratio": kept.ratio,
        }
        for name, kept in known.items()
    }
    try:
        write_atomic(file, json.dumps({"version": _VERSION, "forecasts": entries}).encode())
    except OSError as error:
        log.warning("forecasts could not be saved: %s", error)
