"""Ollama's Modelfile. Format: Ollama's docs/modelfile and parser/parser.go.

Its template is Go's and cannot be run here: the GGUF's own is used, of which it is a translation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

from router.config.flags import flag_name
from router.imports.flags import read_options
from router.imports.found import FoundModel, Imported, NotImported, Origin, model_id, scalar
from router.wire.ollama import parameters

_COMMAND: Final = re.compile(r"\s*(?P<name>[A-Za-z]+)\s+(?P<rest>.*)", re.DOTALL)
_LAUNCH: Final = frozenset({"num_ctx", "num_gpu", "num_thread", "num_batch", "num_predict", "main_gpu", "numa"})
_SWITCHES: Final = {"use_mmap": ("no-mmap", "false"), "use_mlock": ("mlock", "true")}
_MARKS: Final = '"""'
_REASONS: Final = {
    "template": "a Go template; the chat template in the GGUF is used",
    "system": "hal0 adds no system prompt to requests; set it in the client, or keep the model in Ollama's "
    "store, which hal0 reads with its prompt",
    "message": "hal0 adds no messages to requests, except for models in Ollama's store",
    "license": "hal0 keeps no licences; it stays in the Modelfile",
    "parser": "llama-server reads answers by the GGUF's own chat template",
    "renderer": "llama-server writes prompts by the GGUF's own chat template",
    "requires": "it is about Ollama's version",
}


def read_modelfile(text: str, origin: Origin) -> Imported:
    """Return the one model of `text`. Raises NotImported."""
    found = Imported("Ollama's Modelfile")
    model = FoundModel(_name(origin.path), 1)
    given: dict[str, Any] = {}
    for line, command, value in _commands(text, found):
        if command == "from":
            model.file, model.lines["file"], model.line = _source(value, origin), line, line
        elif command == "adapter":
            read_options([("lora", value)], model, found, origin, partial(_at, line))
        elif command == "parameter":
            _parameter(value, line, model, given, found)
        elif value.strip():
            reason = _REASONS.get(command, "hal0 does not know this instruction")
            found.leave(line, command.upper(), reason)
        else:
            found.keep(line, "it says nothing")
    if not model.file:
        raise NotImported(f"{origin.path} has no FROM, so it names no model.")
    request = parameters(given)
    for name, value in given.items():
        if name not in request:
            line = model.lines.pop(f"request.{name}")
            found.leave(
                line, f"PARAMETER {name} {value}", "llama-server's API has no such parameter, or not so"
            )
    model.request = request
    found.models.append(model)
    return found


def _at(line: int, _name: str) -> int:
    return line


def _parameter(value: str, line: int, model: FoundModel, given: dict[str, Any], found: Imported) -> None:
    name, written = [*value.split(maxsplit=1), "", ""][:2]
    name, written = name.lower(), _unquoted(written.strip())
    if not written:
        found.leave(line, f"PARAMETER {name}", "it has no value")
    elif name in _SWITCHES:
        _switch(name, written, line, model, found)
    elif name in _LAUNCH:
        flag = flag_name(name)
        _replaced(f"flags.{flag}", line, name, model, found)
        if name == "num_gpu" and written == "-1":
            found.keep(line, "as many layers as fit are hal0's own way")
            return
        model.flags[flag], model.lines[f"flags.{flag}"] = scalar(written), line
    else:
        if name != "stop":
            _replaced(f"request.{name}", line, name, model, found)
        given[name] = [*given.get(name, []), written] if name == "stop" else written
        model.lines[f"request.{name}"] = line
        found.keep(line, f"models.{model.id}.request.{name}")


def _switch(name: str, written: str, line: int, model: FoundModel, found: Imported) -> None:
    """Read what is on or off: a flag only where it is not as llama-server has it anyway."""
    flag, unusual = _SWITCHES[name]
    if written.lower() == unusual:
        model.flags[flag], model.lines[f"flags.{flag}"] = True, line
    else:
        model.flags.pop(flag, None)
        found.keep(line, "it is llama-server's own way")


def _replaced(place: str, line: int, name: str, model: FoundModel, found: Imported) -> None:
    """Tell of a parameter that is given again: the last one counts, as in Ollama."""
    if (before := model.lines.get(place)) is not None:
        found.kept = [kept for kept in found.kept if kept.line != before]
        found.leave(before, f"PARAMETER {name}", f"given again on line {line}, which counts")


def _commands(text: str, found: Imported) -> Iterator[tuple[int, str, str]]:
    """Return (line, instruction in lower case, value without its quotation marks)."""
    lines = text.lstrip("\ufeff").splitlines()
    number = 0
    while number < len(lines):
        line, number = lines[number], number + 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        start = number
        match = _COMMAND.fullmatch(line)
        if match is None:
            found.leave(start, line.strip(), "it is no instruction")
            continue
        value = match["rest"].strip()
        if value.startswith(_MARKS) or f" {_MARKS}" in value:
            while value.count(_MARKS) < 2 and number < len(lines):
                value, number = f"{value}\n{lines[number]}", number + 1
        yield start, match["name"].lower(), value if match["name"].lower() == "parameter" else _unquoted(value)


def _unquoted(value: str) -> str:
    if value.startswith(_MARKS):
        return value[3:].partition(_MARKS)[0].strip("\n")
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def _source(written: str, origin: Origin) -> str:
    """Return the file, or the name that a model of Ollama's store has here."""
    if written.lower().endswith(".gguf") or written.startswith((".", "/", "~")):
        return origin.model(written)
    return written if ":" in written.rpartition("/")[2] else f"{written}:latest"


def _name(path: Path) -> str:
    """Return what the model is to be called, by its file's or its folder's name."""
    if path.name.lower().startswith("modelfile"):
        own = path.name[len("modelfile") :].strip("._-")
        own = "" if own.lower() in ("txt", "") else own
        return model_id(own or path.absolute().parent.name or "model")
    return model_id(path.stem)
