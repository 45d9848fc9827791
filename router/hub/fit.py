"""Whether a model would fit into this computer's memory now, and onto its disk. Blocking, some milliseconds."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from router.base.errors import PullFailed
from router.catalog.header import GgufHeader, kind_of, reads_whole
from router.catalog.model import BATCHES
from router.config.sizes import file_size
from router.memory.admit.contexts import SMALLEST, ladder
from router.memory.forecast.formula import formula
from router.memory.forecast.needs import HEADROOM, compare
from router.memory.measure.pools import Pool
from router.memory.measure.sources import find_source
from router.wire.hub_offer import OfferedFit

SPARE: Final = 64 << 20
"""Bytes a disk should have left afterwards: for logs, and for whoever else writes."""


def offered_fit(
    header: GgufHeader,
    size_bytes: int,
    headroom: int = HEADROOM,
    held: int = 0,
    pools: Sequence[Pool] | None = None,
) -> OfferedFit:
    """Return what the files of `size_bytes` would take, with the context hal0 would choose, against what is
    free, and what slots hold of it. `headroom`: of each GPU. `pools`: the memory, where it has been read
    already."""
    pools = find_source().read(()) if pools is None else pools
    counted = [pool for pool in pools if pool.is_gpu] or list(pools)
    free, total = sum(pool.free for pool in counted), sum(pool.total for pool in counted)
    free = min(total, free + held)
    trained = header.context_length or SMALLEST
    contexts = ladder(trained, small=reads_whole(header, kind_of(header)))
    usable = min(total, _usable([pool.free for pool in counted], headroom) + held)
    context, needs = _largest(header, size_bytes, contexts, usable - headroom)
    is_gpu = any(pool.is_gpu for pool in counted)
    fit, margin = compare(needs, usable, headroom)
    return OfferedFit(needs, context, trained, free, total, is_gpu, fit.value, margin, held)


def _usable(free: Sequence[int], headroom: int) -> int:
    """Return the bytes that a model may have of all GPUs, with one headroom: each it goes over keeps one."""
    beyond = sum(max(0, amount - headroom) for amount in free)
    return beyond + headroom if beyond else max(free, default=0)


def _largest(header: GgufHeader, size_bytes: int, contexts: Sequence[int], most: int) -> tuple[int, int]:
    """Return the first of `contexts`, which fall, that takes at most `most` bytes, else the last; and what that
    is."""
    context, needs = contexts[0], 0
    for context in contexts:
        batches = BATCHES if reads_whole(header, kind_of(header)) else ()
        needs = formula(header, dict.fromkeys(("ctx-size", *batches), str(context)), size_bytes).total
        if needs <= most:
            break
    return context, needs


def disk_free(folder: Path) -> int:
    """Return the free bytes of the volume that `folder` is on, or will be on."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free


def need_disk(folder: Path, size_bytes: int) -> None:
    """Raise PullFailed unless the volume of `folder` can take `size_bytes` more."""
    free = disk_free(folder)
    if free < size_bytes + SPARE:
        come = f"{file_size(size_bytes)} are still to come"
        raise PullFailed(
            f"The disk with {folder} has {file_size(free)} free, but {come}: make room and pull again, or "
            "choose a smaller quantisation."
        )
