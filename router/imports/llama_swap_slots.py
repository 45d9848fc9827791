"""llama-swap's groups, time limits, keys and peers, as slots and servers elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from router.config.schema import Kind
from router.config.yaml_lines import Value
from router.imports.found import FoundModel, Imported, model_id
from router.imports.llama_swap_keys import items as _list
from router.imports.llama_swap_keys import mapping as _mapping
from router.imports.llama_swap_programs import slot_name

MATRIX: Final = "write which may be loaded at once as together: in hal0.yaml, a list of lists of slots"
_EXCLUSIVE: Final = "hal0 makes room as memory demands; write together: to say which may be loaded at once"
_ENV: Final = re.compile(r"\$\{env\.([A-Za-z_]\w*)\}")
_PEERS: Final = {"proxy": "base_url", "apiKey": "api_key", "models": "models"}
_NAMES: Final = {Kind.CHAT: "primary", Kind.EMBEDDING: "embed", Kind.RERANK: "rerank"}


def read_slots(found: Imported, sections: Mapping[str, Value]) -> None:
    """Add slots for `found`'s models, keys and peers."""
    _groups(found, sections.get("groups"))
    _routing(found, _mapping(sections.get("routing")))
    _preloads(found, sections.get("hooks"))
    for model in found.models:
        if model.kind in (Kind.EMBEDDING, Kind.RERANK) and not _has_slot(found, model):
            found.slots.setdefault(_NAMES[model.kind], {"kind": model.kind.value, "model": model.id})
            found.lines.setdefault(f"slots.{_NAMES[model.kind]}", model.line)
    _time_limits(found, sections)
    found.api_keys += [_variable(key.text) for key in _list(sections.get("apiKeys")) if key.text]
    if (keys := sections.get("apiKeys")) is not None:
        found.lines["server.api_keys"] = keys.line
        for key in _list(keys):
            found.keep(key.line, "server.api_keys")
    _peers(found, sections.get("peers"))


def _groups(found: Imported, groups: Value | None) -> None:
    """Give each member of a group that does not swap a slot of its own."""
    for name, group in _mapping(groups).items():
        told = _mapping(group)
        members = [model for item in _list(told.get("members")) if (model := _named(found, item.text))]
        _keep_lines(found, name, told)
        if (swap := told.get("swap")) is None or swap.data is not False:
            found.keep(group.line, "models of one kind swap in one slot")
            continue
        pinned = (keeps := told.get("persistent")) is not None and keeps.data is True
        for item in _list(told.get("members")):
            own = found.slots.get(slot_name(item.text))
            if pinned and own is not None and "command" in own:
                own["pinned"] = True
        for model in members:
            slot = _own_slot(found, model)
            entry: dict[str, Any] = {"model": model.id, "models": [model.id]}
            if model.kind not in (None, Kind.CHAT):
                entry = {"kind": model.kind.value, **entry}
            found.slots[slot] = {**entry, **({"pinned": True} if pinned else {})}
            found.lines[f"slots.{slot}"] = group.line


def _keep_lines(found: Imported, name: str, group: Mapping[str, Value]) -> None:
    """Tell of each line of a group what becomes of it: its members' slots say the rest."""
    for key, value in group.items():
        if key == "exclusive" and value.data is not False:
            found.leave(value.line, f"groups: {name}: exclusive", _EXCLUSIVE)
        elif key in ("swap", "persistent", "exclusive", "members"):
            found.keep(value.line, "slots")
        else:
            found.leave(value.line, f"groups: {name}: {key}", "hal0 does not know this key of llama-swap's")
    for item in _list(group.get("members")):
        if _named(found, item.text) is not None or slot_name(item.text) in found.slots:
            found.keep(item.line, "slots")
        else:
            found.leave(item.line, f"groups: {name}: {item.text}", "there is no such model in models:")


def _routing(found: Imported, routing: Mapping[str, Value]) -> None:
    """Read what newer configurations have in the place of `groups:` and `matrix:`."""
    for name, value in routing.items():
        if name != "router":
            found.leave(value.line, f"routing: {name}", "requests wait in the slot's queue, in their order")
    router = _mapping(routing.get("router"))
    settings = _mapping(router.get("settings"))
    used = router["use"].text if "use" in router else "group"
    if "use" in router:
        found.keep(router["use"].line, "slots")
    for name, value in settings.items():
        if name == "groups" and used == "group":
            _groups(found, value)
        elif name == used or used != "group":
            found.leave(value.line, f"routing: {name}", MATRIX)


def _own_slot(found: Imported, model: FoundModel) -> str:
    """Return a name for the slot of this model alone: that of its kind, if there is one and nobody has it."""
    usual = _NAMES.get(model.kind or Kind.CHAT, "")
    if model.kind not in (None, Kind.CHAT) and usual and usual not in found.slots:
        return usual
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{model.id}-slot")


def _preloads(found: Imported, hooks: Value | None) -> None:
    start = _mapping(_mapping(hooks).get("on_startup"))
    for name, value in (*_mapping(hooks).items(), *start.items()):
        if name not in ("on_startup", "preload"):
            found.leave(value.line, f"hooks: {name}", "hal0 does not know this key of llama-swap's")
    for item in _list(start.get("preload")):
        if (model := _named(found, item.text)) is None:
            own = slot_name(item.text)
            if "command" in found.slots.get(own, {}):
                found.slots[own]["autoload"] = True
                found.keep(item.line, f"slots.{own}.autoload")
            else:
                found.leave(item.line, f"preload {item.text}", "there is no such model in models:")
            continue
        slot = _slot_of(found, model) or _NAMES.get(model.kind or Kind.CHAT, "primary")
        entry = found.slots.setdefault(slot, {"kind": model.kind.value} if model.kind else {})
        if entry.get("autoload"):
            found.leave(item.line, f"preload {item.text}", f"{slot} holds one model at a time")
            continue
        entry |= {"model": model.id, "autoload": True}
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
        if (slot := _timed_slot(found, name)) is not None:
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


def _timed_slot(found: Imported, name: str) -> str | None:
    """Return the slot in which a model of llama-swap's is unloaded."""
    if (model := _named(found, name)) is not None:
        return _slot_of(found, model) or _NAMES.get(model.kind or Kind.CHAT, "primary")
    return slot_name(name) if "command" in found.slots.get(slot_name(name), {}) else None


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


def _named(found: Imported, name: str) -> FoundModel | None:
    wanted = model_id(name)
    return next((m for m in found.models if m.id == wanted or wanted in m.aliases), None)


def _slot_of(found: Imported, model: FoundModel) -> str | None:
    return next((name for name, slot in found.slots.items() if slot.get("models") == [model.id]), None)


def _has_slot(found: Imported, model: FoundModel) -> bool:
    return _slot_of(found, model) is not None


def _seconds(value: Value | None) -> int | None:
    return value.data if value is not None and type(value.data) is int else None
