"""hal0.yaml -> `Config`, or `ConfigErrors` with every problem in it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from router.base.files import read
from router.base.names import spellings
from router.base.paths import Paths
from router.config import basics, places
from router.config import models_and_slots as seats
from router.config import upstreams as elsewhere
from router.config.default import USUAL, default_config, default_model_dirs, default_slots
from router.config.fields import Section
from router.config.flags import flag_name
from router.config.problems import ConfigErrors, ConfigProblem, ProblemList, nearest
from router.config.reader import read_keys, read_named
from router.config.schema import Config, ModelConfig, SlotConfig, UpstreamConfig
from router.config.shared_values import KEY as VARS
from router.config.shared_values import Expanded, expand
from router.config.together import read_together
from router.config.yaml_lines import Value, read_yaml
from router.config.yaml_text import MAX_CHARACTERS

__all__ = [
    "ConfigErrors",
    "ConfigProblem",
    "ParsedConfig",
    "check_references",
    "examine_file",
    "load_config",
    "parse_config",
    "parse_file",
    "parse_text",
]


@dataclass(frozen=True, slots=True)
class ParsedConfig:
    """A configuration and where its parts are in the file: `slots.primary.model` -> 1-based line; flags by
    their long names (`models.x.flags.ctx-size`). `hints`: what is no mistake, but most likely not meant."""

    config: Config
    lines: Mapping[str, int]
    hints: tuple[ConfigProblem, ...] = ()


def load_config(path: Path, paths: Paths | None = None) -> Config:
    """Return the configuration in `path`; a missing file means the defaults. Reads files: not for an event
    loop."""
    return parse_file(path, paths).config


def parse_config(text: str, source: Path, paths: Paths | None = None) -> Config:
    """Return the configuration in `text`, as if it were in the file `source`. Raises ConfigErrors."""
    return parse_text(text, source, paths).config


def parse_file(path: Path, paths: Paths | None = None) -> ParsedConfig:
    """Return what `load_config` does, along with the lines that `check_references` needs."""
    parsed, problems = examine_file(path, paths)
    if parsed is None or problems:
        raise ConfigErrors(problems)
    return parsed


def examine_file(
    path: Path, paths: Paths | None = None
) -> tuple[ParsedConfig | None, tuple[ConfigProblem, ...]]:
    """Return what can be made of the file at `path`, with defaults in place of what is wrong, and all that is
    wrong; None for the former where nothing can be made of it."""
    problems = ProblemList(path)
    try:
        # One byte more than any allowed text can have, so that the size check below still sees it.
        raw = read(path, 4 * MAX_CHARACTERS + 1)
        text = raw.decode("utf-8-sig")
    except FileNotFoundError:
        return ParsedConfig(default_config(paths or Paths.for_user(path)), MappingProxyType({})), ()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        problems.add(line, "", "the file is not UTF-8 text; save it as UTF-8")
        return None, tuple(problems.found)
    except OSError as error:
        problems.add(0, "", f"{path} cannot be read ({error.strerror or error}); make it readable for you")
        return None, tuple(problems.found)
    if raw.count(0) > len(raw) // 4:  # UTF-16 without its mark is valid UTF-8, with a NUL beside each letter
        problems.add(1, "", "the file is not UTF-8 text; save it as UTF-8")
        return None, tuple(problems.found)
    parsed = _parse(text, path, paths, os.environ, problems)
    return parsed, tuple(problems.found)


def parse_text(
    text: str, source: Path, paths: Paths | None = None, environment: Mapping[str, str] | None = None
) -> ParsedConfig:
    """Return what `parse_config` does, along with the lines that `check_references` needs; `environment`
    answers `env:NAME`."""
    problems = ProblemList(source)
    parsed = _parse(text, source, paths, os.environ if environment is None else environment, problems)
    if parsed is None or problems.found:
        raise ConfigErrors(problems.found)
    return parsed


def _parse(
    text: str, source: Path, paths: Paths | None, environment: Mapping[str, str], problems: ProblemList
) -> ParsedConfig | None:
    """Return what `text` says, or None if it is not YAML."""
    root = read_yaml(text, problems)
    if root is None and problems.found:
        return None
    unreadable = len(problems.found)
    expanded = expand(root or Value(0, None), problems)
    wrong = list(problems.found)
    document = Section(expanded.root, "", problems)
    parsed = _read(document, source.absolute(), paths, environment, expanded)
    # What a variable that is not there is of no use for need not be told besides.
    lines = {problem.line for problem in wrong[unreadable:]}
    problems.found[:] = [*wrong, *(p for p in problems.found[len(wrong) :] if p.line not in lines)]
    return parsed


def _read(
    document: Section, source: Path, paths: Paths | None, environment: Mapping[str, str], expanded: Expanded
) -> ParsedConfig:
    server_section, engine_section = document.section("server"), document.section("engine")
    named = {name: read_named(document, name) for name in ("models", "slots", "upstreams")}
    server = basics.read_server(server_section, environment, named["slots"] or default_slots())
    engine = basics.read_engine(engine_section, source.parent)
    basics.check_ports(server_section, engine_section, server.port, engine.ports)
    model_dirs = _model_dirs(document, source, paths)
    models = _models(named["models"], (source.parent, *model_dirs))
    upstreams = elsewhere.read_upstreams(named["upstreams"], named["slots"], server)
    slots = _slots(named["slots"], models, upstreams)
    aliases = {name: model.aliases for name, model in models.items()}
    seats.check_names(named["models"], aliases, named["slots"])
    config = read_keys(
        document,
        Config,
        vars=expanded.shared,
        server=server,
        engine=engine,
        model_dirs=model_dirs,
        models=models,
        slots=slots,
        together=read_together(document, slots, named["slots"]),
        upstreams=upstreams,
        source=source,
    )
    hints = ProblemList(source)
    for name, line in expanded.unused.items():
        hints.add(
            line, f"{VARS}.{name}", f"is used nowhere; write ${{{name}}} where it is meant, or take it out"
        )
    return ParsedConfig(config, _lines(named["models"], named["slots"]), tuple(hints.found))


def _lines(models: Mapping[str, Section], slots: Mapping[str, Section]) -> Mapping[str, int]:
    lines: dict[str, int] = {}
    for section in (*models.values(), *slots.values()):
        lines[section.path] = section.line
        lines |= {section.key(name): section.line_of(name) for name in section.names()}
    for section in models.values():
        lines |= {section.key(f"flags.{flag_name(raw)}"): line for raw, line in section.lines_in("flags")}
    return MappingProxyType(lines)


def _model_dirs(document: Section, source: Path, paths: Paths | None) -> tuple[Path, ...]:
    written = document.texts("model_dirs")
    if written is None:
        return default_model_dirs(paths or Paths.for_user(source))
    folders: list[Path] = []
    for entry in written:
        if entry.text == USUAL:
            folders.extend(default_model_dirs(paths or Paths.for_user(source)))
            continue
        try:
            folders.append(places.expand(entry.text, source.parent))
        except ValueError as error:
            document.problems.add(entry.line, "model_dirs", str(error))
    return tuple(dict.fromkeys(folders))


def _models(sections: Mapping[str, Section], folders: tuple[Path, ...]) -> Mapping[str, ModelConfig]:
    read = {name: seats.read_model(name, section, folders) for name, section in sections.items()}
    return MappingProxyType({name: model for name, model in read.items() if model is not None})


def _slots(
    sections: Mapping[str, Section],
    models: Mapping[str, ModelConfig],
    upstreams: Mapping[str, UpstreamConfig],
) -> Mapping[str, SlotConfig]:
    ids = {alias: model.id for model in models.values() for alias in model.aliases}
    if not sections:
        return default_slots()
    entries = [seats.read_slot(name, section, lambda n: ids.get(n, n)) for name, section in sections.items()]
    seats.check_kinds(entries, models)
    elsewhere.check_slots(entries, upstreams)
    return MappingProxyType({entry.config.name: entry.config for entry in entries})


def check_references(parsed: ParsedConfig, known_ids: Collection[str]) -> tuple[ConfigProblem, ...]:
    """Return problems for models that slots name and nobody has: neither named in the file nor in `known_ids`
    (the catalog's)."""
    config = parsed.config
    known = set(known_ids) | set(config.models)
    problems = ProblemList(config.source or Path("hal0.yaml"))
    for slot in config.slots.values():
        for field, names in (("model", (slot.model,)), ("models", slot.models or ())):
            for name in names:
                # A model that is in the file, however wrong, is reported there.
                unknown = name is not None and known.isdisjoint(spellings(name))
                if name is not None and unknown and f"models.{name}" not in parsed.lines:
                    key = f"slots.{slot.name}.{field}"
                    message = f'no model is called "{name}": name it under models: or add its GGUF file'
                    problems.add(parsed.lines.get(key, 0), key, message, nearest(name, known))
    return tuple(sorted(problems.found, key=lambda problem: problem.line))
