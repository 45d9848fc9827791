"""A model -> the command line that serves it. Pure, but for `check_command`, which asks the engine itself."""

from __future__ import annotations

import functools
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from router.base.errors import BadModel, EngineMissing
from router.catalog.model import Model
from router.config import places
from router.config.command_text import split_command, split_stop
from router.config.flag_paths import missing_files
from router.config.flag_values import NUMBERS
from router.config.flags import KIND_FLAGS, against_kind, flag_name, managed_reason
from router.config.numbers import Number
from router.engine.options import EngineOptions, Option, read_options, run_briefly

_TRUE: Final = frozenset({"true", "on", "yes", "1"})
_FALSE: Final = frozenset({"false", "off", "no", "0"})
# Flags that were only renamed (llama.cpp's "the argument has been removed. use ...").
_RENAMED: Final[Mapping[str, str]] = {
    "draft": "spec-draft-n-max",
    "draft-n": "spec-draft-n-max",
    "draft-max": "spec-draft-n-max",
    "draft-min": "spec-draft-n-min",
    "draft-n-min": "spec-draft-n-min",
    "defrag-threshold": "defrag-thold",
}
# Flags that are gone without a trace in `--help`, and what to do instead.
_DRAFT_CONTEXT: Final = "was removed: a draft model has the context of its model (ctx-size); take it out"
_GONE: Final[Mapping[str, str]] = {
    **dict.fromkeys(("ctx-size-draft", "cd"), _DRAFT_CONTEXT),
    **dict.fromkeys(("grp-attn-n", "gan", "grp-attn-w", "gaw"), "was removed; use rope-scaling and rope-scale"),
    **dict.fromkeys(("system-prompt-file", "spf"), "was removed; clients send it with their messages"),
    **dict.fromkeys(("tfs", "tfs-z"), "was removed with its sampler; use min-p or top-p"),
    **dict.fromkeys(("memory-f32", "no-memory-f16"), "was removed; use cache-type-k: f32, cache-type-v: f32"),
    **dict.fromkeys(("gqa", "n-gqa", "eps", "rms-norm-eps"), "was removed; the GGUF file says it"),
    **dict.fromkeys(("low-vram", "mul-mat-q", "no-mul-mat-q", "penalize-nl"), "was removed; take it out"),
    "lora-base": "was removed; lora is applied to the model itself",
    "slots-endpoint-disable": "is now called no-slots",
}
_REFUSED: Final = re.compile(r'error while handling argument "(?P<flag>--?[\w-]+)": (?!sto[a-z]+)')
_NOT_READ: Final = re.compile(r'error while handling argument "(?P<flag>--?[\w-]+)": sto[a-z]+')
# --load-mode MODE replaced these; the modes are in `llama-server --help`.
_LOADING: Final = frozenset({"mmap", "no-mmap", "mlock", "direct-io", "no-direct-io", "dio"})


def has_flag(options: EngineOptions, name: str) -> bool:
    """Return whether a model may have the flag `name` with this engine, as it is or translated."""
    return options.has(name) or (name in _LOADING and options.has("load-mode"))


def build_command(
    model: Model, options: EngineOptions, executable: Path, port: int, *, log_jsonl: bool = False
) -> list[str]:
    """Return the argv for `model` on 127.0.0.1:`port`. Raises BadModel for a flag the engine would refuse.

    A model with a `command` gets that, split without a shell. hal0's own arguments come last: llama-server
    obeys the last of two, and `check_command` notices a flag that swallows the argument after it.
    """
    if model.command is not None:
        return _own_command(model, model.command, port)
    if model.file is None:
        raise BadModel(f'Model "{model.id}" cannot start: it has neither a file nor a command.')
    argv = [str(executable), "-m", str(model.file)]
    seen: dict[str, str] = {}
    for raw, value in modernized(model, options).items():
        name = flag_name(raw)
        if name in KIND_FLAGS:
            _check_kind(model, name, value)
            continue
        option = _find(model, options, name)
        if option.long in seen:
            raise _bad(model, f'the flags "{seen[option.long]}" and "{raw}" are the same; remove one')
        seen[option.long] = raw
        argv += _arguments(model, option, name, value)
    return [*argv, *_own_arguments(model, options, port, log_jsonl)]


def _check_kind(model: Model, name: str, value: str | bool) -> None:
    """Refuse a flag that contradicts what hal0 does for the model's kind; one that repeats it is fine."""
    if reason := against_kind(name, _truth(value), model.kind):
        raise _bad(model, reason)


def _own_command(model: Model, command: str, port: int) -> list[str]:
    try:
        parts = split_command(command)
    except ValueError as error:
        raise _bad(model, str(error)) from None
    return _run(parts, port)


def build_stop(model: Model, port: int) -> list[str]:
    """Return the argv that ends the model's engine, `{pid}` still in it; empty where there is none."""
    return _run(split_stop(model.stop), port) if model.stop else []


def _run(parts: tuple[str, ...], port: int) -> list[str]:
    program, *rest = (part.replace("{port}", str(port)) for part in parts)
    return [str(Path(program).expanduser()) if program.startswith("~") else program, *rest]


def _own_arguments(model: Model, options: EngineOptions, port: int, log_jsonl: bool) -> list[str]:
    wanted: list[tuple[str, str | None]] = []
    if flag := next((name for name, kind in KIND_FLAGS.items() if kind is model.kind), None):
        if not options.has(flag):
            raise _bad(
                model, f"this llama-server has no --{flag}, which a model for {model.kind} needs; update it"
            )
        wanted.append((flag, None))
    # No page of its own, no downloads, and no web page elsewhere may call it.
    wanted += [("no-ui" if options.has("no-ui") else "no-webui", None), ("offline", None)]
    wanted.append(("cors-origins", "localhost"))
    if model.flags.keys().isdisjoint(("metrics", "no-metrics")):
        wanted.append(("metrics", None))  # counters it keeps anyway; GET /metrics shows them
    if "cache-ram" not in model.flags and (kept := _prompt_cache(model)) is not None:
        wanted.append(("cache-ram", str(kept >> 20)))
    if model.saves_to is not None:
        wanted += _saving(model, options, model.saves_to)
    if log_jsonl:
        wanted.append(("log-jsonl", None))
    wanted.append(("alias", engine_name(model.id)))
    known = [(name, value) for name, value in wanted if options.has(name)]
    known += [("host", "127.0.0.1"), ("port", str(port))]
    return [part for name, value in known for part in (f"--{name}", value) if part is not None]


def _saving(model: Model, options: EngineOptions, folder: Path) -> list[tuple[str, str | None]]:
    """Keep conversations where they can be saved: a new one would push the others out of the engine's
    sequences into its prompt cache, where nobody can."""
    wanted: list[tuple[str, str | None]] = [("slot-save-path", str(folder))]
    chosen = {"cache-idle-slots", "no-cache-idle-slots"} & model.flags.keys()
    if options.has("slot-save-path") and not chosen:
        wanted.append(("no-cache-idle-slots", None))
    return wanted


@functools.lru_cache(maxsize=256)  # asked with every request
def engine_name(model_id: str) -> str:
    """Return what an engine is told to call itself: the id, not the path. llama-server makes several names of
    one with commas and takes blanks off; such an id is put into its answers by `router.wire.rename`."""
    return re.sub(r"[,\s]|^-", "_", model_id)


def _prompt_cache(model: Model) -> int | None:
    """Return bytes; none for a model that reads each input once."""
    return 0 if model.kind in KIND_FLAGS.values() else model.prompt_cache


def modernized(model: Model, options: EngineOptions) -> dict[str, str | bool]:
    """Return the model's flags with those this engine has dropped put into today's words.

    `mmap` and `mlock` became `load-mode`: mlock alone always meant mmap as well. Older engines keep theirs.
    """
    flags = dict(model.engine_flags)
    if model.draft_type is not None and options.has("spec-type"):  # older ones use any draft they are given
        flags.setdefault("spec-type", model.draft_type)
    for old, new in _RENAMED.items():
        if old in flags and not options.has(old) and options.has(new):
            if new in flags:
                raise _bad(model, f'the flag "{old}" is now called "{new}", which is set too; remove one')
            flags[new] = flags.pop(old)
    for one, other in (("mmap", "no-mmap"), ("direct-io", "no-direct-io")):
        if one in flags and other in flags:
            raise _bad(model, f'the flags "{one}" and "{other}" are the same; remove one')
    loading = {name: _truth(flags[name]) for name in _LOADING & set(flags) if not options.has(name)}
    if not loading or not options.has("load-mode"):
        return flags
    if "load-mode" in flags:
        raise _bad(model, f'the flag "{min(loading)}" is now part of "load-mode", which is set too; remove one')
    kept = {name: value for name, value in flags.items() if name not in loading}
    mode = _load_mode(loading)
    return kept if mode is None else {**kept, "load-mode": mode}


def _load_mode(loading: Mapping[str, bool]) -> str | None:
    """Return the --load-mode for the old flags; None where they said nothing that differs from the default."""
    mmap = loading["mmap"] if "mmap" in loading else not loading["no-mmap"] if "no-mmap" in loading else None
    if loading.get("direct-io") or loading.get("dio"):
        return "dio"
    if loading.get("mlock"):
        return "mlock" if mmap is False else "mmap+mlock"
    return None if mmap is None else "mmap" if mmap else "none"


def _find(model: Model, options: EngineOptions, name: str) -> Option:
    if reason := managed_reason(name):
        raise _bad(model, f'"{name}" is hal0\'s to set: {reason}')
    option = options.find(name)
    if option is None:
        if gone := _GONE.get(name):
            raise _bad(model, f"--{name} {gone}")
        opposite = options.find(name.removeprefix("no-")) if name.startswith("no-") else None
        if opposite is not None and opposite.on_off is not None:
            off = opposite.on_off[1]
            raise _bad(model, f"this llama-server has no flag --{name}; write {opposite.long[2:]}: {off}")
        near = options.nearest(name)
        hint = f"did you mean --{near}?" if near else "`llama-server --help` lists those it has."
        raise BadModel(f'Model "{model.id}" cannot start: this llama-server has no flag --{name}; {hint}')
    if option.removed:
        raise _bad(model, f"--{name}: {option.description.partition('(env')[0]}".replace("\n", " ").strip(" ."))
    return option


def _arguments(model: Model, option: Option, name: str, value: str | bool) -> list[str]:
    spelling = f"--{name}" if f"--{name}" in (*option.names, *option.negated) else option.long
    if option.value_hint is not None and spelling not in option.negated:
        return [spelling, *_values(model, option, name, value)]
    if not isinstance(value, bool) and value.lower() not in _TRUE | _FALSE:
        raise _bad(model, f"--{name} takes no value, only true or false")
    if _truth(value):
        return [spelling]
    opposite = option.names if spelling in option.negated else option.negated
    # Without an opposite, leaving the flag out is what false means.
    return [next((other for other in opposite if other.startswith("--")), opposite[0])] if opposite else []


def _values(model: Model, option: Option, name: str, value: str | bool) -> list[str]:
    if isinstance(value, bool):
        if option.on_off is None:
            written = "true" if value else "false"
            raise _bad(model, f"--{name} needs a value ({option.value_hint}), not {written}")
        return [option.on_off[0] if value else option.on_off[1]]
    parts = re.split(r"[,\s]+", value.strip()) if option.values > 1 else [value]
    if len(parts) != max(option.values, 1) or not value:
        raise _bad(model, f'--{name} needs a value ({option.value_hint}), not "{value}"')
    if option.number:
        return [_number(model, option, name, value)]
    if option.on_off is not None and value.lower() in ("yes", "no"):
        return [option.on_off[0] if _truth(value) else option.on_off[1]]
    return parts


def _number(model: Model, option: Option, name: str, text: str) -> str:
    """Return a number's text; of a flag hal0 never heard of, too, as llama-server would read "32k" as 32."""
    words = NUMBERS[name].words if name in NUMBERS else ()
    if text in words or f"'{text}'" in option.description:  # 'auto'
        return text
    try:
        return Number(whole=False).read(text)
    except ValueError as error:
        with suppress(ValueError):
            return Number().read(text)  # 32k
        raise _bad(model, f"--{name} {error}") from None


def _truth(value: str | bool) -> bool:
    return value if isinstance(value, bool) else value.lower() in _TRUE


def _bad(model: Model, reason: str) -> BadModel:
    return BadModel(f'Model "{model.id}" cannot start: {reason}.')


async def check_command(argv: list[str], env: Mapping[str, str], *, model_id: str = "") -> None:
    """Have llama-server parse `argv` with its own parser (10 ms): `--version` at the end makes it stop there.

    It checks names and values, not that files exist. Raises BadModel quoting the engine's first error line, and
    EngineMissing when the engine cannot be run at all, EngineFailed when it takes too long.
    """
    code, output = await run_briefly([*argv, "--version"], env)
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if code == 0 and any(line.startswith("version:") for line in lines):
        return
    said = next((line for line in lines if "error" in line.lower()), lines[0] if lines else f"exit code {code}")
    said = _in_words(said, argv) + await _choices(said, argv)
    # 1 is what its argument parser exits with; a missing library or a crash is no fault of the model's.
    if code != 1 and code != 0:
        raise EngineMissing(f"{argv[0]} cannot run: {said.rstrip('.')}. Install llama-server again.")
    raise BadModel(f'Model "{model_id}" cannot start: {said.rstrip(".")}. Correct its flags in hal0.yaml.')


async def _choices(said: str, argv: list[str]) -> str:
    """Return what may stand there where the engine only says that a value may not (`invalid value`)."""
    match = _REFUSED.search(said)
    if match is None or match["flag"] not in argv[:-1]:
        return ""
    option = (await read_options(Path(argv[0]))).find(match["flag"].lstrip("-"))
    if option is None or not option.choices:
        return ""
    value = argv[argv.index(match["flag"]) + 1]
    return f' ("{value}"); it may be one of: {", ".join(option.choices)}'


def _in_words(said: str, argv: list[str]) -> str:
    """Put a refusal into words: of a value that is no number, llama-server tells only the C++ function that
    could not read it ("stoi")."""
    if "RPC not supported" in said:
        return "this llama-server was built without RPC, which rpc: needs; install one that has it"
    match = _NOT_READ.search(said)
    if match is None or match["flag"] not in argv[:-1]:
        return said
    value = argv[argv.index(match["flag"]) + 1]
    if value.lstrip("+-").isdigit():
        return f"{match['flag']} {value} is too large a number"
    return f'{match["flag"]} must be a number, not "{value}"'


def check_program(program: str, *, model_id: str) -> None:
    """Raise BadModel where a slot's command names a program that is not there. Blocks."""
    if shutil.which(program) is None:
        raise BadModel(
            f'Model "{model_id}" cannot start: the program "{program}" was not found, or may not be run; '
            "install it, or correct command: of the slot."
        )


def check_files(model: Model) -> None:
    """Raise BadModel where a flag names a file that is not there: of most, llama-server's parser does not look.
    Blocks."""
    missing = missing_files(model.flags)
    if missing:
        sentences = ", ".join(f"{name} names {path}{places.unexpanded(str(path))}" for name, path in missing)
        raise _bad(model, f"{sentences}, and there is no such file; correct the path, or put the file there")
