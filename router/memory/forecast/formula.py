"""What a model takes, computed from its header and flags: the answer when no engine can be asked.

The key-value cache follows llama.cpp (src/llama-kv-cache.cpp, -iswa.cpp) to the byte for plain transformers;
weights are the file's size; work buffers have no formula, so theirs is an allowance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from router.catalog.context import Division, number, padded, trained_context
from router.catalog.header import MAX_LAYERS, GgufHeader
from router.config.flags import flag_name
from router.memory.forecast.needs import DeviceNeed, Forecast, Source

# Bytes per element of a cache, as blocks of 32: ggml_type_size / ggml_blck_size.
CACHE_BYTES: Final[Mapping[str, float]] = {
    **{"f32": 4.0, "f16": 2.0, "bf16": 2.0, "q8_0": 34 / 32, "q5_1": 24 / 32, "q5_0": 22 / 32},
    **{"q4_1": 20 / 32, "q4_0": 18 / 32, "iq4_nl": 18 / 32},
}
# Every n-th layer sees everything, the others the window: set_swa_pattern(n) per architecture in llama.cpp's
# src/models. Newer files say it themselves (`sliding_window_pattern`).
_WINDOW_PATTERNS: Final[Mapping[str, int]] = {
    **{"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "cohere2": 4, "olmo2": 4, "exaone4": 4},
    **{"llama4": 4},
}
_YES: Final = frozenset({"true", "on", "yes", "1"})


@dataclass(frozen=True, slots=True)
class Setup:
    """The flags that memory depends on. `context` is tokens in all; `unified`: one cache for all `slots`."""

    context: int
    slots: int
    unified: bool
    ubatch: int
    key_bytes: float
    value_bytes: float
    full_window: bool
    flash_attention: bool

    @property
    def streams(self) -> int:
        return 1 if self.unified else self.slots

    @property
    def cells(self) -> int:
        """Tokens one cache holds."""
        return padded(padded(self.context) // self.streams)

    def window_cells(self, window: int) -> int:
        """Return the same for a layer that only looks back `window` tokens."""
        shared = self.slots if self.unified else 1
        return self.cells if self.full_window else min(self.cells, padded(window * shared + self.ubatch))


def setup_of(header: GgufHeader, flags: Mapping[str, str | bool]) -> Setup:
    """Return what llama-server makes of `flags` for this file, by its own defaults."""
    named = {flag_name(name): value for name, value in flags.items()}
    division = Division.of(named)
    context = number(named, "ctx-size") or 0
    batch = _number(named, "batch-size", 2048)
    return Setup(
        context=context if context > 0 else division.total(trained_context(header, named) or 4096),
        slots=division.slots,
        unified=division.unified,
        ubatch=min(_number(named, "ubatch-size", 512), batch),
        key_bytes=CACHE_BYTES.get(str(named.get("cache-type-k", "f16")), 2.0),
        value_bytes=CACHE_BYTES.get(str(named.get("cache-type-v", "f16")), 2.0),
        full_window=_truth(named.get("swa-full", False)),
        flash_attention=_truth(named.get("flash-attn", True), otherwise=("auto",)),
    )


def cache_bytes(header: GgufHeader, setup: Setup) -> int:
    """Return the bytes of the key-value cache of all layers and streams."""
    if not header.is_causal:  # an encoder keeps none
        return 0
    heads = _heads(header)
    cells = [
        setup.window_cells(header.sliding_window or 0) if windowed else setup.cells
        for windowed in windowed_layers(header)
    ]
    return _cache(header, setup, cells, heads)


def state_bytes(header: GgufHeader) -> int:
    """Return the bytes that the layers without such a cache keep of one conversation, however long: those of
    hybrid models."""
    names = ("conv_kernel", "inner_size", "state_size", "group_count")
    kernel, inner, state, groups = (header.number(f"{{arch}}.ssm.{name}") or 0 for name in names)
    per_layer = max(0, kernel - 1) * (inner + 2 * groups * state) + state * inner
    return 4 * per_layer * _heads(header).count(0)


def _heads(header: GgufHeader) -> tuple[int, ...]:
    """Return the key-value heads of each layer, 0 for one that keeps a state instead. Those of a head that
    predicts further ahead are left out: they only run where it drafts."""
    heads = header.head_counts_kv or ()
    every = header.number("{arch}.full_attention_interval") or 1
    kept = heads[: len(heads) - header.head_layers]
    return tuple(count if (layer + 1) % every == 0 else 0 for layer, count in enumerate(kept))


def _cache(header: GgufHeader, setup: Setup, cells: Sequence[int], heads: Sequence[int]) -> int:
    """Return the bytes of layers with so many cells and heads each."""
    per_head = (header.key_length or 0) * setup.key_bytes + (header.value_length or 0) * setup.value_bytes
    return round(sum(n * c for n, c in zip(heads, cells, strict=False)) * setup.streams * per_head)


def windowed_layers(header: GgufHeader) -> tuple[bool, ...]:
    """Return which layers only look back a window; none where that is not known, which is the larger answer."""
    layers = min(header.block_count or 0, MAX_LAYERS)
    if not header.sliding_window:
        return (False,) * layers
    key = f"{header.architecture}.attention.sliding_window_pattern"
    told = header.arrays.get(key)
    if told is not None and len(told) >= layers:
        return tuple(bool(windowed) for windowed in told[:layers])
    every = header.number(key) or _WINDOW_PATTERNS.get(header.architecture, 1)
    return tuple(layer % every < every - 1 for layer in range(layers))


def compute_allowance(header: GgufHeader, setup: Setup) -> int:
    """Estimate the work buffers: the attention mask or scores, the widest activations, and the logits."""
    masked = setup.cells
    if any(windowed_layers(header)):
        masked += setup.window_cells(header.sliding_window or 0)
    attention = 2 * masked if setup.flash_attention else 4 * masked * (1 + (header.head_count or 1))
    wide = header.number("{arch}.feed_forward_length") or 4 * (header.embedding_length or 0)
    activations = 4 * (2 * wide + 6 * (header.embedding_length or 0))
    logits = 4 * setup.slots * (header.vocabulary_size or 0)
    return setup.ubatch * (attention + activations) + logits


def head_need(header: GgufHeader, flags: Mapping[str, str | bool]) -> DeviceNeed:
    """Return what a separate head that predicts several tokens takes besides: a cache for its layers, and
    buffers."""
    setup = setup_of(header, flags)
    heads = (header.head_counts_kv or ())[len(header.head_counts_kv or ()) - header.head_layers :]
    return DeviceNeed(
        "", 0, _cache(header, setup, [setup.cells] * len(heads), heads), compute_allowance(header, setup)
    )


def formula(header: GgufHeader, flags: Mapping[str, str | bool], size_bytes: int) -> Forecast:
    """Return the forecast for a model of `size_bytes` (all shards together) that is kept in one place as a
    whole: in RAM ("Host") if its flags say so, else wherever the engine has room ("")."""
    setup = setup_of(header, flags)
    named = {flag_name(name): value for name, value in flags.items()}
    on_host = named.get("n-gpu-layers") == "0" or named.get("device") == "none"
    kept = cache_bytes(header, setup) + setup.slots * state_bytes(header)
    need = DeviceNeed("Host" if on_host else "", size_bytes, kept, compute_allowance(header, setup))
    return Forecast((need,), Source.FORMULA)


def _number(flags: Mapping[str, str | bool], name: str, default: int) -> int:
    found = number(flags, name)
    return default if found is None else found


def _truth(value: str | bool, otherwise: tuple[str, ...] = ()) -> bool:
    return value if isinstance(value, bool) else value.lower() in _YES or value.lower() in otherwise
