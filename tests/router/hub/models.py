"""Small GGUFs as bytes, with weights enough that a download can be cut."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

from tests.router.catalog.files import write_gguf, write_mmproj, write_shards

PADDING = 5 << 20


def model(seed: int = 1, padding: int = PADDING, **keys: Any) -> bytes:
    """A model of `padding` bytes and a few more."""
    with tempfile.TemporaryDirectory() as folder:
        data = write_gguf(Path(folder) / "model.gguf", ARCH__embedding_length=64, **keys).read_bytes()
    return data + random.Random(seed).randbytes(padding)


def mmproj() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_mmproj(Path(folder) / "mmproj.gguf").read_bytes()


def shards(stem: str, count: int) -> dict[str, bytes]:
    """The files of a split model by their names."""
    with tempfile.TemporaryDirectory() as folder:
        paths = write_shards(Path(folder), stem, count)
        return {path.name: path.read_bytes() + bytes(1000 * no) for no, path in enumerate(paths)}
