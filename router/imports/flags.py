"""llama-server's options, from a command line or a preset, as one model of hal0.yaml."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from router.config.flags import ALREADY, KIND_FLAGS, PATH_FLAGS, flag_name, managed_reason
from router.imports.found import FoundModel, Imported, Origin, scalar

SOURCES: Final = ("model", "hf-repo", "docker-repo", "model-url")
_OFF: Final = ("0", "false", "off")
_SEVERAL: Final = frozenset(
    {"override-tensor", "override-kv", *(n for n, f in PATH_FLAGS.items() if f.several)}
)
"""Flags that may be given more than once: llama-server takes a list as well."""

_BARE: Final = frozenset(
    {
        "mmap",
        "no-mmap",
        "mlock",
        "jinja",
        "kv-unified",
        "cont-batching",
        "kv-offload",
        "warmup",
        "context-shift",
    }
    | {
        "metrics",
        "props",
        "slots",
        "swa-full",
        "spec-default",
        "cache-prompt",
        "repack",
        "cpu-moe",
        "mmproj-auto",
    }
)
"""Flags without a value, which presets turn on with 1."""

_OTHERWISE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "hf-file": "hal0 takes the repository's own choice; name the file itself where another is meant",
        "mmproj-url": "hal0 fetches nothing at a load; `hal0 model pull` fetches the projector with its model",
        "spec-draft-hf": "hal0 fetches nothing at a load; pull the draft and name its file as spec-draft-model",
        "hf-repo-draft": "hal0 fetches nothing at a load; pull the draft and name its file as spec-draft-model",
    }
)


def read_options(
    pairs: Iterable[tuple[str, str]],
    model: FoundModel,
    into: Imported,
    origin: Origin,
    line_of: Callable[[str], int],
    dashes: str = "",
) -> None:
    """Add options to `model`; what hal0 does by itself or has no place for goes to `into`.

    `pairs`: names as written, and values ("true" for a bare one). `line_of`: of an option as written.
    """
    for written, value in pairs:
        name, line = flag_name(written), line_of(written)
        if name in SOURCES:
            _source(name, value, model, into, line, origin)
        elif name == "alias":
            model.aliases += [
                alias for alias in map(str.strip, value.split(",")) if alias not in ("", model.id)
            ]
            model.lines["aliases"] = line
        elif name in KIND_FLAGS:
            if value.lower() not in _OFF:
                model.kind, model.lines["kind"] = KIND_FLAGS[name], line
        elif ALREADY.get(name) is (value.lower() not in _OFF):
            into.keep(line, "hal0 does so by itself")
        elif reason := _OTHERWISE.get(name) or managed_reason(name):
            into.leave(line, _shown(dashes + written, value), reason)
        else:
            _set(name, value, model, into, line, origin)


def _source(name: str, value: str, model: FoundModel, into: Imported, line: int, origin: Origin) -> None:
    if name in ("model-url", "docker-repo"):
        into.leave(line, f"--{name} {value}", "hal0 loads files on this disk: fetch it, and name it as file:")
        return
    if model.file and name == "hf-repo":
        into.leave(line, f"--hf-repo {value}", "a file is named as well, and that one counts")
        return
    model.file, model.lines["file"] = origin.model(value) if name == "model" else value, line
    if name == "hf-repo":
        into.leave(
            line, f"--hf-repo {value}", f"hal0 fetches nothing at a load; `hal0 model pull {value}` does"
        )


def _set(name: str, value: str, model: FoundModel, into: Imported, line: int, origin: Origin) -> None:
    given: Any = value == "1" if name in _BARE and value in ("0", "1") else scalar(value)
    if name in PATH_FLAGS and isinstance(given, str) and not PATH_FLAGS[name].scaled:
        given = origin.absolute(given)
        if origin.leads_nowhere(given) and not PATH_FLAGS[name].made:
            into.leave(line, f"{name} {given}", "there is no such file here; name it by its whole path")
            return
    if name in _SEVERAL and name in model.flags:
        before = model.flags[name]
        given = [*(before if isinstance(before, list) else [before]), given]
    elif name in model.flags and model.lines.get(f"flags.{name}", 0) > 0 and model.flags[name] != given:
        into.leave(line, f"--{name} {model.flags[name]}", f"given twice; the later, {value}, counts")
    model.flags[name] = given
    model.lines[f"flags.{name}"] = line


def _shown(written: str, value: str) -> str:
    secret = "key" in written or "token" in written
    shown = "" if value == "true" else f" {'…' if secret else value}"
    return f"{written}{shown}"
