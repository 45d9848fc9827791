"""Which program a settings file is of, by its name and its contents."""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable
from typing import Final

from router.imports.found import Imported, NotImported, Origin
from router.imports.llama_swap import read_llama_swap
from router.imports.lm_studio import read_lm_studio
from router.imports.modelfile import read_modelfile
from router.imports.presets import read_presets

Reader = Callable[[str, Origin], Imported]

MOST_BYTES: Final = 4 << 20
"""A larger file is no settings: the largest published ones have some 50 KB."""

_FROM: Final = re.compile(r"^\s*FROM\s+\S", re.IGNORECASE | re.MULTILINE)
_SECTION: Final = re.compile(r"^\s*\[[^\]\n]+\]\s*$", re.MULTILINE)
_MODELS: Final = re.compile(r"^models\s*:", re.MULTILINE)
_KINDS: Final = (
    "hal0 reads llama-swap's config.yaml, llama-server's presets (.ini), Ollama's Modelfiles and LM Studio's "
    "settings of a model (.json)"
)


def read_settings(data: bytes, origin: Origin) -> Imported:
    """Return what the file at `origin.path` says. Raises NotImported."""
    if len(data) > MOST_BYTES:
        raise NotImported(f"{origin.path} has {len(data)} bytes, too many for settings; {_KINDS}.")
    try:
        text = data.decode("utf-16" if data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8-sig")
    except UnicodeDecodeError:
        raise NotImported(f"{origin.path} is not UTF-8 text; {_KINDS}.") from None
    return _reader(text, origin)(text, origin)


def _reader(text: str, origin: Origin) -> Reader:
    suffix, name = origin.path.suffix.lower(), origin.path.name.lower()
    if suffix == ".json" or text.lstrip().startswith("{"):
        return read_lm_studio
    if suffix in (".yaml", ".yml"):
        return read_llama_swap
    if suffix == ".ini":
        return read_presets
    if name.startswith("modelfile") or suffix == ".modelfile":
        return read_modelfile
    for pattern, reader in ((_MODELS, read_llama_swap), (_SECTION, read_presets), (_FROM, read_modelfile)):
        if pattern.search(text):
            return reader
    raise NotImported(f"{origin.path} is of no kind that hal0 knows: {_KINDS}.")
