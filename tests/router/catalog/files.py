"""Small GGUF files, written by gguf-py, for the catalog's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np


def write_gguf(
    path: Path,
    *,
    arch: str = "llama",
    tensors: tuple[str, ...] | dict[str, tuple[int, ...]] = ("token_embd.weight",),
    **keys: Any,
) -> Path:
    """A header with a tensor for each of `tensors`: of 32 numbers, or of the shape named there (numpy's order).

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
        writer.add_tensor(name, np.zeros(tensors[name] if isinstance(tensors, dict) else 32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_mmproj(path: Path, **keys: Any) -> Path:
    return write_gguf(path, arch="clip", general__type="mmproj", ARCH__block_count=None, **keys)


def write_shards(folder: Path, stem: str, count: int, **first: Any) -> list[Path]:
    """`count` shards; only the first carries the model's keys and `first`, as llama-gguf-split writes them."""
    paths = [folder / f"{stem}-{no:05}-of-{count:05}.gguf" for no in range(1, count + 1)]
    for no, path in enumerate(paths):
        keys: dict[str, Any] = {"split__no": no, "split__count": count}
        keys |= {"ARCH__block_count": None} if no else first
        write_gguf(path, tensors=(f"t{no}",), **keys)
    return paths


def write_llava_mmproj(path: Path, width: int, told: int = 768) -> Path:
    """The smallest projector that llama-server loads, as LLaVA's converter writes it: `told` says nothing about
    `width`, what it puts out."""
    size, wide, pixels, patch = 32, 64, 28, 14
    block = "v.blk.0"
    shapes: dict[str, tuple[int, ...]] = {
        "v.class_embd": (size,),
        "v.patch_embd.weight": (size, 3, patch, patch),
        "v.position_embd.weight": ((pixels // patch) ** 2 + 1, size),
        f"{block}.ffn_down.weight": (wide, size),
        f"{block}.ffn_down.bias": (wide,),
        f"{block}.ffn_up.weight": (size, wide),
        f"{block}.ffn_up.bias": (size,),
        "mm.0.weight": (width, size),
        "mm.0.bias": (width,),
        "mm.2.weight": (width, width),
        "mm.2.bias": (width,),
    }
    for norm in ("v.pre_ln", f"{block}.ln1", f"{block}.ln2"):
        shapes |= {f"{norm}.weight": (size,), f"{norm}.bias": (size,)}
    for part in ("q", "k", "v", "out"):
        shapes |= {f"{block}.attn_{part}.weight": (size, size), f"{block}.attn_{part}.bias": (size,)}
    vision: dict[str, Any] = {
        "image_size": pixels, "patch_size": patch, "embedding_length": size, "feed_forward_length": wide,
        "block_count": 1, "attention__head_count": 2, "attention__layer_norm_epsilon": 1e-5,
        "projection_dim": told, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    }  # fmt: skip
    has = {"text_encoder": False, "vision_encoder": True, "llava_projector": True}
    keys = {f"clip__vision__{key}": value for key, value in vision.items()}
    keys |= {f"clip__has_{part}": there for part, there in has.items()}
    keys |= {"clip__projector_type": "mlp", "clip__use_gelu": False, "ARCH__block_count": None}
    return write_gguf(path, arch="clip", tensors=shapes, **keys)
