"""Searches Hugging Face for repositories with GGUF files. Blocking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from router.hub.api import Hub
from router.hub.names import RepoFile, file_sets
from router.hub.retry import Retrier
from router.hub.suggestions import suggest
from router.memory.forecast.needs import HEADROOM
from router.wire.hub_search import Findings, FoundRepository

MOST: Final = 30
"""Repositories of one answer: who wants another says more words."""

_LICENCE: Final = "license:"


def find(hub: Hub, words: str, retrier: Retrier, headroom: int = HEADROOM, held: int = 0) -> Findings:
    """Return the suggestions that `words` speak of, and the repositories that the hub finds by them; without
    words all suggestions, and nobody is asked. `headroom`, `held`: see `suggest`. Raises PullFailed, Paused."""
    said = words.split()
    if not said:
        return Findings(suggest((), headroom, held), hub=hub.endpoint)
    rows = retrier.call(lambda: hub.search(" ".join(said), MOST))
    return Findings(suggest(said, headroom, held), parse_rows(rows), hub.endpoint)


def parse_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[FoundRepository, ...]:
    """Read the hub's answer, most downloaded first, as it came. A row without a name is left out, and so is one
    that says it has files and no whole model among them."""
    found = []
    for row in rows:
        name = row.get("id") or row.get("modelId")
        names = _file_names(row.get("siblings"))
        sets = file_sets(RepoFile(path, 0, None) for path in names)
        if not isinstance(name, str) or (names and not sets):
            continue
        gguf = row.get("gguf")
        told: Mapping[str, Any] = gguf if isinstance(gguf, dict) else {}
        architecture = told.get("architecture")
        found.append(
            FoundRepository(
                name,
                _count(row.get("downloads")) or 0,
                _count(row.get("likes")) or 0,
                gated=bool(row.get("gated")),
                licence=_licence(row.get("tags")),
                parameters=_count(told.get("total")),
                architecture=architecture if isinstance(architecture, str) else None,
                context_trained=_count(told.get("context_length")),
                quantisations=tuple(sorted({found.key for found in sets})),
            )
        )
    return tuple(found)


def _file_names(siblings: object) -> tuple[str, ...]:
    if not isinstance(siblings, list):
        return ()
    names = (item.get("rfilename") for item in siblings if isinstance(item, dict))
    return tuple(name for name in names if isinstance(name, str))


def _licence(tags: object) -> str:
    if not isinstance(tags, list):
        return ""
    found = (tag for tag in tags if isinstance(tag, str) and tag.startswith(_LICENCE))
    return next(found, "").removeprefix(_LICENCE)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
