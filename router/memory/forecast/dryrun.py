"""Asks llama-server itself: it says what a model will take before it loads a byte; then it is ended.

With `--log-jsonl` the fitting step that comes before loading prints one line of type `fit_memory_breakdown`, 20
to 70 ms after the start, and a second one for the context in which it drafts. A projector's memory is only
reported in words, and only with more of them (`--verbosity 4`). Source: common_memory_breakdown_print in
llama.cpp's common/fit.cpp; load_model in tools/server/server-context.cpp.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from router.memory.forecast.needs import MIB, DeviceNeed
from router.platforms import current as platform

log = logging.getLogger(__name__)

LIMIT_SECONDS: Final = 10.0
LATER_SECONDS: Final = 1.0
"""Seconds from one breakdown to the next."""
AT_ONCE: Final = 2
_LONGEST_LINE: Final = 1 << 20
_MARK: Final = b'"fit_memory_breakdown"'
_PROJECTOR: Final = re.compile(rb"estimated worst-case memory usage of mmproj is ([0-9.]+) MiB")


@dataclass(frozen=True, slots=True)
class Told:
    """`contexts`: what each takes, the model's own first. `projector`: bytes, 0 if there is none."""

    contexts: tuple[tuple[DeviceNeed, ...], ...]
    projector: int = 0


class DryRunner:
    """Runs engines until they have answered, `AT_ONCE` at a time."""

    def __init__(self, limit: float = LIMIT_SECONDS) -> None:
        self._limit = limit
        self._places = asyncio.Semaphore(AT_ONCE)

    async def ask(self, argv: Sequence[str], environment: Mapping[str, str], contexts: int = 1) -> Told | None:
        """Return what the engine started by `argv` would take, for at most `contexts` contexts; None if it does
        not say. Leaves no process behind."""
        async with self._places:
            try:
                process = await asyncio.create_subprocess_exec(
                    *argv,
                    env=dict(environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    limit=_LONGEST_LINE,
                    **platform.spawn_options(),
                )
            except OSError as error:
                log.info("%s cannot be run to ask it about memory: %s", argv[0], error)
                return None
            try:
                platform.adopt(process.pid)
                async with asyncio.timeout(self._limit):
                    return await _told(process, contexts)
            except (TimeoutError, ValueError) as error:  # ValueError: a line longer than any the engine writes
                log.info("%s did not tell what it would take: %s", argv[0], error or "no answer in time")
                return None
            finally:
                # Killed: it holds nothing yet, and would go on to load the model.
                platform.kill(process.pid)
                await asyncio.shield(process.wait())


async def _told(process: asyncio.subprocess.Process, contexts: int) -> Told | None:
    assert process.stdout is not None, "asked for a pipe"
    found: list[tuple[DeviceNeed, ...]] = []
    projector = 0
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(None) as limit:
            async for line in process.stdout:
                if match := _PROJECTOR.search(line):
                    projector = round(float(match[1]) * MIB)
                if _MARK not in line or (needs := parse_breakdown(line)) is None:
                    continue
                found.append(needs)
                if len(found) == contexts:
                    break
                limit.reschedule(loop.time() + LATER_SECONDS)
    except TimeoutError:
        if not found:
            raise
    return Told(tuple(found), projector) if found else None


def parse_breakdown(line: bytes) -> tuple[DeviceNeed, ...] | None:
    """Return the devices in one `fit_memory_breakdown` line that take anything; None for any other line."""
    try:
        told = json.loads(line)
        if told["type"] != "fit_memory_breakdown":
            return None
        unit = {"MiB": MIB}[told["data"]["unit"]]
        needs = [_need(row, unit) for row in told["data"]["rows"]]
    except (ValueError, LookupError, TypeError):
        return None
    return tuple(need for need in needs if need.total) or None


def _need(row: Mapping[str, Any], unit: int) -> DeviceNeed:
    model, context = int(row["model"]), int(row["context"])
    # Each figure is rounded down by itself; `self` is their true sum rounded down once.
    compute = max(int(row.get("compute", 0)), int(row.get("self", 0)) - model - context)
    return DeviceNeed(str(row["name"]), model * unit, context * unit, compute * unit, row["kind"] == "device")
