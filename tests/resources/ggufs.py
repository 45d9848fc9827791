"""Small models that llama-server really loads, of kinds that `resources.speaking` is not: an encoder, a vision
projector, one with a head that predicts several tokens, one whose layers see a window only, and one without
attention. Their weights are noise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
LETTERS = [chr(code) for code in range(ord("a"), ord("z") + 1)]


class _Writer:
    """A GGUF of architecture `arch`; tensors are named without `.weight`."""

    def __init__(self, path: Path, arch: str) -> None:
        self.gguf: Any = gguf.GGUFWriter(path, arch)
        self.arch = arch
        self._noise = np.random.default_rng(0)

    def numbers(self, **keys: int | float) -> None:
        """`__` stands for a dot; below the architecture's own name."""
        for name, value in keys.items():
            add = self.gguf.add_float32 if isinstance(value, float) else self.gguf.add_uint32
            add(f"{self.arch}.{name.replace('__', '.')}", value)

    def noise(self, prefix: str, names: Sequence[str], *shape: int, bias: bool = False) -> None:
        for name in names:
            self.put(f"{prefix}{name}.weight", (self._noise.standard_normal(shape) * 0.02).astype(np.float32))
            if bias:
                self.put(f"{prefix}{name}.bias", np.zeros(shape[0], np.float32))

    def ones(self, prefix: str, names: Sequence[str], length: int, *, bias: bool = False) -> None:
        for name in names:
            self.put(f"{prefix}{name}.weight", np.ones(length, np.float32))
            if bias:
                self.put(f"{prefix}{name}.bias", np.zeros(length, np.float32))

    def put(self, name: str, data: Array) -> None:
        self.gguf.add_tensor(name, data)

    def bytes_and_letters(self) -> int:
        """A vocabulary that can write everything; returns its length."""
        special, each_byte = ["<unk>", "<s>", "</s>"], [f"<0x{byte:02X}>" for byte in range(256)]
        tokens = [*special, *each_byte, *("▁" + letter for letter in LETTERS)]
        self.gguf.add_tokenizer_model("llama")
        self.gguf.add_token_list(tokens)
        self.gguf.add_token_scores([0.0] * len(tokens))
        self.gguf.add_token_types([2, 3, 3, *[6] * 256, *[1] * len(LETTERS)])
        self.gguf.add_bos_token_id(1)
        self.gguf.add_eos_token_id(2)
        return len(tokens)

    def close(self) -> None:
        self.gguf.write_header_to_file()
        self.gguf.write_kv_data_to_file()
        self.gguf.write_tensors_to_file()
        self.gguf.close()


def build_bert(path: Path, *, context_length: int, ranks: bool = False) -> Path:
    """An encoder (BERT), which sees all of its input at once; `ranks`: with a head that scores."""
    width, layers, ffn, heads = 64, 1, 128, 2
    w = _Writer(path, "bert")
    w.numbers(context_length=context_length, embedding_length=width, block_count=layers)
    w.numbers(feed_forward_length=ffn, attention__head_count=heads, attention__layer_norm_epsilon=1e-12)
    w.numbers(pooling_type=4 if ranks else 1)
    w.gguf.add_causal_attention(False)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *("▁" + letter for letter in LETTERS), *LETTERS]
    w.gguf.add_tokenizer_model("bert")
    w.gguf.add_token_list(tokens)
    w.gguf.add_token_types([3] * 5 + [1] * (len(tokens) - 5))
    w.gguf.add_token_type_count(2)
    for name, token in {"pad": 0, "unk": 1, "bos": 2, "eos": 3, "sep": 3, "mask": 4}.items():
        getattr(w.gguf, f"add_{name}_token_id")(token)
    for name, rows in {"token_embd": len(tokens), "position_embd": context_length, "token_types": 2}.items():
        w.noise("", [name], rows, width)
    w.ones("", ["token_embd_norm"], width, bias=True)
    for layer in range(layers):
        block = f"blk.{layer}."
        w.noise(block, ["attn_q", "attn_k", "attn_v", "attn_output"], width, width, bias=True)
        w.noise(block, ["ffn_up"], ffn, width, bias=True)
        w.noise(block, ["ffn_down"], width, ffn, bias=True)
        w.ones(block, ["attn_output_norm", "layer_output_norm"], width, bias=True)
    if ranks:
        w.noise("", ["cls"], width, width, bias=True)
        w.noise("", ["cls.output"], 1, width, bias=True)
    w.close()
    return path


def build_projector(path: Path, *, width: int) -> Path:
    """A vision projector (Gemma 3's kind) for models of that `width`."""
    own, layers, ffn, image, patch = 128, 2, 256, 224, 14
    w = _Writer(path, "clip")
    w.gguf.add_type("mmproj")
    w.gguf.add_bool("clip.has_vision_encoder", True)
    w.gguf.add_bool("clip.use_gelu", True)
    w.gguf.add_string("clip.projector_type", "gemma3")
    w.numbers(vision__image_size=image, vision__patch_size=patch, vision__embedding_length=own)
    w.numbers(vision__feed_forward_length=ffn, vision__block_count=layers, vision__projection_dim=width)
    w.numbers(vision__attention__head_count=2, vision__attention__layer_norm_epsilon=1e-6)
    w.gguf.add_array("clip.vision.image_mean", [0.5] * 3)
    w.gguf.add_array("clip.vision.image_std", [0.5] * 3)
    w.noise("v.", ["patch_embd"], own, 3, patch, patch, bias=True)
    w.noise("v.", ["position_embd"], (image // patch) ** 2, own)
    w.ones("v.", ["post_ln"], own, bias=True)
    for layer in range(layers):
        block = f"v.blk.{layer}."
        w.noise(block, ["attn_q", "attn_k", "attn_v", "attn_out"], own, own, bias=True)
        w.ones(block, ["ln1", "ln2"], own, bias=True)
        w.noise(block, ["ffn_up"], ffn, own, bias=True)
        w.noise(block, ["ffn_down"], own, ffn, bias=True)
    w.noise("mm.", ["input_projection"], own, width)
    w.ones("mm.", ["soft_emb_norm"], own)
    w.close()
    return path


def build_multi_token(path: Path, *, context_length: int = 32_768, width: int = 64) -> Path:
    """A hybrid (Qwen 3.5's kind) of four layers, and one that predicts the token after the next."""
    layers, every, heads, head, ffn, state, groups, steps, kernel = 4, 4, 2, 64, 128, 32, 2, 2, 4
    inner, keys = steps * state, groups * state
    w = _Writer(path, "qwen35")
    w.numbers(context_length=context_length, embedding_length=width, block_count=layers + 1)
    w.numbers(feed_forward_length=ffn, attention__head_count=heads, attention__head_count_kv=1)
    w.numbers(attention__key_length=head, attention__value_length=head)
    w.numbers(attention__layer_norm_rms_epsilon=1e-6, rope__dimension_count=32, rope__freq_base=1e6)
    w.numbers(full_attention_interval=every, nextn_predict_layers=1, ssm__conv_kernel=kernel)
    w.numbers(ssm__state_size=state, ssm__group_count=groups, ssm__time_step_rank=steps, ssm__inner_size=inner)
    w.gguf.add_rope_dimension_sections([8, 8, 0, 0])
    w.noise("", ["token_embd", "output"], w.bytes_and_letters(), width)
    w.ones("", ["output_norm"], width)
    for layer in range(layers + 1):
        block = f"blk.{layer}."
        w.ones(block, ["attn_norm", "post_attention_norm"], width)
        if layer == layers or (layer + 1) % every == 0:
            w.noise(block, ["attn_q"], heads * head * 2, width)
            w.noise(block, ["attn_k", "attn_v"], head, width)
            w.noise(block, ["attn_output"], width, heads * head)
            w.ones(block, ["attn_q_norm", "attn_k_norm"], head)
        else:
            w.noise(block, ["attn_qkv"], 2 * keys + inner, width)
            w.noise(block, ["attn_gate"], inner, width)
            w.noise(block, ["ssm_conv1d"], 2 * keys + inner, kernel)
            w.noise(block, ["ssm_beta", "ssm_alpha"], steps, width)
            w.noise(block, ["ssm_out"], width, inner)
            w.ones(block, ["ssm_norm"], state)
            w.put(f"{block}ssm_dt.bias", np.ones(steps, np.float32))
            w.put(f"{block}ssm_a", -np.ones(steps, np.float32))
        w.noise(block, ["ffn_gate", "ffn_up"], ffn, width)
        w.noise(block, ["ffn_down"], width, ffn)
    nextn = f"blk.{layers}.nextn."
    w.noise(nextn, ["eh_proj"], width, 2 * width)
    w.ones(nextn, ["enorm", "hnorm", "shared_head_norm"], width)
    w.close()
    return path


def build_sliding(path: Path, *, context_length: int = 4096, window: int = 64, width: int = 64) -> Path:
    """Gemma 3's kind: of six layers, all but the last see the newest `window` tokens only."""
    layers, head, ffn = 6, 64, 128
    w = _Writer(path, "gemma3")
    w.numbers(context_length=context_length, embedding_length=width, block_count=layers)
    w.numbers(feed_forward_length=ffn, attention__head_count=1, attention__head_count_kv=1)
    w.numbers(attention__key_length=head, attention__value_length=head)
    w.numbers(attention__layer_norm_rms_epsilon=1e-6, attention__sliding_window=window)
    w.noise("", ["token_embd"], w.bytes_and_letters(), width)
    w.ones("", ["output_norm"], width)
    for layer in range(layers):
        block = f"blk.{layer}."
        w.ones(block, ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"], width)
        w.ones(block, ["attn_q_norm", "attn_k_norm"], head)
        w.noise(block, ["attn_q", "attn_k", "attn_v"], head, width)
        w.noise(block, ["attn_output"], width, head)
        w.noise(block, ["ffn_gate", "ffn_up"], ffn, width)
        w.noise(block, ["ffn_down"], width, ffn)
    w.close()
    return path


def build_recurrent(path: Path, *, context_length: int = 4096, width: int = 64) -> Path:
    """Mamba's kind: a state instead of attention."""
    layers, state, kernel, rank = 2, 16, 4, 4
    inner = 2 * width
    w = _Writer(path, "mamba")
    w.numbers(context_length=context_length, embedding_length=width, block_count=layers, feed_forward_length=0)
    w.numbers(attention__head_count=0, attention__layer_norm_rms_epsilon=1e-6, ssm__conv_kernel=kernel)
    w.numbers(ssm__inner_size=inner, ssm__state_size=state, ssm__time_step_rank=rank)
    w.noise("", ["token_embd", "output"], w.bytes_and_letters(), width)
    w.ones("", ["output_norm"], width)
    for layer in range(layers):
        block = f"blk.{layer}."
        w.ones(block, ["attn_norm"], width)
        w.noise(block, ["ssm_in"], 2 * inner, width)
        w.noise(block, ["ssm_conv1d"], inner, kernel, bias=True)
        w.noise(block, ["ssm_x"], rank + 2 * state, inner)
        w.noise(block, ["ssm_dt"], inner, rank, bias=True)
        w.noise(block, ["ssm_out"], width, inner)
        w.put(f"{block}ssm_a", -np.ones((inner, state), np.float32))
        w.put(f"{block}ssm_d", np.ones(inner, np.float32))
    w.close()
    return path
