"""Commands of llama-swap's that run another program than llama-server, as slots; what a `proxy` elsewhere
serves, as servers elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

from router.config.schema import Kind
from router.config.yaml_lines import Value
from router.imports.commands import words_of
from router.imports.found import Imported
from router.imports.llama_swap_keys import LOST, UNKNOWN, put_variable, read_environment
from router.imports.macros import Macros

_HERE: Final = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1", ""})
_ASSIGNED: Final = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
_NAME: Final = "a slot with a command goes by its own name only"
_LOST: Final[Mapping[str, str]] = {
    **{key: reason for key, reason in LOST.items() if key not in ("proxy", "cmdStop", "checkEndpoint")},
    "useModelName": "hal0 sends the program its slot's name; have it serve its model by that",
    "name": _NAME,
    "aliases": _NAME,
    "filters": "request: is a model's, and this slot's program has its own",
    "description": "a slot has no description",
    "metadata": "metadata: is a model's, and this slot's program has its own",
    "unlisted": "a slot is always listed",
    "concurrencyLimit": "limit: is a model's; this slot's program decides itself how many it answers at once",
    "capabilities": "a slot with a command can do what its kind says",
}
_READ: Final = frozenset({"cmd", "cmdStop", "env", "proxy", "checkEndpoint", "macros", "ttl"})
_KINDS: Final = {
    Kind.STT: ("whisper", "transcri", "parakeet"),
    Kind.TTS: ("kokoro", "tts", "piper", "audio/speech"),
    Kind.IMAGE: ("sd-server", "stable-diffusion", "diffusion", "comfy"),
    Kind.RERANK: ("rerank",),
    Kind.EMBEDDING: ("embed", "infinity_emb", "/infinity"),
}


def elsewhere(entry: Mapping[str, Value], macros: Macros) -> str | None:
    """Return the address of a `proxy` on another computer."""
    if "proxy" not in entry:
        return None
    written = macros.put_in(entry["proxy"].text)
    try:
        host = urlsplit(written).hostname or ""
    except ValueError:
        return None
    return written if host not in _HERE else None


def read_elsewhere(
    name: str, entry: Mapping[str, Value], address: str, line: int, macros: Macros, into: Imported
) -> None:
    """Make a server elsewhere of it, and a slot by which clients go on asking for it."""
    server, place = slot_name(urlsplit(address).netloc), slot_name(name)
    asked = macros.put_in(entry["useModelName"].text) if "useModelName" in entry else name
    into.upstreams.setdefault(server, {"base_url": address, "models": []})["models"].append(asked)
    into.slots[place] = {"upstream": f"{server}/{asked}"}
    if (kind := _kind_of(name, entry["cmd"].text)) is not Kind.CHAT:
        into.slots[place]["kind"] = kind.value
    into.lines |= {f"upstreams.{server}": entry["proxy"].line, f"slots.{place}": line}
    into.keep(entry["proxy"].line, f"slots.{place}.upstream")
    into.leave(entry["cmd"].line, f"{name}: cmd", "it serves on another computer: have it started there")
    for key, value in entry.items():
        if key == "useModelName":
            into.keep(value.line, f"slots.{place}.upstream")
        elif key not in ("cmd", "proxy", "macros"):
            reason = _LOST.get(key) or ("hal0 starts nothing there" if key in _READ else UNKNOWN)
            into.leave(value.line, f"{name}: {key}", reason)


def read_program(
    name: str,
    entry: Mapping[str, Value],
    words: Sequence[str],
    variables: Sequence[str],
    line: int,
    macros: Macros,
    into: Imported,
) -> None:
    """Make a slot of another program's command. `variables`: `NAME=value` that it is given."""
    assigned, words = _assigned(words)
    command = " ".join(_quoted(word.replace("${PORT}", "{port}")) for word in words)
    command = _with_port(command, entry, macros)
    if "{port}" not in command or "${" in command:
        into.leave(line, name, "another program, and its command does not say where the port goes (${PORT})")
        return
    place = slot_name(name)
    slot: dict[str, Any] = {"kind": _kind_of(name, command).value, "command": command}
    told: dict[str, str] = {}

    def put(variable: str, value: str, at: int) -> None:
        told[variable], into.lines[f"slots.{place}.env.{variable}"] = value, at

    for text in (*assigned, *variables):
        put_variable(text, entry["cmd"].line, macros, put, into)
    read_environment(entry.get("env"), macros, put, into)
    if told:
        slot["env"] = told
    into.slots[place] = slot
    into.lines |= {f"slots.{place}": line, f"slots.{place}.command": entry["cmd"].line}
    _health(name, place, entry, slot, into)
    _stop(name, place, entry, slot, macros, into)
    if "proxy" in entry:
        into.keep(entry["proxy"].line, "hal0 chooses the port, and asks the program there")
    for key, value in entry.items():
        if key not in _READ:
            into.leave(value.line, f"{name}: {key}", _LOST.get(key, UNKNOWN))


def slot_name(name: str) -> str:
    """Return a name without what a slot's cannot hold."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "slot"


def _assigned(words: Sequence[str]) -> tuple[list[str], Sequence[str]]:
    """Take `NAME=value` from before a program, and `env` that is there for them alone."""
    start = 1 if words and words[0] == "env" else 0
    end = start
    while end < len(words) and _ASSIGNED.fullmatch(words[end]) and "${PORT}" not in words[end]:
        end += 1
    return list(words[start:end]), words[end:] if end > start else words


def _with_port(command: str, entry: Mapping[str, Value], macros: Macros) -> str:
    """Put `{port}` where a fixed port stands that is also `proxy`'s."""
    if "{port}" in command or "proxy" not in entry:
        return command
    try:
        port = urlsplit(macros.put_in(entry["proxy"].text)).port
    except ValueError:
        return command
    return re.sub(rf"(?<![\w.]){port}(?![\w.])", "{port}", command, count=1) if port else command


def _health(name: str, place: str, entry: Mapping[str, Value], slot: dict[str, Any], into: Imported) -> None:
    if (check := entry.get("checkEndpoint")) is None:
        return
    if check.text.startswith("/"):
        slot["health"] = check.text
        into.lines[f"slots.{place}.health"] = check.line
    else:
        why = "hal0 asks each program whether it is ready; write a path that answers 200 as health:"
        into.leave(check.line, f"{name}: checkEndpoint {check.text}", why)


def _stop(
    name: str, place: str, entry: Mapping[str, Value], slot: dict[str, Any], macros: Macros, into: Imported
) -> None:
    if (stop := entry.get("cmdStop")) is None or not stop.text.strip():
        return
    words = words_of(macros.put_in(stop.text))
    told = " ".join(_quoted(word.replace("${PORT}", "{port}").replace("${PID}", "{pid}")) for word in words)
    if "$" in told:
        into.leave(stop.line, f"{name}: cmdStop", "it takes a shell, or has what nothing here defines")
    else:
        slot["stop"] = told
        into.lines[f"slots.{place}.stop"] = stop.line


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./{}-]+", word) else "'" + word.replace("'", "'\"'\"'") + "'"


def _kind_of(name: str, command: str) -> Kind:
    """Guess what another program serves, by what it and its model are called."""
    told = f"{name} {command}".lower()
    for kind, words in _KINDS.items():
        if any(word in told for word in words):
            return kind
    return Kind.CHAT
