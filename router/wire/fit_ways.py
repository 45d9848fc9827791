"""How a model that does not fit into memory would (GET /api/fit)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from router.wire.json_dataclass import read


@dataclass(frozen=True, slots=True)
class FitWay:
    """`flags` ("name=value") are what the model is to be given, or `model` is another one that fits as it is.
    `needs`: bytes where memory is short; `host`: bytes of RAM besides."""

    flags: tuple[str, ...]
    needs: int
    host: int = 0
    model: str | None = None


@dataclass(frozen=True, slots=True)
class FitWays:
    """`fits`: the model as it is; then there are no `ways`. Else each of them would do by itself, those first
    that cost least; () where nothing is known to."""

    fits: bool
    ways: tuple[FitWay, ...] = ()


def fit_ways_json(found: FitWays) -> dict[str, Any]:
    return asdict(found)


def parse_fit_ways(document: Any) -> FitWays:
    """Read the JSON. Raises router.wire.json_dataclass.SchemaMismatch."""
    return read(FitWays, document)
