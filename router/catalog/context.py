"""How many tokens one request may use, from a model's flags and header, as llama-server will say once it runs.

Measured with build 11669: what is asked for is padded to 256 and, without a cache that all slots share, divided
among them and padded again; no request gets more than the model was trained for, which YaRN and `override-kv`
change. `tests/e2e/test_facts_before_load.py` holds it against the real engine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from router.catalog.header import GgufHeader

Flags = Mapping[str, str | bool]

AUTO_SLOTS: Final = 4
"""`--parallel` left alone: four that share one cache."""
_YES: Final = frozenset({"true", "on", "yes", "1"})
_NO: Final = frozenset({"false", "off", "no", "0"})


@dataclass(frozen=True, slots=True)
class Division:
    """How an engine's context is divided among its `slots`. `limit`: tokens no request gets beyond."""

    slots: int
    unified: bool
    limit: int | None = None

    @classmethod
    def of(cls, flags: Flags) -> Division:
        asked, limit = number(flags, "parallel") or 0, number(flags, "kv-unified-per-slot") or 0
        shared = asked <= 0 or is_on(flags, "kv-unified") is True
        return cls(asked if asked > 0 else AUTO_SLOTS, shared, limit if limit > 0 else None)

    def per_request(self, total: int) -> int:
        """Return tokens one request may use of `total`."""
        cells = padded(total)
        share = cells if self.unified else padded(cells // self.slots)
        return min(share, self.limit) if self.limit else share

    def total(self, per_request: int) -> int:
        """Return the `ctx-size` that gives each request so many."""
        wanted = min(per_request, self.limit) if self.limit else per_request
        return wanted if self.unified and not self.limit else wanted * self.slots


def padded(tokens: int) -> int:
    return -(-tokens // 256) * 256


def number(flags: Flags, name: str) -> int | None:
    """Return a flag's whole number; None where it has none."""
    text = str(flags.get(name, "")).strip()
    return int(text) if re.fullmatch(r"-?[0-9]{1,12}", text) else None


def is_on(flags: Flags, name: str) -> bool | None:
    """Return what a switch says, also by its opposite (`no-NAME`); None where neither is there."""
    for spelling, sense in ((name, True), (f"no-{name}", False)):
        value = flags.get(spelling)
        text = str(value).lower()
        if text in _YES | _NO:
            return (text in _YES) is sense
    return None


def overridden(flags: Flags, key: str) -> str | None:
    """Return the value that `override-kv` gives a header's key."""
    for item in re.split(r",(?=[^,=]+=(?:int|float|bool|str):)", str(flags.get("override-kv", ""))):
        name, _equals, typed = item.partition("=")
        if name.strip() == key:
            return typed.partition(":")[2].strip()
    return None


def trained_context(header: GgufHeader, flags: Flags) -> int | None:
    """Return tokens the engine will take the model to be trained for; None where the header does not say."""
    length = _number(header, flags, "context_length")
    kind = str(flags.get("rope-scaling") or _text(header, flags, "rope.scaling.type") or "")
    scale = _scale(flags)
    if not length or kind != "yarn" or scale in (None, 1.0):
        return length or None
    original = number(flags, "yarn-orig-ctx") or _number(header, flags, "rope.scaling.original_context_length")
    return int(round((original or length) * scale, 3)) or length


def _scale(flags: Flags) -> float | None:
    """Return by how much RoPE is stretched. The engine obeys the last of the two flags, as written."""
    scale = None
    for name, value in flags.items():
        if name in ("rope-scale", "rope-freq-scale"):
            try:
                given = float(value)
            except ValueError:
                continue
            if math.isfinite(given) and given > 0:
                scale = given if name == "rope-scale" else 1 / given
    return scale


def _number(header: GgufHeader, flags: Flags, name: str) -> int | None:
    overriding = overridden(flags, f"{header.architecture}.{name}")
    return (
        int(overriding)
        if overriding and re.fullmatch(r"[0-9]{1,12}", overriding)
        else header.number(f"{{arch}}.{name}")
    )


def _text(header: GgufHeader, flags: Flags, name: str) -> str | None:
    key = f"{header.architecture}.{name}"
    return overridden(flags, key) or header.text(key)
