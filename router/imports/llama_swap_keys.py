"""What llama-swap says of a model beside its command, as keys of a model in hal0.yaml."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from router.config.request_fields import FORCE, NOT_DEFAULTS, STRIP, misnamed
from router.config.schema import Kind
from router.config.yaml_lines import Value
from router.imports.found import FoundModel, Imported, model_id
from router.imports.macros import Macros

LOST: Final[Mapping[str, str]] = {
    "proxy": "hal0 chooses the engine's address",
    "cmdStop": "hal0 ends llama-server itself, with all it started",
    "useModelName": "hal0 sends an engine the name it knows",
    "sendLoadingState": "hal0 sends signs of life in the headers and comments of a stream",
    "timeouts": "hal0 waits as long as the engine shows that it works",
    "unloadTimeout": "hal0 ends an engine by its own stages",
    "compat": "hal0 answers OpenAI's, Anthropic's and Ollama's clients for every model",
    "checkEndpoint": "hal0 knows when llama-server is ready",
}
READ_ELSEWHERE: Final = frozenset({"cmd", "name", "aliases", "macros", "filters", "ttl"})
UNKNOWN: Final = "hal0 does not know this key of llama-swap's"
_VARIABLE: Final = re.compile(r"\$\{env\.([A-Za-z_]\w*)\}")
_ABILITIES: Final = {"text": "completion", "image": "vision", "audio": "audio"}


def read_keys(name: str, entry: Mapping[str, Value], model: FoundModel, macros: Macros, into: Imported) -> None:
    """Add all keys of a model that llama-server serves, but for those of READ_ELSEWHERE."""
    for key, value in entry.items():
        if key in _READERS:
            _READERS[key](value, model, macros, into)
        elif key in LOST:
            into.leave(value.line, f"{name}: {key}", LOST[key])
        elif key not in READ_ELSEWHERE:
            into.leave(value.line, f"{name}: {key}", UNKNOWN)


def read_environment(
    value: Value | None, macros: Macros, put: Callable[[str, str, int], None], into: Imported
) -> None:
    """Give each `NAME=value` of a list to `put`, with its line; a whole `${env.NAME}` is `env:NAME` here."""
    for item in items(value):
        put_variable(item.text, item.line, macros, put, into)


def put_variable(
    text: str, line: int, macros: Macros, put: Callable[[str, str, int], None], into: Imported
) -> None:
    """Give `NAME=value` to `put`. Its value may be secret, so what is left out tells its name only."""
    name, is_pair, written = text.partition("=")
    if not is_pair:
        into.leave(line, f"env {name}", "it is no NAME=value")
    elif found := _VARIABLE.fullmatch(written.strip()):
        put(name, f"env:{found[1]}", line)
    else:
        before = len(macros.unknown)
        told = macros.put_in(written)
        if unknown := macros.unknown[before:]:
            del macros.unknown[before:]
            into.leave(line, f"env {name}", f"it has ${{{unknown[0]}}}, which nothing here defines")
        else:
            put(name, told, line)


def read_names(
    model: FoundModel, name: str, entry: Mapping[str, Value], macros: Macros, into: Imported
) -> None:
    """Read what a model is shown as, and its other names."""
    shown = macros.put_in(entry["name"].text) if "name" in entry else name
    model.display_name = shown if shown != model.id else None
    if "name" in entry:
        model.lines["display_name"] = entry["name"].line
    for alias in items(entry.get("aliases")):
        told = alias.data.get("id") if isinstance(alias.data, dict) else alias
        if told is None or not told.text:
            continue
        if (text := model_id(macros.put_in(told.text))) != model.id:
            model.aliases.append(text)
        model.lines[f"aliases.{text}"] = told.line
        for key, value in alias.data.items() if isinstance(alias.data, dict) else ():
            if key == "unlisted" or (key == "name" and value.text == told.text):
                into.keep(value.line, "hal0 lists a model by its id")
            elif key != "id":
                into.leave(value.line, f"{text}: {key}", "an alias is only another name of its model")


def read_filters(model: FoundModel, filters: Value | None, macros: Macros, into: Imported) -> None:
    """Read what is taken out of requests, and what is set in them whatever they say."""
    for name, value in mapping(filters).items():
        if name == "setParams":
            model.request |= _forced(model, mapping(value), macros, into)
        elif name in ("stripParams", "strip_params"):
            _strip(macros.put_in(value.text), value.line, model, into)
        elif name != "setParamsByID":
            into.leave(value.line, f"{model.id}: {name}", UNKNOWN)


def variants(model: FoundModel, filters: Value | None, macros: Macros, into: Imported) -> Iterable[FoundModel]:
    """Yield a model for each name with parameters of its own; it shares its engine with `model`."""
    for name, value in mapping(mapping(filters).get("setParamsByID")).items():
        own = model_id(macros.put_in(name))
        told = FoundModel(own, value.line, model.file, None, model.kind, request=dict(model.request))
        told.request |= _forced(told, mapping(value), macros, into)
        if own == model.id:
            model.request = told.request
            model.lines |= told.lines
            continue
        model.aliases = [alias for alias in model.aliases if alias != own]
        told.flags, told.env = dict(model.flags), dict(model.env)
        told.limit, told.listed = model.limit, model.listed
        told.lines[""], told.variant_of = value.line, model.id
        yield told


def _forced(model: FoundModel, given: Mapping[str, Value], macros: Macros, into: Imported) -> dict[str, Any]:
    """Return `request:`'s `force`, with what was there already."""
    found = dict(model.request.get(FORCE, {}))
    for field, item in given.items():
        if field in NOT_DEFAULTS:
            into.leave(item.line, f"{model.id}: {field}", "it can only come from the client")
            continue
        found[field] = macros.plain(item)
        model.lines[f"request.{FORCE}.{field}"] = item.line
        _note_lines(model, f"request.{FORCE}.{field}", item)
    return {FORCE: found} if found else {}


def _strip(written: str, line: int, model: FoundModel, into: Imported) -> None:
    for field in dict.fromkeys(filter(None, (part.strip() for part in written.split(",")))):
        if field in NOT_DEFAULTS:
            into.leave(line, f"{model.id}: stripParams {field}", "it can only come from the client")
        elif wrong := misnamed(field):
            into.leave(line, f"{model.id}: stripParams {field}", wrong)
        else:
            model.request.setdefault(STRIP, []).append(field)
    model.lines[f"request.{STRIP}"] = line


def _env(value: Value, model: FoundModel, macros: Macros, into: Imported) -> None:
    def put(name: str, told: str, line: int) -> None:
        model.env[name], model.lines[f"env.{name}"] = told, line

    read_environment(value, macros, put, into)


def _unlisted(value: Value, model: FoundModel, _macros: Macros, _into: Imported) -> None:
    model.listed, model.lines["listed"] = value.data is not True, value.line


def _metadata(value: Value, model: FoundModel, macros: Macros, into: Imported) -> None:
    for key, item in mapping(value).items():
        if "${PORT}" in str(item.plain()):
            into.leave(item.line, f"{model.id}: metadata.{key}", "hal0 chooses the engine's port at each start")
            continue
        model.metadata[key], model.lines[f"metadata.{key}"] = macros.plain(item), item.line
        _note_lines(model, f"metadata.{key}", item)


def _description(value: Value, model: FoundModel, macros: Macros, _into: Imported) -> None:
    if value.text:
        model.metadata.setdefault("description", macros.put_in(value.text))
    model.lines["metadata.description"] = value.line


def _limit(value: Value, model: FoundModel, _macros: Macros, into: Imported) -> None:
    if type(value.data) is int and value.data >= 0:
        model.limit = value.data
        model.lines["limit"] = value.line
    else:
        into.leave(value.line, f"{model.id}: concurrencyLimit", "it is no whole number")


def _capabilities(value: Value, model: FoundModel, _macros: Macros, into: Imported) -> None:
    told = mapping(value)
    for key, item in told.items():
        if key == "context":
            into.leave(item.line, f"{model.id}: context", "hal0 tells clients the context that the engine has")
        elif key == "reranker" and item.data is True:
            model.kind, model.lines["kind"] = Kind.RERANK, item.line
        else:
            model.lines[f"capabilities.{key}"] = item.line
            for inner in items(item):
                model.lines[f"capabilities.{key}.{inner.text}"] = inner.line
    inputs = {item.text for item in items(told.get("in"))}
    outputs = {item.text for item in items(told.get("out"))}
    found = [_ABILITIES["text"]] if "text" in outputs or (inputs and not outputs) else []
    found += [word for name, word in _ABILITIES.items() if name != "text" and name in inputs]
    if (tools := told.get("tools")) is not None and tools.data is True:
        found = [*(found or ["completion"]), "tools"]
    model.capabilities = found


_READERS: Final[Mapping[str, Callable[[Value, FoundModel, Macros, Imported], None]]] = {
    "env": _env,
    "unlisted": _unlisted,
    "metadata": _metadata,
    "description": _description,
    "concurrencyLimit": _limit,
    "capabilities": _capabilities,
}


def _note_lines(model: FoundModel, place: str, value: Value) -> None:
    """Note the lines of what is within a value, as it goes where the value goes."""
    inner = value.data.items() if isinstance(value.data, dict) else enumerate(items(value))
    for name, item in inner:
        model.lines[f"{place}.{name}"] = item.line
        _note_lines(model, f"{place}.{name}", item)


def mapping(value: Value | None) -> Mapping[str, Value]:
    """Return a value's entries; none of what is no mapping."""
    return value.data if value is not None and isinstance(value.data, dict) else {}


def items(value: Value | None) -> list[Value]:
    """Return a list's items; none of what is no list."""
    return value.data if value is not None and isinstance(value.data, list) else []
