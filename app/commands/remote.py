"""Commands for the hal0 that runs on this computer: status, switch, forget, and the plain ones of `orders`."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from app.commands.progress import ProgressLine
from app.link.client import Client, NotRunning, Refused, noted_url
from app.views.first_run import BROUGHT
from app.views.fit_ways import way_sentence
from app.views.remedy import remedy_changes
from router.base.paths import Paths
from router.config.load import load_config
from router.config.problems import ConfigErrors
from router.config.schema import ConversationsConfig, UpstreamKind
from router.config.sizes import file_size, memory_size
from router.orders.kinds import EditConfig, Forget, Load, ReadConfig, ReadFitWays

POLL_SECONDS = 0.2


def status(config_file: Path | None, url: str | None, *, as_json: bool = False) -> int:
    """Print the state; 1 also where hal0.yaml has an error: what it says is not what runs."""
    client = _client(config_file, url)
    try:
        state = client.state()
    except (NotRunning, Refused) as error:
        return _fail(error)
    print(json.dumps(state)) if as_json else _print_state(state)
    return 1 if state["server"].get("config_error") else 0


def _print_state(state: dict[str, Any]) -> None:
    server = state["server"]
    print(f"hal0 {server['version']} · {server['url']}/v1 · {server['state']}")
    if server.get("config_error"):
        print(f"  hal0.yaml has an error; your last changes are ignored: {server['config_error']}")
    for slot in slots_of(state):
        print("  " + _slot_line(slot))
        if slot["last_error"]:
            print(f"    {_error(slot['last_error'])}")
        if better := _better(slot):
            print(f"    {better} is yours: `hal0 switch {slot['name']} {better}` puts it in here")
    if kept := state.get("kept"):
        count, size = sum(k["conversations"] for k in kept), sum(k["bytes"] for k in kept)
        print(f"  keeps {count} conversation{'' if count == 1 else 's'} ({file_size(size)}); see `hal0 forget`")
    for upstream in _lost(state):
        print(f"  {upstream['name']}: no contact{f' ({reason})' if (reason := upstream['error']) else ''}")
    several = sum(device["is_gpu"] for device in state["memory"]) > 1
    for number, device in enumerate(state["memory"]):
        gpu = f"GPU {number} ({device['name']})" if several else device["name"]
        name = f"VRAM of {gpu}" if device["is_gpu"] else "RAM (no GPU found)"
        print(f"  {name}: {memory_size(device['used'])} of {memory_size(device['total'])} used")


def switch(
    config_file: Path | None,
    url: str | None,
    slot: str,
    model: str,
    *,
    force: bool = False,
    fit: bool = False,
    once: bool = False,
    flags: Sequence[str] = (),
) -> int:
    """Load a model and show the phases until it is ready; Ctrl+C leaves the switch running. `fit`: in the first
    way in which it fits, where it does not as it is; `once`: for this load alone. `flags` ("name=value"): the
    same."""
    client = _client(config_file, url)
    try:
        if fit:
            model, fitting = _made_to_fit(client, slot, model, once=once)
            flags = (*flags, *fitting)
        show_load(client, slot, model, force=force, flags=flags)
    except (NotRunning, Refused) as error:
        return _fail(error)
    print(f"{model} is running in {slot}.")
    return 0


def _made_to_fit(client: Client, slot: str, model: str, *, once: bool) -> tuple[str, tuple[str, ...]]:
    """Say what makes the model fit, and write it into hal0.yaml unless that is for `once`; return what to load,
    it or another quantisation, and with which flags. Raises NotRunning, Refused."""
    found = client.carry_out(ReadFitWays(model, slot))
    if found.fits or not found.ways:
        return model, ()
    way = found.ways[0]
    print(f"{model}: {way_sentence(way)}")
    if way.model is not None:
        return way.model, ()
    if once:
        return model, way.flags
    status = client.snapshot().model(model)
    if status is not None:
        changes = remedy_changes(client.carry_out(ReadConfig()), status, way.flags)
        client.carry_out(EditConfig(tuple(changes)))
    return model, ()


def show_load(client: Client, slot: str, model: str, *, force: bool = False, flags: Sequence[str] = ()) -> None:
    """Load a model and show the phases until it is ready. Raises NotRunning, Refused."""
    failure: list[NotRunning | Refused] = []

    def load() -> None:
        try:
            client.carry_out(Load(slot, model, force=force, flags=tuple(flags)))
        except (NotRunning, Refused) as error:
            failure.append(error)

    worker = threading.Thread(target=load, daemon=True)
    worker.start()
    line = ProgressLine()
    while worker.is_alive():
        _show_progress(line, client, slot)
        worker.join(POLL_SECONDS)
    line.clear()
    if failure:
        raise failure[0]


def give(config_file: Path | None, url: str | None, run: Callable[..., str], words: Sequence[str]) -> int:
    """Carry out one of `app.commands.orders` and print what it returns. What the mistakes in hal0.yaml are is
    said before anything is asked of hal0."""
    try:
        told = run(_client(config_file, url), *words)
    except (NotRunning, Refused) as error:
        return _fail(error)
    if told:
        print(told)
    return 0


def forget(config_file: Path | None, url: str | None, model: str) -> int:
    """`model` "": of all of them. Also where no hal0 runs, as before it is uninstalled."""
    try:
        count = _client(config_file, url).carry_out(Forget(model))
    except NotRunning as error:
        if url is not None:
            return _fail(error)
        count = _forget_files(Paths.for_user(config_file), model)
    except Refused as error:
        return _fail(error)
    print(f"{count} conversation{'' if count == 1 else 's'} forgotten.")
    return 0


def _forget_files(paths: Paths, model: str) -> int:
    from router.conversations.store import Store

    store = Store(paths.state / "conversations", ConversationsConfig)
    if not store.folder.is_dir():
        return 0
    store.open()
    return store.forget(model or None)


def _client(config_file: Path | None, url: str | None) -> Client:
    """Find the running hal0, also in spite of a mistake in hal0.yaml: it goes on with its old settings."""
    paths = Paths.for_user(config_file)
    try:
        server = load_config(paths.config_file, paths).server
    except ConfigErrors:
        running = url or noted_url(paths)
        if running is None or not (client := Client(running)).answers():
            raise
        return client
    return Client.find(server, paths, url)


def _fail(error: Exception) -> int:
    print(f"hal0: {error}", file=sys.stderr)
    return 1


def _show_progress(line: ProgressLine, client: Client, slot: str) -> None:
    try:
        found = next((s for s in slots_of(client.state()) if s["name"] == slot), None)
    except (NotRunning, Refused):
        return  # the command itself will say it
    if found and (progress := found["progress"]):
        phase = " · ".join(filter(None, (progress["phase"], _apart(found), _draining(found))))
        text = f"{slot} → {found['target'] or 'empty'} · {phase} · {progress['elapsed_s']:.0f} s"
        plain = " · ".join(filter(None, (progress["phase"], _apart(found))))
        line.show(text if line.redraws else f"{slot}: {plain}", progress["fraction"])


def _better(slot: dict[str, Any]) -> str | None:
    """Return a model of the person's own, while one that came with hal0 still answers."""
    brought = slot["model"] in BROUGHT and slot["model"] not in slot["choices"]
    return next(iter(slot["choices"]), None) if brought and slot["target"] in (None, slot["model"]) else None


def slots_of(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return this hal0's slots, then those of others (`bigpc/primary`)."""
    found = list(state["slots"])
    for upstream in state.get("upstreams", []):
        if remote := upstream["remote"]:
            found += [slot | {"name": f"{upstream['name']}/{slot['name']}"} for slot in remote["slots"]]
    return found


def _lost(state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the other hal0s that nothing is known of."""
    upstreams = state.get("upstreams", [])
    return [u for u in upstreams if u["kind"] == UpstreamKind.HAL0 and u["remote"] is None]


def _slot_line(slot: dict[str, Any]) -> str:
    parts = [slot["name"], slot["model"] or "no model", slot["state"]]
    if slot["target"] and slot["target"] != slot["model"]:
        parts[1] = f"{slot['model'] or 'empty'} → {slot['target']}"
    if slot["progress"] and slot["progress"]["fraction"] is not None:
        parts[2] += f" {slot['progress']['fraction']:.0%}"
    if slot.get("load_flags"):
        parts.append(f"with {', '.join(slot['load_flags'])}, this time only")
    if slot["context_length"]:
        parts.append(f"{slot['context_length']} tokens")
    if slot["memory"]:
        parts.append(f"{memory_size(slot['memory'])} used{_of_each(slot.get('memory_by_device', ()))}")
    if slot["in_flight"] or slot["queued"]:
        parts.append(f"{slot['in_flight']} running, {slot['queued']} waiting")
    parts += filter(None, [_apart(slot), _draining(slot)])
    return " · ".join(parts)


def _of_each(held: Sequence[int]) -> str:
    """Write " of GPU 1", or " (GPU 0: 8 GiB, GPU 1: 4 GiB)"; "" where there is one."""
    each = [(number, size) for number, size in enumerate(held) if size]
    if len(held) < 2 or not each:
        return ""
    if len(each) == 1:
        return f" of GPU {each[0][0]}"
    return f" ({', '.join(f'GPU {number}: {memory_size(size)}' for number, size in each)})"


def _error(error: dict[str, Any]) -> str:
    """Describe an error; what is over is told as such, with the time it happened."""
    if not error.get("past"):
        return f"last error: {error['message']}"
    return f"earlier, at {time.strftime('%H:%M', time.localtime(error['at']))}: {error['message']}"


def _apart(slot: dict[str, Any]) -> str:
    """Return "unloads embed, not to be loaded together with it" ("" where `together:` keeps nothing apart)."""
    apart = slot.get("apart") or ()
    waits = [name for name in apart if name not in slot["evicting"]]
    does = f"waits until {' and '.join(waits)} is idle" if waits else f"unloads {' and '.join(apart)}"
    return f"{does}, not to be loaded together (hal0.yaml)" if apart else ""


def _draining(slot: dict[str, Any]) -> str:
    """ "alpha ends 2 requests, cut in 12 s" ("" where none is waited for)"""
    if not slot.get("draining"):
        return ""
    requests = "1 request" if slot["draining"] == 1 else f"{slot['draining']} requests"
    limit = slot["drain_deadline"]
    left = f", cut in {max(0.0, limit - time.time()):.0f} s" if limit is not None else ""
    return f"{' and '.join(slot['leaving'])} ends {requests}{left}"
