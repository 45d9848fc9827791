"""`hal0 activity`: what the running hal0 was asked, and how that went."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.commands.tables import table
from app.link.client import Client, NotRunning, Refused
from router.base.names import shown
from router.base.paths import Paths
from router.config.load import load_config

POLL_SECONDS = 1.0
_PAGE = 500  # of those that came between two looks
_COLUMNS = ("TIME", "CLIENT", "ASKED", "ANSWERED BY", "STATUS", "WAITED", "FIRST", "TOTAL", "TOKENS", "TOK/S")
_WIDTHS = (8, 15, 20, 24, 16, 7, 7, 7, 11, 6)


def activity(
    config_file: Path | None,
    url: str | None,
    filters: Mapping[str, str],
    *,
    follow: bool,
    as_json: bool,
) -> int:
    """Print the last requests, oldest first; with `follow` then show new ones as they come, until Ctrl+C."""
    paths = Paths.for_user(config_file)
    client = Client.find(load_config(paths.config_file, paths).server, paths, url)
    try:
        told = client.activity(filters)
        requests = told["requests"][::-1]
        if problem := told["problem"]:
            print(f"hal0: {problem}", file=sys.stderr)
        if not follow:
            _show_all(requests, as_json=as_json)
            return 0
        if not as_json:
            print(_line(_COLUMNS), flush=True)
        _follow(client, filters, requests, as_json=as_json)
    except (NotRunning, Refused) as error:
        print(f"hal0: {error}", file=sys.stderr)
    return 1


def _show_all(requests: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for request in requests:
            print(json.dumps(request))
    elif requests:
        print(table([_COLUMNS, *(_cells(request) for request in requests)]))
    else:
        print("Nothing was asked yet.")


def _follow(
    client: Client, filters: Mapping[str, str], requests: Sequence[Mapping[str, Any]], *, as_json: bool
) -> None:
    """Until it is interrupted. Raises NotRunning, Refused."""
    since = 0
    while True:
        for request in requests:
            since = int(request["id"])
            print(json.dumps(request) if as_json else _line(_cells(request)), flush=True)
        time.sleep(POLL_SECONDS)
        requests = client.activity({**filters, "since": str(since), "limit": str(_PAGE)})["requests"][::-1]


def _line(cells: Sequence[str]) -> str:
    """Columns of fixed widths: what will come is not known yet."""
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, _WIDTHS, strict=True)).rstrip()


def _cells(request: Mapping[str, Any]) -> tuple[str, ...]:
    served = f"{request['upstream']}/{request['model']}" if request["upstream"] else request["model"]
    prompt, completion = request["tokens_prompt"], request["tokens_completion"]
    tokens = "–" if prompt is None and completion is None else f"{_count(prompt)} → {_count(completion)}"
    speed = request["tokens_per_second"]
    return (
        time.strftime("%H:%M:%S", time.localtime(request["at"])),
        request["client"] or "–",
        shown(request["asked"] or "–", 40),
        shown(served or "–", 40),
        _status(request),
        _seconds(request["waited_s"]),
        _seconds(request["first_byte_s"]),
        _seconds(request["total_s"]),
        tokens,
        "–" if speed is None else f"{speed:.1f}",
    )


def _status(request: Mapping[str, Any]) -> str:
    """`200`, `404 model.not_found`, `200 left`: what was sent, and what went otherwise."""
    why = (
        request["code"] if request["failed"] else "" if request["outcome"] == "answered" else request["outcome"]
    )
    return f"{request['status']} {why or ''}".rstrip()


def _seconds(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def _count(value: int | None) -> str:
    return "–" if value is None else str(value)
