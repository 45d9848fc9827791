"""How much RAM an engine may fill with prompts it has read: llama-server's `--cache-ram`. Pure.

It grows with use and is in no forecast, so it must never be why a model does not fit: each engine gets a share
of what its load leaves free, and nothing if that is little. By default llama-server would take 8 GiB.
"""

from __future__ import annotations

from typing import Final

from router.catalog.context import is_on, number
from router.catalog.model import Model
from router.config.schema import Kind
from router.memory.forecast.needs import MIB

MOST: Final = 8192 * MIB
"""llama-server's own default limit."""
SHARE: Final = 8
"""At most 1/8 of all RAM for one engine."""
LEAST: Final = 64 * MIB
"""Less holds no prompt worth keeping."""


def most(ram_total: int) -> int:
    """Return the bytes one engine gets where all RAM is free."""
    return min(MOST, ram_total // SHARE) // MIB * MIB


def allowance(spare: int, ram_total: int) -> int:
    """Return the bytes to allow, of `spare` that neither models nor headroom need: half of them, as more may
    come."""
    found = min(most(ram_total), spare // 2) // MIB * MIB
    return found if found >= LEAST else 0


def told(model: Model, ram_total: int) -> int | None:
    """Return the most that `model` may come to keep, in bytes; None where its flags set no limit, or nobody
    knows."""
    if model.file is None:
        return None
    if model.kind is not Kind.CHAT or is_on(model.flags, "cache-prompt") is False:
        return 0
    asked = number(model.flags, "cache-ram")
    if asked is None:
        return most(ram_total)
    return None if asked < 0 else asked * MIB


def is_open(model: Model) -> bool:
    """Return whether hal0 sets the limit."""
    return model.file is not None and model.kind is Kind.CHAT and "cache-ram" not in model.flags
