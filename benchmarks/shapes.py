"""GGUFs of many shapes for measuring memory: real architectures with zero weights and a toy vocabulary."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np

TOKENS = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *(f"t{n}" for n in range(741))]


@dataclass(frozen=True, slots=True)
class Shape:
    """`window`: tokens a sliding-window layer sees, 0 for none; `context`: tokens it was trained for."""

    arch: str = "llama"
    layers: int = 4
    heads: int = 8
    heads_kv: int = 8
    head_width: int = 64
    width: int = 512
    ffn: int = 1024
    window: int = 0
    context: int = 131_072


def build(path: Path, shape: Shape) -> Path:
    """Write a model of that shape; `llama`, `qwen3`, `gemma2` and `gemma3` are known."""
    writer = gguf.GGUFWriter(path, shape.arch)
    writer.add_name(path.stem)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(shape.context)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.ffn)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.heads_kv)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_layer_norm_rms_eps(1e-6)
    if shape.window:
        writer.add_sliding_window(shape.window)
    _add_vocabulary(writer)
    _add_tensor(writer, "token_embd", len(TOKENS), shape.width)
    _add_norm(writer, "output_norm", shape.width)
    for layer in range(shape.layers):
        _add_layer(writer, f"blk.{layer}", shape)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_layer(writer: gguf.GGUFWriter, prefix: str, shape: Shape) -> None:
    all_heads, kv_heads = shape.heads * shape.head_width, shape.heads_kv * shape.head_width
    _add_norm(writer, f"{prefix}.attn_norm", shape.width)
    _add_tensor(writer, f"{prefix}.attn_q", all_heads, shape.width)
    _add_tensor(writer, f"{prefix}.attn_k", kv_heads, shape.width)
    _add_tensor(writer, f"{prefix}.attn_v", kv_heads, shape.width)
    _add_tensor(writer, f"{prefix}.attn_output", shape.width, all_heads)
    if shape.arch in ("qwen3", "gemma3"):
        _add_norm(writer, f"{prefix}.attn_q_norm", shape.head_width)
        _add_norm(writer, f"{prefix}.attn_k_norm", shape.head_width)
    if shape.arch.startswith("gemma"):
        _add_norm(writer, f"{prefix}.post_attention_norm", shape.width)
        _add_norm(writer, f"{prefix}.post_ffw_norm", shape.width)
    _add_norm(writer, f"{prefix}.ffn_norm", shape.width)
    _add_tensor(writer, f"{prefix}.ffn_gate", shape.ffn, shape.width)
    _add_tensor(writer, f"{prefix}.ffn_up", shape.ffn, shape.width)
    _add_tensor(writer, f"{prefix}.ffn_down", shape.width, shape.ffn)


def _add_tensor(writer: gguf.GGUFWriter, name: str, rows: int, columns: int) -> None:
    writer.add_tensor(f"{name}.weight", np.zeros((rows, columns), np.float16))


def _add_norm(writer: gguf.GGUFWriter, name: str, width: int) -> None:
    writer.add_tensor(f"{name}.weight", np.ones(width, np.float32))


def _add_vocabulary(writer: gguf.GGUFWriter) -> None:
    types = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    types += [gguf.TokenType.BYTE] * 256
    types += [gguf.TokenType.NORMAL] * (len(TOKENS) - len(types))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
