"""`hal0 model pull | ls | rm`: fetching models from Hugging Face, and what lies on this disk."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from app.bootstrap import read_config
from app.commands.asking import asked
from app.commands.pull_output import JsonOutput, Output
from app.commands.running import tell_running
from app.commands.tables import table
from app.link.client import Client, NotRunning, Refused
from app.system.streams import stdin_is_terminal
from app.views.pull import plan_words
from router.base.errors import PullFailed, RouterError
from router.base.paths import STARTER, Paths
from router.config.default import with_downloads
from router.config.programs import program_folders
from router.config.schema import Config
from router.config.sizes import file_size
from router.hub import local_models, store
from router.hub.deletion import user_of
from router.hub.names import parse_reference
from router.hub.pull import Paused, Plan, Pull
from router.hub.retry import ASK_DELAYS
from router.hub.starter import StarterPull
from router.orders.kinds import DeleteModel
from router.resolve import model_called
from router.state import ModelStatus, Snapshot
from router.wire.snapshot_read import SchemaMismatch, parse_snapshot

PAUSED = 130
"""The exit code of what a person interrupted."""


def pull(config_file: Path | None, text: str, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show what it is and whether it fits, then fetch it. Interrupted, it goes on when asked for again."""
    config, paths = read_config(config_file)
    paths.create()
    out = JsonOutput() if as_json else Output(text)
    try:
        puller, named = _puller(text, config, paths, out)
        plan = puller.plan(out.progress)
        out.plan(plan, named=named)
        if dry_run or plan.here is not None:
            return 0
        if not yes and not as_json and not _wanted(plan):
            return 1
        path = puller.run(plan, out.progress)
        tell_running(paths)
        out.done(path)
        return 0
    except RouterError as error:
        return out.failed(error)
    except (KeyboardInterrupt, Paused):
        out.paused()
        return PAUSED


def _puller(text: str, config: Config, paths: Paths, out: Output) -> tuple[Pull | StarterPull, bool]:
    """Return what fetches the model that `text` means, and whether that says which quantisation. Raises
    PullFailed."""
    if text == STARTER:
        return StarterPull(paths), True
    reference = parse_reference(text)
    out.asking(reference.repo)
    puller = Pull(
        reference,
        paths.downloads,
        model_dirs=with_downloads(config, paths).model_dirs,
        elsewhere=[found.folder for found in program_folders()],
        ask_delays=ASK_DELAYS,
        on_wait=out.waiting,
    )
    return puller, reference.quant is not None


def ls(config_file: Path | None, *, as_json: bool) -> int:
    """Print every model file, its size, where it is from, its names in hal0.yaml; then what has not come
    whole."""
    config, paths = read_config(config_file)
    models, coming = local_models.list_models(config, paths), store.unfinished(paths.downloads)
    if as_json:
        print(json.dumps(_listing(models, coming)))
        return 0
    rows = [
        (item.id, file_size(item.size_bytes), item.origin, ", ".join(item.used_by) or "–") for item in models
    ]
    if rows:
        print(table([("MODEL", "SIZE", "FROM", "NAMED"), *rows]))
    else:
        print("There are no models on this computer yet; `hal0 model search` shows what runs well on it.")
    for item in [item for item in models if item.problem]:
        print(f"  {item.id} cannot be loaded: {item.problem}")
    for left in local_models.list_left_out(config, paths):
        print(f"  not offered: {left.reason}")
    for download in coming:
        came = f"{file_size(download.done_bytes)} of {file_size(download.total_bytes)} came"
        print(f"  not whole yet: {download.reference}, {came}; `hal0 model pull {download.reference}` goes on")
    return 0


def rm(config_file: Path | None, url: str | None, name: str, *, yes: bool) -> int:
    """Remove a model that hal0 fetched, unless it is in use: by the hal0 that runs, if one does."""
    config, paths = read_config(config_file)
    client = Client.find(config.server, paths, url)
    try:
        snapshot = parse_snapshot(client.state())
        if (model := _called(name, snapshot)) is not None:
            return _rm_there(client, model, snapshot, yes=yes)
    except NotRunning as error:
        if url is not None:  # nothing here is meant
            raise PullFailed(str(error)) from error
    except Refused as error:
        raise PullFailed(f"The running hal0 refused it: {error}") from error
    except SchemaMismatch:
        raise PullFailed(f"The hal0 at {client.url} is of another version: end it, then try again.") from None
    return _rm_here(config, paths, name, yes=yes)


def _called(name: str, snapshot: Snapshot) -> ModelStatus | None:
    return model_called(name, snapshot) or next((m for m in snapshot.models if m.file == name), None)


def _rm_there(client: Client, model: ModelStatus, snapshot: Snapshot, *, yes: bool) -> int:
    size = file_size(model.size_bytes or 0)
    if model.fetched is not None:
        if (used := user_of(model.fetched, snapshot)) is not None:
            raise PullFailed(f"{used[1]} is loaded in {used[0]}: `hal0 unload {used[0]}`, then remove it.")
        others = [other.id for other in snapshot.models if other.fetched == model.fetched and other != model]
        if not yes and not _sure(model.fetched, f"{model.fetched} ({size})", others):
            return 1
    print(f"Removed {client.carry_out(DeleteModel(model.id))} ({size}).")
    return 0


def _rm_here(config: Config, paths: Paths, name: str, *, yes: bool) -> int:
    """Remove what no hal0 that runs knows of: there is none, or the model has not come whole."""
    item = local_models.find(name, local_models.list_models(config, paths), store.unfinished(paths.downloads))
    download = item.download if isinstance(item, local_models.LocalModel) else item
    if download is not None and not yes:
        what = f"{download.reference} ({file_size(download.total_bytes)}) from {download.folder}"
        named = item.used_by if isinstance(item, local_models.LocalModel) else ()
        if not _sure(download.reference, what, named):
            return 1
    local_models.remove(item, paths)
    tell_running(paths)
    assert download is not None, "remove() raised"
    print(f"Removed {download.reference} ({file_size(download.total_bytes)}).")
    return 0


def _wanted(plan: Plan) -> bool:
    """Ask where a person can answer and there is a reason to."""
    words = plan_words(plan, named=True)
    if not words.doubtful or not stdin_is_terminal():
        return True
    return asked("Fetch it anyway?")


def _sure(reference: str, what: str, named: Sequence[str]) -> bool:
    """Ask, where somebody is there; `named`: what else it is called."""
    if not stdin_is_terminal():
        raise PullFailed(f"Nobody is there to ask: `hal0 model rm --yes` removes {reference}.")
    if named:
        print(f"It is also called {', '.join(named)}.")
    return asked(f"Remove {what}?")


def _listing(models: list[local_models.LocalModel], coming: list[store.Download]) -> dict[str, object]:
    rows = [
        {
            "id": item.id,
            "path": str(item.path),
            "size_bytes": item.size_bytes,
            "origin": item.origin,
            "used_by": item.used_by,
            "problem": item.problem,
            "fetched_by_hal0": item.download is not None,
        }
        for item in models
    ]
    unfinished = [
        {"reference": d.reference, "done_bytes": d.done_bytes, "total_bytes": d.total_bytes} for d in coming
    ]
    return {"models": rows, "unfinished": unfinished}
