"""`hal0 models [--fit]`: every model of the running hal0, what it takes, and whether that fits now."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from app.commands.tables import table
from app.link.client import Client, NotRunning, Refused
from app.texts import fit as words
from app.views.fit_ways import fit_sentence
from router.base.paths import Paths
from router.config.load import load_config
from router.config.sizes import file_size, memory_size
from router.orders.kinds import ReadFitWays

WAIT_SECONDS = 15.0
"""`--fit` right after the start: the engine tells of some twenty models a second."""

_POLL_SECONDS = 0.2
_COLUMNS = ("MODEL", "SIZE", "QUANT", "CONTEXT", "NEEDS", "FIT")
_MEASURED = ("READS", "WRITES")
_BEST_FIRST = ("fits", "tight", "short", None)


def models(config_file: Path | None, url: str | None, *, fit: bool, as_json: bool = False) -> int:
    """Print a table, or what GET /api/models tells; with `fit` once everything is known, best fit first."""
    paths = Paths.for_user(config_file)
    client = Client.find(load_config(paths.config_file, paths).server, paths, url)
    try:
        found = _when_known(client) if fit else client.models()
    except (NotRunning, Refused) as error:
        print(f"hal0: {error}", file=sys.stderr)
        return 1
    listed = found["models"]
    if fit:
        listed = sorted(listed, key=lambda model: _BEST_FIRST.index(model["fit"]))
    if as_json:
        print(json.dumps({**found, "models": listed}))
        return 0
    print(table(_table(listed)))
    if fit and (kept := max((model.get("prompt_cache") or 0 for model in listed), default=0)):
        most = memory_size(kept)
        print(f"RAM for earlier prompts: up to {most} a chat engine, less where it is short (cache-ram)")
    if fit:
        for line in _ways(client, listed):
            print(line)
    for line in _remarks(found):
        print(line)
    pool = "VRAM" if found["memory"]["is_gpu"] else "RAM"
    print(f"{pool}: {_free(found['memory'])}")
    for number, gpu in enumerate(found.get("gpus", ())):
        print(f"  GPU {number} ({gpu['name']}): {_free(gpu)}")
    return 0


def _free(pool: Mapping[str, Any]) -> str:
    return f"{memory_size(pool['free'])} of {memory_size(pool['total'])} free now"


def _when_known(client: Client) -> dict[str, Any]:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        found = client.models()
        unknown = [m for m in found["models"] if m["file"] and not m["problem"] and m["needs"] is None]
        if not unknown or time.monotonic() >= deadline:
            return found
        time.sleep(_POLL_SECONDS)


def _ways(client: Client, listed: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say of what does not fit how it would, as long as that takes."""
    deadline = time.monotonic() + WAIT_SECONDS
    for model in listed:
        if model["fit"] != "short" or model["problem"]:
            continue
        if time.monotonic() >= deadline:
            yield words.MORE_WAYS
            return
        try:
            found = client.carry_out(ReadFitWays(model["id"]))
        except (NotRunning, Refused):
            continue  # it has just left, or the hal0 that runs is an older one
        yield f"  {model['id']}: {fit_sentence(found)}"


def _remarks(found: Mapping[str, Any]) -> list[str]:
    """Print what is odd about models that can be loaded, and which files are none."""
    notes = [f"  {model['id']}: {model['note']}" for model in found["models"] if model.get("note")]
    return notes + [f"  not offered: {left['reason']}" for left in found.get("left_out", ())]


def _table(listed: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return the rows; with what was measured by `hal0 bench` last, where anything was."""
    rows = [_COLUMNS, *(_row(model) for model in listed)]
    if not any(model.get("measured") for model in listed):
        return rows
    speeds = [_MEASURED, *(_speeds(model.get("measured")) for model in listed)]
    return [(*row, *speed) for row, speed in zip(rows, speeds, strict=True)]


def _speeds(measured: Mapping[str, float] | None) -> tuple[str, ...]:
    if measured is None:
        return ("–",) * len(_MEASURED)
    return f"{measured['reads']:,.0f} tokens/s", f"{measured['writes']:,.1f} tokens/s"


def _row(model: Mapping[str, Any]) -> tuple[str, ...]:
    about = "≈ " if model["needs_source"] == "formula" else ""
    return (
        model["id"],
        "–" if model["size_bytes"] is None else file_size(model["size_bytes"]),
        model["quantisation"] or "–",
        str(model["context_length"] or "–"),
        "–" if model["needs"] is None else about + memory_size(model["needs"]),
        _fit(model) + _where(model),
    )


def _where(model: Mapping[str, Any]) -> str:
    """Write ", GPU 1" of several; a hal0 elsewhere may be an older one, which does not tell."""
    return f", GPU {' + '.join(map(str, gpus))}" if (gpus := model.get("gpus")) else ""


def _fit(model: Mapping[str, Any]) -> str:
    if model["loaded_in"]:  # what runs is not broken, whatever became of its file
        return "loaded in " + ", ".join(model["loaded_in"])
    if model["problem"]:
        return "cannot be loaded"
    if model["fit"] is None:
        return "not known"
    return f"short by {memory_size(model['margin'])}" if model["fit"] == "short" else str(model["fit"])
