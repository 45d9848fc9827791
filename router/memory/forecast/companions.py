"""What an engine loads besides its model, by the model's flags: a projector, a draft, adapters."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from router.catalog.context import Flags, is_on
from router.catalog.model import Model
from router.config.flag_paths import named_files

log = logging.getLogger(__name__)

_ADAPTERS: Final = ("lora", "lora-scaled", "control-vector", "control-vector-scaled")
# A draft's own flags -> the model's that they stand for, in every spelling that llama-server takes.
_DRAFT_FLAGS: Final = {
    **dict.fromkeys(("spec-draft-type-k", "ctkd", "cache-type-k-draft"), "cache-type-k"),
    **dict.fromkeys(("spec-draft-type-v", "ctvd", "cache-type-v-draft"), "cache-type-v"),
    "spec-draft-n-ubatch": "ubatch-size",
}
_SHARED: Final = ("parallel", "kv-unified", "no-kv-unified", "kv-unified-per-slot", "ubatch-size", "batch-size")


@dataclass(frozen=True, slots=True)
class Companions:
    """Sizes in bytes.

    Attributes:
        adapters: of LoRA and control vector files, which no dry run counts.
        projector: of its file; `projector_on_host`: it stays off the GPU; `projector_device`: where its flags
            put it ("CUDA1"), "" for where the engine does.
        draft: the draft model's file.
        own_head: it drafts with a head of its own, in a context beside the usual one.
    """

    adapters: int = 0
    projector: int = 0
    projector_on_host: bool = False
    projector_device: str = ""
    draft: Path | None = None
    own_head: bool = False

    @property
    def contexts(self) -> int:
        """How many breakdowns an engine prints."""
        return 1 + (self.draft is not None or self.own_head)


def companions_of(model: Model) -> Companions:
    """Return the model's companions. Blocks: looks for the files."""
    flags = model.flags
    draft = flags.get("spec-draft-model")
    projector = flags.get("mmproj")
    device = str(flags.get("mmproj-device", "")).strip()
    off = device.lower() in ("none", "cpu")
    return Companions(
        adapters=sum(_size(model, path) for name, path in named_files(flags) if name in _ADAPTERS),
        projector=_size(model, Path(projector)) if isinstance(projector, str) else 0,
        projector_on_host=is_on(flags, "mmproj-offload") is False or off,
        projector_device="" if off else device,
        draft=Path(draft).expanduser() if isinstance(draft, str) else None,
        own_head=not isinstance(draft, str) and "draft-mtp" in str(flags.get("spec-type", "")).split(","),
    )


def draft_flags(flags: Flags) -> dict[str, str | bool]:
    """Return the flags a draft runs with beside a model of `flags`: llama-server gives it the same context."""
    given = {name: flags[name] for name in (*_SHARED, "ctx-size") if name in flags}
    return given | {shared: flags[own] for own, shared in _DRAFT_FLAGS.items() if own in flags}


def _size(model: Model, path: Path) -> int:
    try:
        return path.expanduser().stat().st_size
    except (OSError, ValueError) as error:
        log.debug("%s: %s cannot be counted: %s", model.id, path, error)
        return 0
