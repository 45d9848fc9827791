"""Which files an engine reads to load a model, by the model's names for them. Pure: no file is touched."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from router.catalog.launch_files import shards
from router.catalog.model import Model
from router.config.flag_paths import named_files

# In the order in which llama-server loads them (common_init_from_params, then server_context::load_model).
_COMPANIONS: Final = (
    "lora",
    "lora-scaled",
    "control-vector",
    "control-vector-scaled",
    "spec-draft-model",
    "mmproj",
)
_OFF: Final = (False, "false", "off", "no", "0")


def weight_files(model: Model) -> tuple[Path, ...]:
    """Return all shards and companions in the order in which they are read; () where the page cache is of no
    use to the engine, or it is not known what it reads (another engine's command)."""
    if model.file is None or model.command is not None or _reads_directly(model.flags):
        return ()
    return tuple(dict.fromkeys((*shards(model.file), *_companions(model.flags))))


def _reads_directly(flags: Mapping[str, str | bool]) -> bool:
    """Return whether the engine bypasses the page cache (O_DIRECT)."""
    return flags.get("load-mode") == "dio" or any(
        flags.get(name, False) not in _OFF for name in ("direct-io", "dio")
    )


def _companions(flags: Mapping[str, str | bool]) -> Iterator[Path]:
    named = named_files(flags)
    for flag in _COMPANIONS:
        for name, path in named:
            if name == flag:
                yield from shards(path)
