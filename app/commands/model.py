"""`hal0 model pull | ls | rm`: fetching models from Hugging Face, and what lies on this disk."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from pathlib import Path

from app.bootstrap import read_config
from app.commands.pull_output import JsonOutput, Output
from app.commands.tables import table
from app.link.client import Client, NotRunning, Refused, noted_url
from app.views.pull import plan_words
from router.base.errors import PullFailed, RouterError
from router.base.paths import Paths
from router.config.default import with_downloads
from router.config.programs import program_folders
from router.config.schema import Config
from router.config.sizes import file_size
from router.hub import local_models, store
from router.hub.names import parse_reference
from router.hub.pull import Paused, Plan, Pull
from router.orders.kinds import Reload

PAUSED = 130
"""The exit code of what a person interrupted."""


def pull(config_file: Path | None, text: str, *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show what it is and whether it fits, then fetch it. Interrupted, it goes on when asked for again."""
    config, paths = read_config(config_file)
    paths.create()
    reference = parse_reference(text)
    puller = Pull(
        reference,
        paths.downloads,
        model_dirs=with_downloads(config, paths).model_dirs,
        elsewhere=[found.folder for found in program_folders()],
    )
    out = JsonOutput() if as_json else Output(text)
    try:
        plan = puller.plan(out.progress)
        out.plan(plan, named=reference.quant is not None)
        if dry_run or plan.here is not None:
            return 0
        if not yes and not as_json and not _wanted(plan):
            return 1
        path = puller.run(plan, out.progress)
        _tell_running(config, paths)
        out.done(path)
        return 0
    except RouterError as error:
        return out.failed(error)
    except (KeyboardInterrupt, Paused):
        out.paused()
        return PAUSED


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
    """Remove a model that hal0 fetched, unless it is loaded."""
    config, paths = read_config(config_file)
    item = local_models.find(name, local_models.list_models(config, paths), store.unfinished(paths.downloads))
    download = item.download if isinstance(item, local_models.LocalModel) else item
    if download is not None:
        _refuse_if_loaded(config, paths, url, download)
        if not yes and not _sure(item, download):
            return 1
    local_models.remove(item, paths)
    _tell_running(config, paths)
    assert download is not None, "remove() raised"
    print(f"Removed {download.reference} ({file_size(download.total_bytes)}).")
    return 0


def _wanted(plan: Plan) -> bool:
    """Ask where a person can answer and there is a reason to."""
    words = plan_words(plan, named=True)
    if not words.doubtful or not sys.stdin.isatty():
        return True
    return _asked("Fetch it anyway?")


def _sure(item: local_models.LocalModel | store.Download, download: store.Download) -> bool:
    if not sys.stdin.isatty():
        raise PullFailed(f"Nobody is there to ask: `hal0 model rm --yes` removes {download.reference}.")
    if isinstance(item, local_models.LocalModel) and item.used_by:
        print(f"hal0.yaml names it: {', '.join(item.used_by)}.")
    return _asked(f"Remove {download.reference} ({file_size(download.total_bytes)}) from {download.folder}?")


def _asked(question: str) -> bool:
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _tell_running(config: Config, paths: Paths) -> None:
    """Tell the hal0 that runs to look now: it would notice in some seconds, and a script should not wait."""
    url = noted_url(paths)
    client = Client(url, config.server.own_key) if url else None
    if client is not None and client.answers():
        with suppress(NotRunning, Refused):  # a mistake in hal0.yaml is shown elsewhere
            client.carry_out(Reload())


def _refuse_if_loaded(config: Config, paths: Paths, url: str | None, download: store.Download) -> None:
    """Ask the hal0 that runs, if one does. Raises PullFailed."""
    client = Client.find(config.server, paths, url)
    try:
        slots, models = client.state()["slots"], client.models()["models"]
    except NotRunning:
        return  # nothing is loaded where nothing runs
    except Refused as error:
        raise PullFailed(f"The hal0 that runs did not say what is loaded: {error}") from error
    ours = {m["id"] for m in models if m["file"] and Path(m["file"]).is_relative_to(download.folder)}
    for slot in slots:
        if held := ours & {slot["model"], slot["target"], *(slot.get("loaded") or ())}:
            raise PullFailed(
                f"{held.pop()} is loaded in {slot['name']}: `hal0 unload {slot['name']}`, then remove it."
            )


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
