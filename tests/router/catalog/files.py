"""Small GGUF files, written by gguf-py, for the catalog's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np


def write_gguf(
    path: Path, *, arch: str = "llama", tensors: tuple[str, ...] = ("token_embd.weight",), **keys: Any
) -> Path:
    """A header with one 32-number tensor for each of `tensors`.

    `keys` use two underscores for a dot and `ARCH` for the architecture: general__type="mmproj".
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    writer: Any = gguf.GGUFWriter(path, arch)
    for name, value in {"ARCH__block_count": 1, "ARCH__context_length": 4096, **keys}.items():
        if value is None:
            continue
        key = name.replace("__", ".").replace("ARCH", arch)
        add: dict[type, Callable[[str, Any], None]] = {
            str: writer.add_string,
            bool: writer.add_bool,
            int: writer.add_uint32,
            float: writer.add_float32,
        }
        add.get(type(value), writer.add_array)(key, value)
    for name in tensors:
        writer.add_tensor(name, np.zeros(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_mmproj(path: Path, **keys: Any) -> Path:
    return write_gguf(path, arch="clip", general__type="mmproj", ARCH__block_count=None, **keys)


def write_shards(folder: Path, stem: str, count: int) -> list[Path]:
    """`count` shards; only the first carries the model's keys, as llama-gguf-split writes them."""
    paths = [folder / f"{stem}-{no:05}-of-{count:05}.gguf" for no in range(1, count + 1)]
    for no, path in enumerate(paths):
        keys: dict[str, Any] = {"split__no": no, "split__count": count}
        if no:
            keys["ARCH__block_count"] = None
        write_gguf(path, tensors=(f"t{no}",), **keys)
    return paths
