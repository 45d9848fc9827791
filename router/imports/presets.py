"""llama-server's presets (`--models-preset FILE.ini`): a section for each model, `[*]` for all of them.

Format: llama.cpp's docs/preset.md and common/preset.cpp. Keys are options without dashes or their variables
(`LLAMA_ARG_…`); a section without a model is one of its name on Hugging Face or in the models' folder.
"""

from __future__ import annotations

import re
from typing import Final

from router.config.flags import flag_name
from router.imports.flags import SOURCES, read_options
from router.imports.found import FoundModel, Imported, NotImported, Origin, model_id

_SECTION: Final = re.compile(r"\[(?P<name>[^\]]+)\]\s*(?:[;#].*)?")
_ENTRY: Final = re.compile(r"(?P<key>[\w./*-]+)\s*=\s*(?P<value>.*)")
_REPOSITORY: Final = re.compile(r"[\w.-]+/[\w.-]+(?::[\w.-]+)?")
_ALL: Final = "*"
_STOP: Final = "hal0 ends an engine by its own stages"

Entries = dict[str, tuple[str, int]]
"""Values by option as written, each with its line."""


def read_presets(text: str, origin: Origin) -> Imported:
    """Return the presets in `text`. Raises NotImported."""
    found = Imported("llama-server's presets")
    sections = _sections(text, found)
    all_line, common = sections.pop(_ALL, (0, {}))
    if not sections:
        raise NotImported(f"{origin.path} has no section [name] for a model, so there is nothing to import.")
    own = {name: {flag_name(key) for key in entries} for name, (_, entries) in sections.items()}
    for key in common:
        if all(flag_name(key) in flags for flags in own.values()):
            found.keep(common[key][1], "every model has its own")
    for name, (line, entries) in sections.items():
        shared = {key: value for key, value in common.items() if flag_name(key) not in own[name]}
        found.models.append(_model(name, line, {**shared, **entries}, found, origin))
    if all_line:
        found.keep(all_line, "put into each model")
    on_start = [(model, line) for model in found.models if (line := model.lines.pop("autoload", 0))]
    if on_start:
        first, line = on_start[0]
        found.slots["primary"] = {"model": first.id, "autoload": True}
        found.lines["slots.primary"] = first.line
        found.keep(line, "slots.primary.autoload")
    for model, line in on_start[1:]:
        found.leave(line, f"load-on-startup of {model.id}", "a slot loads one model; make a slot for it")
    return found


def _sections(text: str, found: Imported) -> dict[str, tuple[int, Entries]]:
    sections: dict[str, tuple[int, Entries]] = {}
    entries: Entries | None = None
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        line = raw.strip()
        if not line or line[0] in ";#":
            continue
        if section := _SECTION.fullmatch(line):
            entries = sections.setdefault(section["name"].strip(), (number, {}))[1]
        elif entry := _ENTRY.fullmatch(line):
            if entries is None:
                if entry["key"] != "version":
                    found.leave(number, line, "it stands before the first section")
            else:
                if (before := entries.get(entry["key"])) is not None:
                    found.leave(before[1], f"{entry['key']} = …", f"given again on line {number}, which counts")
                entries[entry["key"]] = (_unquoted(entry["value"].strip()), number)
        else:
            found.leave(number, line, "it is neither a section nor `option = value`")
    return sections


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'" else value


def _model(name: str, line: int, entries: Entries, found: Imported, origin: Origin) -> FoundModel:
    model = FoundModel(model_id(name), line)
    if model.id != name:
        model.display_name = name
    options = dict(entries)
    wanted, at = options.pop("load-on-startup", ("", 0))
    if wanted.lower() in ("true", "1", "on", "yes"):
        model.lines["autoload"] = at
    elif at:
        found.keep(at, "hal0 loads nothing at its start that is not asked for")
    if (stop := options.pop("stop-timeout", None)) is not None:
        found.leave(stop[1], f"stop-timeout = {stop[0]}", _STOP)
    if not any(flag_name(key) in SOURCES for key in options):
        options[SOURCES[1] if _REPOSITORY.fullmatch(name) else SOURCES[0]] = (_file(name), line)
    pairs = [(key, value) for key, (value, _) in options.items()]
    read_options(pairs, model, found, origin, lambda key: options[key][1])
    return model


def _file(name: str) -> str:
    return name if _REPOSITORY.fullmatch(name) or name.lower().endswith(".gguf") else f"{name}.gguf"
