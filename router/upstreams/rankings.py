"""Rankings of servers elsewhere, in the shape that every client reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from router.wire.lenient import mappings, whole


def are_results(document: Any) -> bool:
    """Return whether it ranks something: Cohere's and Jina's `results`, Voyage's `data`, or TEI's bare list."""
    rows = document
    if isinstance(document, Mapping):
        rows = next(
            (document[name] for name in ("results", "data") if isinstance(document.get(name), list)), None
        )
    return isinstance(rows, list) and bool(rows) and all(isinstance(row, Mapping) for row in rows)


def place_fault(document: Any, inputs: int | None) -> str | None:
    """Return what is wrong with the places it names among `inputs` documents (None: not known), if anything."""
    rows = document if isinstance(document, list) else mappings(document.get("results") or document.get("data"))
    places = [place for row in rows if (place := whole(row.get("index"))) is not None]
    beyond = next((place for place in places if inputs is not None and not 0 <= place < inputs), None)
    return None if beyond is None else f"it ranks document {beyond} of {inputs}"


def in_numbers(document: Any) -> Any:
    """Return the ranking with numbers for places and scores, and the name that most have for these; itself
    where nothing has to be changed."""
    if not isinstance(document, Mapping):
        return document
    name = "results" if document.get("results") else "data"
    rows = [_row(row) for row in document[name]]
    return document if rows == document[name] else {**document, name: rows}


def _row(row: Mapping[str, Any]) -> Mapping[str, Any]:
    made = {**row, "index": whole(row["index"])} if isinstance(row.get("index"), str) else dict(row)
    made.setdefault("relevance_score", row.get("score"))
    if isinstance(made["relevance_score"], str):
        try:
            made["relevance_score"] = float(made["relevance_score"])
        except ValueError:
            return row
    return made if made["relevance_score"] is not None else row
