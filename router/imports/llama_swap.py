"""llama-swap's config.yaml. Format: its config.example.yaml and config-schema.json.

Its models become models here, and swap in one slot for each kind; those that run beside each other (a group
that does not swap) get a slot each. Other programs' commands become slots with a `command:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from router.config.command_line import flag_pairs
from router.config.problems import ProblemList
from router.config.schema import Kind
from router.config.yaml_lines import Value, read_yaml
from router.imports.commands import ServerCommand, server_command, without_comments, words_of
from router.imports.flags import read_options
from router.imports.found import FoundModel, Imported, NotImported, Origin, model_id
from router.imports.llama_swap_slots import MATRIX, read_slots
from router.imports.macros import Macros

_OWN: Final[Mapping[str, str]] = {
    "healthCheckTimeout": "hal0 waits as long as the engine shows that it loads",
    "logLevel": "hal0's log is set with HAL0_LOG",
    "logTimeFormat": "hal0's log has one form",
    "logToStdout": "hal0 writes hal0.log, and to the terminal with `hal0 serve`",
    "logRequests": "hal0 keeps a record of each request (activity:)",
    "metricsMaxInMemory": "hal0 keeps records on disk (activity.keep)",
    "captureBuffer": "hal0 keeps texts if activity.bodies says so",
    "startPort": "hal0 chooses engines' ports (engine.ports)",
    "sendLoadingState": "hal0 sends signs of life in the headers and comments of a stream",
    "includeAliasesInList": "hal0 lists a model by its id",
    "ui": "hal0 has a page of its own",
    "performance": "hal0 measures memory and speed by itself",
    "unloadTimeout": "hal0 ends an engine by its own stages",
    "upstream": "hal0 passes on what llama-server answers",
    "profiles": "slots say what stays loaded beside others",
    "selectors": "a slot's name is what clients ask for, and it can hold any model",
    "matrix": MATRIX,
}
_OF_MODELS: Final[Mapping[str, str]] = {
    "description": "hal0 shows the name only (display_name)",
    "env": "write it as env under the model in hal0.yaml; to choose GPUs there is the flag device",
    "proxy": "hal0 chooses the engine's address",
    "cmdStop": "hal0 ends engines itself, with all they started",
    "useModelName": "hal0 sends an engine the name it knows",
    "unlisted": "write listed: false under the model in hal0.yaml",
    "metadata": "write it as metadata under the model in hal0.yaml",
    "concurrencyLimit": "write it as limit under the model in hal0.yaml",
    "sendLoadingState": "hal0 sends signs of life in the headers and comments of a stream",
    "timeouts": "hal0 waits as long as the engine shows that it works",
    "capabilities": "hal0 reads them from the GGUF; others are capabilities under the model in hal0.yaml",
    "unloadTimeout": "hal0 ends an engine by its own stages",
    "compat": "hal0 answers OpenAI's, Anthropic's and Ollama's clients for every model",
    "checkEndpoint": "hal0 knows when llama-server is ready",
}
_READ: Final = frozenset({"cmd", "name", "aliases", "macros", "filters", "ttl"})
_SECTIONS: Final = frozenset(
    {"models", "macros", "apiKeys", "peers", "groups", "routing", "hooks", "globalTTL"}
)


def read_llama_swap(text: str, origin: Origin) -> Imported:
    """Return what llama-swap's configuration says. Raises NotImported."""
    problems = ProblemList(origin.path)
    root = read_yaml(text, problems)
    sections = root.data if root is not None and isinstance(root.data, dict) else None
    models = sections.get("models") if sections else None
    if sections is None or models is None or not isinstance(models.data, dict) or not models.data:
        why = f": {problems.found[0].message}" if problems.found else ""
        raise NotImported(f"{origin.path} is not llama-swap's configuration: it has no models{why}.")
    found = Imported("llama-swap's configuration")
    for problem in problems.found:
        found.leave(problem.line, problem.key or "the file", problem.message)
    for name, value in sections.items():
        if name in _OWN:
            found.leave(value.line, name, _OWN[name])
        elif name not in _SECTIONS and not name.startswith("x-"):
            found.leave(value.line, name, "hal0 does not know this key of llama-swap's")
    _Models(found, origin, sections, text).read(models.data)
    read_slots(found, sections)
    return found


class _Models:
    """Reads `models:` into `found`."""

    def __init__(self, found: Imported, origin: Origin, sections: Mapping[str, Value], text: str) -> None:
        self._found = found
        self._origin = origin
        self._macros = sections.get("macros")
        self._lines = text.splitlines()

    def read(self, models: Mapping[str, Value]) -> None:
        starts = [value.line for value in models.values()]
        for name, value in models.items():
            end = min((line for line in starts if line > value.line), default=len(self._lines) + 1)
            if not isinstance(value.data, dict) or "cmd" not in value.data:
                self._found.leave(value.line, name, "it has no cmd")
                continue
            self._model(name, value.data, value.line, end)

    def _model(self, name: str, entry: Mapping[str, Value], line: int, end: int) -> None:
        macros = Macros(self._origin.variables, self._macros, entry.get("macros"), MODEL_ID=name)
        words = words_of(macros.put_in(without_comments(entry["cmd"].text)))
        if macros.unknown:
            unknown = ", ".join(f"${{{name}}}" for name in dict.fromkeys(macros.unknown))
            self._found.leave(line, name, f"its command has {unknown}, which nothing here defines")
            return
        command = server_command(words)
        if command is None:
            self._other_program(name, entry, words, line)
            return
        model = FoundModel(model_id(name), line, lines={"": line})
        self._names(model, name, entry, macros)
        self._options(model, command, entry["cmd"].line, end)
        self._filters(model, entry.get("filters"), macros)
        self._leave_keys(name, entry, _OF_MODELS)
        if not model.file:
            self._found.leave(line, name, "its command names no model")
            return
        self._found.models.append(model)
        self._found.models += self._variants(model, entry.get("filters"), macros)

    def _names(self, model: FoundModel, name: str, entry: Mapping[str, Value], macros: Macros) -> None:
        shown = macros.put_in(entry["name"].text) if "name" in entry else name
        model.display_name = shown if shown != model.id else None
        for alias in _items(entry.get("aliases")):
            told = alias.data.get("id") if isinstance(alias.data, dict) else alias
            if told is not None and told.text and (text := macros.put_in(told.text)) != model.id:
                model.aliases.append(model_id(text))
                model.lines["aliases"] = alias.line

    def _options(self, model: FoundModel, command: ServerCommand, start: int, end: int) -> None:
        if command.wrapper:
            self._found.leave(start, " ".join(command.wrapper), "hal0 starts llama-server itself")
        options = [(name, command.here(value)) for name, value in flag_pairs(command.options)]
        read_options(
            options, model, self._found, self._origin, lambda name: self._line_of(name, start, end), "--"
        )

    def _line_of(self, option: str, start: int, end: int) -> int:
        """Return where it is written; one from a macro counts where the command stands."""
        whole = re.compile(rf"(?<![\w-])-{{1,2}}{re.escape(option)}(?![\w-])")
        lines = range(start, min(end, len(self._lines) + 1))
        return next((number for number in lines if whole.search(self._lines[number - 1])), start)

    def _filters(self, model: FoundModel, filters: Value | None, macros: Macros) -> None:
        given = filters.data if filters is not None and isinstance(filters.data, dict) else {}
        for name, value in given.items():
            if name == "setParams" and isinstance(value.data, dict):
                for field, item in value.data.items():
                    model.request[field] = macros.plain(item)
                    model.lines[f"request.{field}"] = item.line
            elif name in ("stripParams", "strip_params"):
                reason = "write it as request: {strip: [...]} under the model in hal0.yaml"
                self._found.leave(value.line, f"{model.id}: {name}", reason)

    def _variants(self, model: FoundModel, filters: Value | None, macros: Macros) -> Iterator[FoundModel]:
        """Yield a model for each name with parameters of its own; it shares its engine with `model`."""
        given = filters.data if filters is not None and isinstance(filters.data, dict) else {}
        by_id = given.get("setParamsByID")
        for name, value in by_id.data.items() if by_id is not None and isinstance(by_id.data, dict) else ():
            own = model_id(macros.put_in(name))
            request = {**model.request, **(macros.plain(value) if isinstance(value.data, dict) else {})}
            if own == model.id:
                model.request = request
                continue
            model.aliases = [alias for alias in model.aliases if alias != own]
            yield FoundModel(
                own,
                value.line,
                model.file,
                None,
                model.kind,
                flags=dict(model.flags),
                request=request,
                lines={"": value.line},
            )

    def _other_program(self, name: str, entry: Mapping[str, Value], words: Sequence[str], line: int) -> None:
        """Make a slot of another program's command."""
        command = " ".join(_quoted(word.replace("${PORT}", "{port}")) for word in words)
        if "{port}" not in command or "${" in command:
            reason = "another program, and its command does not say where the port goes (${PORT})"
            self._found.leave(line, name, reason)
            return
        slot: dict[str, Any] = {"kind": _kind_of(name, command).value, "command": command}
        check = entry["checkEndpoint"].text if "checkEndpoint" in entry else ""
        if check.startswith("/"):
            slot["health"] = check
        known = dict(_OF_MODELS) | {"checkEndpoint": ""}
        self._leave_keys(name, entry, {key: reason for key, reason in known.items() if reason})
        for key in ("name", "aliases", "filters"):
            if key in entry:
                self._found.leave(entry[key].line, f"{name}: {key}", "a slot with a command goes by its name")
        self._found.slots[slot_name(name)] = slot
        self._found.lines[f"slots.{slot_name(name)}"] = line

    def _leave_keys(self, name: str, entry: Mapping[str, Value], reasons: Mapping[str, str]) -> None:
        for key, value in entry.items():
            if key in reasons:
                self._found.leave(value.line, f"{name}: {key}", reasons[key])
            elif key not in _READ and key not in _OF_MODELS:
                self._found.leave(value.line, f"{name}: {key}", "hal0 does not know this key of llama-swap's")


def slot_name(name: str) -> str:
    """Return a name without what a slot's cannot hold."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "slot"


def _items(value: Value | None) -> list[Value]:
    return value.data if value is not None and isinstance(value.data, list) else []


def _quoted(word: str) -> str:
    return word if re.fullmatch(r"[\w@%+=:,./{}-]+", word) else "'" + word.replace("'", "'\"'\"'") + "'"


def _kind_of(name: str, command: str) -> Kind:
    """Guess what another program serves, by what it and its model are called."""
    told = f"{name} {command}".lower()
    for kind, words in _KINDS.items():
        if any(word in told for word in words):
            return kind
    return Kind.CHAT


_KINDS: Final = {
    Kind.STT: ("whisper", "transcri", "parakeet"),
    Kind.TTS: ("kokoro", "tts", "piper", "audio/speech"),
    Kind.IMAGE: ("sd-server", "stable-diffusion", "diffusion", "comfy"),
    Kind.RERANK: ("rerank",),
    Kind.EMBEDDING: ("embed", "infinity"),
}
