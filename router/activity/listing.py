"""Some of the records, and what becomes of them: as one value, and as GET /api/activity tells it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, get_type_hints

from router.activity.record import Record, record_json

_EMPTY = {name: "" if hint is str else None for name, hint in get_type_hints(Record).items()}


class Listing(NamedTuple):
    """`records`: newest first. `next`: what to send as `before` for those that follow; None: there are none.

    `keep` is how many are kept at most, `kept` how many are, `lost` how many could not be; `problem`: one
    sentence on why none can be now. Records up to the id `forgotten` were deleted by a person; 0: none were.
    """

    records: tuple[Record, ...] = ()
    next: int | None = None
    keep: int = 0
    kept: int = 0
    lost: int = 0
    problem: str | None = None
    bodies: str = "off"
    forgotten: int = 0


def listing_json(listing: Listing) -> dict[str, Any]:
    told = listing._asdict()
    return {"requests": [record_json(record) for record in told.pop("records")], **told}


def parse_listing(document: Mapping[str, Any]) -> Listing:
    """Return what `listing_json` wrote. Raises KeyError or TypeError where it is something else."""
    records = tuple(_record(told) for told in document["requests"])
    return Listing(records, **{name: document[name] for name in Listing._fields[1:]})


def _record(told: Mapping[str, Any]) -> Record:
    """Leave out what only a newer version tells."""
    values: dict[str, Any] = {
        name: _EMPTY[name] if told[name] is None else told[name] for name in Record._fields
    }
    return Record._make((values | {"stream": int(values["stream"])}).values())
