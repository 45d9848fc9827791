"""`hal0 model search`: what there is to fetch, and what of it would fit into this computer's memory."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from app.bootstrap import read_config
from app.commands.progress import ProgressLine
from app.commands.tables import table
from app.texts import discover as words
from app.views.discover import kind_words, preselected, repository_words
from app.views.quantisations import quantisation_rows
from router.config.sizes import file_size
from router.hub.api import Hub
from router.hub.names import parse_reference
from router.hub.repository_offer import make_offer
from router.hub.retry import ASK_DELAYS, Retrier
from router.hub.search import find
from router.wire.hub_offer import Offer, offer_json
from router.wire.hub_search import Findings, FoundRepository, Suggestion, findings_json

T = TypeVar("T")


def search(config_file: Path | None, said: Sequence[str], *, as_json: bool) -> int:
    """Print what hal0 suggests; with words what the hub finds by them; of one `org/repo` its quantisations."""
    config, paths = read_config(config_file)
    headroom = config.memory.headroom
    text = " ".join(said).strip()
    if "/" in text:
        reference = parse_reference(text)
        offer = _asking(lambda hub, retrier: make_offer(hub, reference, paths.downloads, retrier, headroom))
        _print(offer_json(offer), _offer_lines(offer), as_json=as_json)
        return 0
    work: Callable[[Hub, Retrier], Findings] = lambda hub, retrier: find(hub, text, retrier, headroom)  # noqa: E731
    findings = _asking(work, quiet=not text)
    _print(findings_json(findings), _finding_lines(findings, text), as_json=as_json)
    return 0


def _asking(work: Callable[[Hub, Retrier], T], *, quiet: bool = False) -> T:
    """Do it, saying meanwhile what is waited for. Raises PullFailed."""
    line = ProgressLine()
    if not quiet:
        line.show(words.ASKING)
    try:
        return work(Hub(), Retrier(threading.Event(), ASK_DELAYS))
    finally:
        line.clear()


def _print(document: dict[str, Any], lines: Sequence[str], *, as_json: bool) -> None:
    print(json.dumps(document) if as_json else "\n".join(lines))


def _finding_lines(findings: Findings, text: str) -> list[str]:
    lines = []
    if findings.suggestions:
        rows = [_suggestion(item) for item in findings.suggestions]
        lines += [table([("SUGGESTED", "FOR", "SIZE", "FIT", "LICENCE", "WHY"), *rows]), ""]
    if findings.repositories:
        rows = [_repository(item) for item in findings.repositories]
        columns = ("FOUND", "DOWNLOADS", "WEIGHTS", "LICENCE", "QUANTISATIONS")
        lines += [table([columns, *rows]), "", words.LOOK_CLOSER]
    elif text:
        lines.append(words.nothing_found(text))
    else:
        lines.append(words.HOW_TO_FETCH)
    return lines


def _suggestion(item: Suggestion) -> tuple[str, ...]:
    found = repository_words(item.room)
    name = f"* {item.reference}" if item.best else f"  {item.reference}"
    return name, kind_words(item.kind), file_size(item.size_bytes), found, item.licence, item.why


def _repository(item: FoundRepository) -> tuple[str, ...]:
    name = words.gated(item.repo) if item.gated else item.repo
    weights = words.weights(item.parameters) if item.parameters else words.UNKNOWN
    return (
        f"  {name}",
        f"{item.downloads:,}",
        weights,
        item.licence or words.UNKNOWN,
        words.some_of(item.quantisations),
    )


def _offer_lines(offer: Offer) -> list[str]:
    best = preselected(offer)
    rows = [
        (f"{'*' if row.reference == best else ' '} {row.reference}", row.size, row.fit, row.context)
        for row in quantisation_rows(offer)
    ]
    lines = [table([("  MODEL", "SIZE", "FIT", "CONTEXT"), *rows]), ""]
    if offer.warning:
        lines.append(offer.warning)
    lines.append(words.fetch_with(best) if best else words.HOW_TO_FETCH)
    return lines
