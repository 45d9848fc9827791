"""The formula, by hand-made numbers; against real engines in test_forecast_error."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType

import pytest

from router.catalog.header import GgufHeader, Numbers, Scalar
from router.memory.forecast.formula import (
    Setup,
    cache_bytes,
    compute_allowance,
    formula,
    setup_of,
    windowed_layers,
)
from router.memory.forecast.needs import MIB, Source


def header(arch: str = "llama", arrays: dict[str, Numbers] | None = None, **more: Scalar) -> GgufHeader:
    """8 layers, 8 heads of 64, 2 of them for keys and values."""
    values: dict[str, Scalar] = {
        "context_length": 32_768, "block_count": 8, "embedding_length": 512, "feed_forward_length": 1024,
        "attention.head_count": 8, "attention.head_count_kv": 2,
    }  # fmt: skip
    metadata = {f"{arch}.{name.replace('__', '.')}": value for name, value in (values | more).items()}
    kept = {f"{arch}.{name}": numbers for name, numbers in (arrays or {}).items()}
    return GgufHeader(
        Path("m.gguf"), 3, 100 * MIB, MappingProxyType({"general.architecture": arch, **metadata}),
        MappingProxyType(kept), MappingProxyType({"tokenizer.ggml.tokens": 1000}), 1, False,
    )  # fmt: skip


def setup(**flags: str | bool) -> Setup:
    return setup_of(header(), {name.replace("_", "-"): value for name, value in flags.items()})


def test_left_alone_it_is_four_slots_that_share_what_the_model_was_trained_for() -> None:
    made = setup()
    assert (made.context, made.slots, made.unified, made.streams) == (32_768, 4, True, 1)
    assert (made.ubatch, made.key_bytes, made.value_bytes, made.flash_attention) == (512, 2.0, 2.0, True)
    assert setup(ctx_size="0").context == 32_768


@pytest.mark.parametrize(
    ("flags", "streams", "cells"),
    [
        ({"ctx_size": "10000"}, 1, 10_240),
        ({"ctx_size": "10000", "parallel": "2"}, 2, 5120),
        ({"ctx_size": "20000", "parallel": "3"}, 3, 6912),
        ({"ctx_size": "20000", "parallel": "3", "kv_unified": True}, 1, 20_224),
        ({"c": "4096", "np": "1"}, 1, 4096),
        ({"ctx_size": "4096", "no_kv_unified": True}, 1, 4096),  # obeyed with a number of slots only
        ({"ctx_size": "4096", "parallel": "-1"}, 1, 4096),
    ],
)
def test_slots_share_one_cache_or_have_their_own(
    flags: dict[str, str | bool], streams: int, cells: int
) -> None:
    made = setup(**flags)
    assert (made.streams, made.cells) == (streams, cells)


def test_the_cache_counts_key_value_heads_and_the_bytes_of_its_type() -> None:
    per_token = 8 * 2 * (64 + 64)
    assert cache_bytes(header(), setup(ctx_size="1024")) == 1024 * per_token * 2
    quantised = setup(ctx_size="1024", cache_type_k="q8_0", ctv="q4_0")
    assert cache_bytes(header(), quantised) == 1024 * 8 * 2 * (64 * 34 + 64 * 18) // 32
    wide = header(attention__key_length=192, attention__value_length=128)
    assert cache_bytes(wide, setup(ctx_size="1024")) == 1024 * 8 * 2 * (192 + 128) * 2


def test_layers_may_differ_in_heads() -> None:
    mixed = header(arrays={"attention.head_count_kv": (2, 0, 0, 0, 2, 0, 0, 0)})
    assert cache_bytes(mixed, setup(ctx_size="1024")) == 1024 * 2 * 2 * 128 * 2


def test_window_layers_hold_the_window_of_each_slot_and_one_batch() -> None:
    gemma = header("gemma3", attention__sliding_window=1024)
    assert windowed_layers(gemma) == (True, True, True, True, True, False, True, True)
    per_layer = 2 * 128 * 2
    shared = setup_of(gemma, {"ctx-size": "32768"})
    assert cache_bytes(gemma, shared) == per_layer * (32_768 + 7 * (4 * 1024 + 512))
    own = setup_of(gemma, {"ctx-size": "32768", "parallel": "2"})
    assert cache_bytes(gemma, own) == per_layer * 2 * (16_384 + 7 * 1536)
    full = setup_of(gemma, {"ctx-size": "32768", "swa-full": True})
    assert cache_bytes(gemma, full) == per_layer * 8 * 32_768


def test_which_layers_have_a_window_is_read_or_else_assumed_of_none() -> None:
    told = header("new", {"attention.sliding_window_pattern": (1, 0) * 4}, attention__sliding_window=512)
    assert windowed_layers(told) == (True, False) * 4
    assert windowed_layers(header("new", attention__sliding_window=512)) == (False,) * 8
    assert windowed_layers(header("gpt-oss", attention__sliding_window=128)) == (True, False) * 4


@pytest.mark.parametrize("written", ["many", "", "--4", "1e3"])
def test_a_number_that_is_none_is_left_to_the_engine_to_refuse(written: str) -> None:
    assert setup(parallel=written).slots == 4


def test_a_header_without_attention_has_no_cache() -> None:
    assert cache_bytes(header(block_count=0), setup()) == 0
    assert cache_bytes(header(attention__head_count_kv=0, attention__head_count=0), setup()) == 0


def test_more_context_and_no_flash_attention_want_larger_buffers() -> None:
    small, large = (compute_allowance(header(), setup(ctx_size=size)) for size in ("4096", "32768"))
    assert 0 < small < large < compute_allowance(header(), setup(ctx_size="32768", flash_attn="off"))
    assert setup(flash_attn="auto").flash_attention


def test_the_whole_is_weights_cache_and_buffers() -> None:
    found = formula(header(), {"ctx-size": "4096"}, 100 * MIB)
    assert found.source is Source.FORMULA
    assert found.per_device[0].model == 100 * MIB and found.per_device[0].context == 16 * MIB
    assert found.needs == found.total > 116 * MIB
