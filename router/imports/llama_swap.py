"""llama-swap's config.yaml. Format: its config.example.yaml and config-schema.json.

Its models become models here, and swap in one slot for each kind; those that run beside each other (a group
that does not swap) get a slot each. Other programs' commands become slots with a `command:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from router.config.command_line import flag_pairs
from router.config.problems import ProblemList
from router.config.yaml_lines import Value, read_yaml
from router.imports.commands import ServerCommand, server_command, taken_variables, without_comments, words_of
from router.imports.flags import read_options
from router.imports.found import FoundModel, Imported, NotImported, Origin, model_id
from router.imports.llama_swap_keys import mapping, put_variable, read_filters, read_keys, read_names, variants
from router.imports.llama_swap_programs import elsewhere, read_elsewhere, read_program
from router.imports.llama_swap_slots import read_slots
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
    "store": "hal0 keeps its records where it keeps all of its own",
    "selectors": "a slot's name is what clients ask for, and it can hold any model",
}
_SECTIONS: Final = frozenset(
    {"models", "macros", "apiKeys", "peers", "groups", "matrix", "routing", "hooks", "globalTTL"}
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
        elif name not in _SECTIONS and not name.startswith("x-") and not _anchored(value, models.data):
            found.leave(value.line, name, "hal0 does not know this key of llama-swap's")
    _Models(found, origin, sections, text).read(models.data)
    read_slots(found, sections)
    return found


def _anchored(value: Value, models: Mapping[str, Value]) -> bool:
    """Return whether a section is there to be merged into models (`<<: *name`): their values are its own."""
    shared = {inner.line for inner in mapping(value).values()}
    return any(inner.line in shared for model in models.values() for inner in mapping(model).values())


class _Models:
    """Reads `models:` into `found`."""

    def __init__(self, found: Imported, origin: Origin, sections: Mapping[str, Value], text: str) -> None:
        self._found = found
        self._origin = origin
        self._macros = sections.get("macros")
        self._used: set[str] = set()
        self._lines = text.splitlines()

    def read(self, models: Mapping[str, Value]) -> None:
        starts = [value.line for value in models.values()]
        for name, value in models.items():
            end = min((line for line in starts if line > value.line), default=len(self._lines) + 1)
            if not isinstance(value.data, dict) or "cmd" not in value.data:
                self._found.leave(value.line, name, "it has no cmd")
                continue
            self._model(name, value.data, value.line, end)
        self._leave_unused("macros", self._macros, self._used)

    def _model(self, name: str, entry: Mapping[str, Value], line: int, end: int) -> None:
        macros = Macros(self._origin.variables, self._macros, entry.get("macros"), MODEL_ID=name)
        self._read_model(name, entry, line, end, macros)
        self._used |= macros.used
        self._leave_unused(f"{name}: macros", entry.get("macros"), macros.used)

    def _read_model(self, name: str, entry: Mapping[str, Value], line: int, end: int, macros: Macros) -> None:
        if (address := elsewhere(entry, macros)) is not None:
            read_elsewhere(name, entry, address, line, macros, self._found)
            return
        written = macros.put_in(without_comments(entry["cmd"].text), environment=False)
        words, variables = taken_variables(words_of(written))
        words = [macros.put_in(word) for word in words]
        if macros.unknown:
            unknown = ", ".join(f"${{{name}}}" for name in dict.fromkeys(macros.unknown))
            self._found.leave(line, name, f"its command has {unknown}, which nothing here defines")
            return
        command = server_command(words)
        if command is None:
            read_program(name, entry, words, variables, line, macros, self._found)
            return
        model = FoundModel(model_id(name), line, lines={"": line})
        self._found.keep(entry["cmd"].line, f"models.{model.id}")
        read_names(model, name, entry, macros, self._found)
        self._environment(model, (*command.environment, *variables), entry, macros)
        self._options(model, command, entry["cmd"].line, end)
        read_filters(model, entry.get("filters"), macros, self._found)
        read_keys(name, entry, model, macros, self._found)
        if not model.file:
            self._found.leave(line, name, "its command names no model")
            return
        self._found.models.append(model)
        self._found.models += variants(model, entry.get("filters"), macros, self._found)

    def _environment(
        self, model: FoundModel, given: Iterable[str], entry: Mapping[str, Value], macros: Macros
    ) -> None:
        """Read the variables that the command itself gives: to a container, or before the program."""

        def put(name: str, value: str, line: int) -> None:
            model.env[name], model.lines[f"env.{name}"] = value, line

        for text in given:
            put_variable(text, entry["cmd"].line, macros, put, self._found)

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

    def _leave_unused(self, what: str, section: Value | None, used: set[str]) -> None:
        for name, value in mapping(section).items():
            if name in used:
                self._found.keep(value.line, "put in where it is used")
            else:
                self._found.leave(value.line, f"{what}: {name}", "nothing that comes over uses it")
