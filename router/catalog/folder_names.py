"""Names for files whose own tell nothing, as programs leave them: Jan's `qwen3/model.gguf`. Pure."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from router.catalog.projectors import QUANTISATION, quantisation_in
from router.catalog.repositories import repository

# What converters call their output unless they are told a name, and what Jan calls every model's file.
_TELLS_NOTHING: Final = re.compile(
    r"(?:(?:ggml|gguf|pytorch)[-_.])?(?:models?|weights)|ggml|gguf|consolidated", re.IGNORECASE
)
_FORMAT: Final = re.compile(r"[-_. ]gguf$", re.IGNORECASE)


def named_by_folder(stem: str, path: Path, top: Path) -> str | None:
    """Return a name for the model at `path` below the model folder `top`, after its repository or folder; None
    where its `stem` is a name, or no folder has one."""
    label = quantisation_in(stem)
    if not _TELLS_NOTHING.fullmatch(QUANTISATION.sub("", stem).strip("-_. ")):
        return None
    if (repo := repository(path, label)) is not None:
        name = repo.rpartition("/")[2]
    elif path.parent == top or _TELLS_NOTHING.fullmatch(path.parent.name):
        return None
    else:
        name = path.parent.name
    name = _FORMAT.sub("", name)
    told = label is None or quantisation_in(name) == label
    return name if told else f"{name}-{label}"
