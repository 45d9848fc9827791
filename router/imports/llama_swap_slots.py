"""llama-swap's groups, time limits, keys and peers, as slots and servers elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from router.config.schema import Kind
from router.config.yaml_lines import Value
from router.imports.found import Imported
from router.imports.llama_swap_assign import holder, named, slot_of, usual_slot
from router.imports.llama_swap_groups import read_groups
from router.imports.llama_swap_keys import UNKNOWN
from router.imports.llama_swap_keys import items as _list
from router.imports.llama_swap_keys import mapping as _mapping
from router.imports.llama_swap_matrix import read_matrix

_NOT_USED: Final = "llama-swap uses either groups or a matrix, and this file has it use the other"
_ENV: Final = re.compile(r"\$\{env\.([A-Za-z_]\w*)\}")
_PEERS: Final = {"proxy": "base_url", "apiKey": "api_key", "models": "models"}


def read_slots(found: Imported, sections: Mapping[str, Value]) -> None:
    """Add slots for `found`'s models, keys and peers."""
    names = list(_mapping(sections.get("models")))
    if (matrix := sections.get("matrix")) is not None:
        read_matrix(found, matrix, names)
    if (groups := sections.get("groups")) is not None and matrix is None:
        read_groups(found, groups, names)
    elif groups is not None:
        found.leave(groups.line, "groups", _NOT_USED)
    _routing(found, _mapping(sections.get("routing")), names)
    _preloads(found, sections.get("hooks"))
    for model in found.models:
        if model.kind in (Kind.EMBEDDING, Kind.RERANK) and slot_of(found, model) is None:
            slot = usual_slot(found, model.kind)
            found.slots.setdefault(slot, {"kind": model.kind.value, "model": model.id})
            found.lines.setdefault(f"slots.{slot}", model.line)
    _time_limits(found, sections)
    found.api_keys += [_variable(key.text) for key in _list(sections.get("apiKeys")) if key.text]
    if (keys := sections.get("apiKeys")) is not None:
        found.lines["server.api_keys"] = keys.line
        for key in _list(keys):
            found.keep(key.line, "server.api_keys")
    _peers(found, sections.get("peers"))
    main = usual_slot(found, Kind.CHAT)
    if main in found.slots:  # first: it answers who names no model
        found.slots = {main: found.slots.pop(main), **found.slots}


def _routing(found: Imported, routing: Mapping[str, Value], names: Sequence[str]) -> None:
    """Read what newer configurations have in the place of `groups:` and `matrix:`."""
    for name, value in routing.items():
        if name != "router":
            found.leave(value.line, f"routing: {name}", "requests wait in the slot's queue, in their order")
    router = _mapping(routing.get("router"))
    used = router["use"].text if "use" in router else "group"
    if "use" in router:
        found.keep(router["use"].line, "slots")
    for name, value in _mapping(router.get("settings")).items():
        if (name, used) == ("groups", "group"):
            read_groups(found, value, names)
        elif (name, used) == ("matrix", "matrix"):
            read_matrix(found, value, names)
        elif name in ("groups", "matrix"):
            found.leave(value.line, f"routing: {name}", _NOT_USED)
        else:
            found.leave(value.line, f"routing: {name}", UNKNOWN)


def _preloads(found: Imported, hooks: Value | None) -> None:
    start = _mapping(_mapping(hooks).get("on_startup"))
    for name, value in (*_mapping(hooks).items(), *start.items()):
        if name not in ("on_startup", "preload"):
            found.leave(value.line, f"hooks: {name}", UNKNOWN)
    for item in _list(start.get("preload")):
        slot, model = holder(found, item.text), named(found, item.text)
        if slot is None:
            found.leave(item.line, f"preload {item.text}", "there is no such model in models:")
            continue
        entry = found.slots.setdefault(slot, {"kind": model.kind.value} if model and model.kind else {})
        if entry.get("autoload"):
            found.leave(item.line, f"preload {item.text}", f"{slot} holds one model at a time")
            continue
        entry |= {"model": model.id, "autoload": True} if model else {"autoload": True}
        found.lines.setdefault(f"slots.{slot}", item.line)
        found.keep(item.line, f"slots.{slot}.autoload")


def _time_limits(found: Imported, sections: Mapping[str, Value]) -> None:
    """Set `idle_unload` of a slot whose models agree; llama-swap has one for each model."""
    usual = _seconds(sections.get("globalTTL")) or 0
    if (given := sections.get("globalTTL")) is not None:
        found.keep(given.line, "slots: idle_unload")
    limits: dict[str, dict[int, list[int]]] = {}
    for name, value in _mapping(sections.get("models")).items():
        ttl = _mapping(value).get("ttl")
        own = _seconds(ttl)
        seconds = usual if own is None or own < 0 else own
        if (slot := holder(found, name)) is not None:
            lines = limits.setdefault(slot, {}).setdefault(seconds, [])
            lines.append(ttl.line if ttl is not None else value.line)
    for slot, told in limits.items():
        for seconds, lines in told.items():
            for line in lines:
                if seconds == 0:
                    found.keep(line, "hal0 unloads nothing by itself")
                elif len(told) == 1:
                    found.keep(line, f"slots.{slot}.idle_unload")
                else:
                    why = f"idle_unload is the slot's, and the models of {slot} differ"
                    found.leave(line, f"ttl {seconds}", why)
        if len(told) == 1 and (seconds := next(iter(told))) > 0:
            found.slots.setdefault(slot, {})["idle_unload"] = seconds
            found.lines.setdefault(f"slots.{slot}", told[seconds][0])


def _peers(found: Imported, peers: Value | None) -> None:
    for name, value in _mapping(peers).items():
        told = _mapping(value)
        if (proxy := told.get("proxy")) is None:
            found.leave(value.line, f"peers: {name}", "it has no proxy")
            continue
        entry: dict[str, Any] = {"base_url": proxy.text}
        if (key := told.get("apiKey")) is not None and key.text:
            entry["api_key"] = _variable(key.text)
        if models := [item.text for item in _list(told.get("models"))]:
            entry["models"] = models
        found.upstreams[name] = entry
        found.lines[f"upstreams.{name}"] = value.line
        for asked in _list(told.get("models")):
            found.keep(asked.line, f"upstreams.{name}.models")
        for key_name, item in told.items():
            if key_name in _PEERS:
                found.keep(item.line, f"upstreams.{name}.{_PEERS[key_name]}")
            else:
                found.leave(
                    item.line, f"peers: {name}: {key_name}", "hal0 sends requests elsewhere as they are"
                )


def _variable(text: str) -> str:
    """`${env.NAME}` is `env:NAME` here."""
    match = _ENV.fullmatch(text.strip())
    return f"env:{match[1]}" if match else text


def _seconds(value: Value | None) -> int | None:
    return value.data if value is not None and type(value.data) is int else None
