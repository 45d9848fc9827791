"""The header reader against gguf-py, and against damage."""

from __future__ import annotations

import json
import os
import struct
import tracemalloc
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import gguf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources import demo_model
from router.base.errors import BadModel
from router.catalog.architectures import surely_chats
from router.catalog.gguf import MAX_STRINGS, TYPE_SIZES, kind_of, read_header
from router.catalog.header import FILE_TYPES, default_pooling, why_no_model, why_not_launchable
from router.catalog.models import build_catalog
from router.config.schema import Config, Kind
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.forecast.forecaster import Forecaster
from router.memory.forecast.formula import formula
from router.reload.published import model_status
from tests.router.catalog.files import write_gguf


def reference(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Scalars and array lengths as gguf-py reads them."""
    scalars: dict[str, Any] = {}
    lengths: dict[str, int] = {}
    for key, field in gguf.GGUFReader(path).fields.items():
        if key.startswith("GGUF."):
            continue
        if field.types[0] is gguf.GGUFValueType.ARRAY:
            lengths[key] = len(field.data)
        else:
            scalars[key] = field.contents()
    return scalars, lengths


def mixed(path: Path) -> Path:
    return write_gguf(
        path,
        general__name="Ünïcode 🙂",
        general__file_type=15,
        tokenizer__chat_template="{{ x }}" * 100,
        ARCH__attention__head_count=8,
        ARCH__attention__head_count_kv=[2, 4],
        ARCH__embedding_length=64,
        ARCH__rope__freq_base=10000.5,
        tokenizer__ggml__tokens=["a", "bc", "", "é"] * 700,
        tokenizer__ggml__scores=[0.5] * 2800,
        tokenizer__ggml__add_bos_token=True,
    )


@pytest.mark.parametrize("make", [mixed, lambda _: demo_model()], ids=["mixed", "demo"])
def test_reads_what_gguf_py_reads(tmp_path: Path, make: Any) -> None:
    path = make(tmp_path / "m.gguf")
    header = read_header(path)
    scalars, lengths = reference(path)
    assert dict(header.metadata) == scalars
    assert dict(header.array_lengths) == lengths
    assert header.tensor_count == len(gguf.GGUFReader(path).tensors)
    assert header.file_size == path.stat().st_size


def test_properties(tmp_path: Path) -> None:
    header = read_header(mixed(tmp_path / "m.gguf"))
    assert (header.version, header.architecture, header.name) == (3, "llama", "Ünïcode 🙂")
    assert (header.quantisation, header.context_length, header.block_count) == ("Q4_K_M", 4096, 1)
    assert header.head_counts_kv == (2, 4)
    assert (header.key_length, header.value_length, header.sliding_window) == (8, 8, None)
    assert header.has_chat_template
    assert header.vocabulary_size == 2800
    assert "tokenizer.ggml.scores" not in header.arrays


def test_absent_or_mistyped_keys_are_none(tmp_path: Path) -> None:
    header = read_header(write_gguf(tmp_path / "m.gguf", ARCH__context_length="long", ARCH__block_count=2**31))
    assert (header.context_length, header.head_counts_kv, header.key_length) == (None, None, None)
    assert (header.quantisation, header.pooling_type, header.has_chat_template) == (None, None, False)


def test_tables_equal_gguf_py() -> None:
    sizes = {int(type_): size for type_, size in gguf.GGML_QUANT_SIZES.items()}
    assert sizes.items() <= TYPE_SIZES.items()
    for file_type in gguf.LlamaFileType:
        if file_type is not gguf.LlamaFileType.GUESSED:
            label = file_type.name.removeprefix("MOSTLY_").removeprefix("ALL_")
            assert FILE_TYPES[int(file_type)] == label


def test_every_architecture_of_gguf_py_has_a_use(tmp_path: Path) -> None:
    """Row 11: a new one is put where it belongs when gguf-py is renewed."""
    for name in gguf.MODEL_ARCH_NAMES.values():
        header = read_header(write_gguf(tmp_path / "m.gguf", arch=name))
        uses = (bool(why_no_model(header)), kind_of(header) is Kind.EMBEDDING, surely_chats(name))
        assert sum(uses) == 1, name


@pytest.mark.parametrize(
    ("arch", "keys", "tensors", "kind"),
    [
        ("llama", {}, (), Kind.CHAT),
        ("qwen3", {"ARCH__pooling_type": 0}, (), Kind.CHAT),
        ("qwen3", {"ARCH__pooling_type": 3}, (), Kind.EMBEDDING),
        ("qwen3", {"ARCH__pooling_type": 4}, (), Kind.RERANK),
        ("qwen3", {}, ("cls.output.weight",), Kind.RERANK),
        ("nomic-bert-moe", {}, (), Kind.EMBEDDING),
        ("bert", {"ARCH__pooling_type": 0}, (), Kind.EMBEDDING),
        ("bert", {}, ("cls.weight",), Kind.RERANK),
        ("gemma-embedding", {}, (), Kind.EMBEDDING),
        ("gemma-embedding2", {}, (), Kind.EMBEDDING),
        ("qwen3", {"general__name": "Qwen3 Embedding 0.6B"}, (), Kind.EMBEDDING),
        ("qwen3", {"general__basename": "jina-reranker-v2"}, (), Kind.RERANK),
        ("bert", {"general__name": "bge-reranker-base"}, (), Kind.RERANK),
        ("pangu-embedded", {"general__name": "openPangu-Embedded-1B"}, (), Kind.CHAT),
    ],
)
def test_kind(tmp_path: Path, arch: str, keys: dict[str, Any], tensors: tuple[str, ...], kind: Kind) -> None:
    path = write_gguf(tmp_path / "m.gguf", arch=arch, tensors=("token_embd.weight", *tensors), **keys)
    assert kind_of(read_header(path)) is kind


@pytest.mark.parametrize(
    ("keys", "launchable"),
    [
        ({}, True),
        ({"general__type": "model"}, True),
        ({"general__type": "adapter"}, False),
        ({"general__type": "imatrix"}, False),
        ({"general__type": "mmproj"}, False),
        ({"arch": "clip"}, False),
        ({"tensors": ()}, False),
        ({"tensors": (), "split__count": 2}, True),
        ({"split__no": 1, "split__count": 2}, False),
        ({"arch": "flux", "ARCH__block_count": None}, False),
    ],
)
def test_launchable(tmp_path: Path, keys: dict[str, Any], launchable: bool) -> None:
    assert (why_not_launchable(read_header(write_gguf(tmp_path / "m.gguf", **keys))) is None) is launchable


LAYERS = ("token_embd.weight", "blk.0.attn_norm.weight")
TOKENIZER = {"tokenizer__ggml__model": "gpt2"}


@pytest.mark.parametrize(
    ("keys", "word"),
    [
        ({"arch": "eagle3"}, "draft"),
        ({"arch": "dflash"}, "draft"),
        ({"arch": "medusa"}, "draft"),
        ({"arch": "gemma4-assistant"}, "draft"),
        ({"arch": "qwen35", "ARCH__block_count": 2, "ARCH__nextn_predict_layers": 2}, "draft"),
        ({"arch": "qwen35", "ARCH__block_count": 49, "ARCH__nextn_predict_layers": 1,
          "tensors": ("token_embd.weight", "blk.48.nextn.eh_proj.weight"), **TOKENIZER}, "draft"),
        ({"arch": "llama", "tensors": ("blk.0.attn_norm.weight", "fc.weight"), **TOKENIZER}, "draft"),
        ({"arch": "wavtokenizer-dec"}, "vocoder"),
        ({"arch": "whisper"}, "whisper.cpp"),
        ({"arch": "qwen3tts"}, "speech synthesis"),
        ({"arch": "flux"}, "ComfyUI"),
        ({"arch": "wan"}, "ComfyUI"),
        ({"arch": "llada"}, "diffusion language model"),
        ({"arch": "t5"}, "encoder-decoder"),
        ({"arch": "modern-bert", "ARCH__decision__type": "laya"}, "decision model"),
        ({"arch": "clip", "clip__has_text_encoder": True}, "CLIP text encoder"),
        ({"arch": "clip", "clip__has_vision_encoder": True}, "(mmproj)"),
        ({"general__type": "adapter"}, "LoRA"),
        ({"adapter__type": "lora"}, "LoRA"),
        ({"arch": "controlvector"}, "control vector"),
    ],
)  # fmt: skip
def test_what_is_no_model_says_what_it_is(tmp_path: Path, keys: dict[str, Any], word: str) -> None:
    """Row 11: by what is in the file, never by its name."""
    header = read_header(write_gguf(tmp_path / "chat-7b.gguf", **keys))
    assert word in (why_no_model(header) or "")


@pytest.mark.parametrize(
    "keys",
    [
        {"tensors": LAYERS, **TOKENIZER},
        {"tensors": (*LAYERS, "blk.48.nextn.eh_proj.weight"), "ARCH__block_count": 49,
         "ARCH__nextn_predict_layers": 1, **TOKENIZER},
        {"tensors": (), "split__count": 2, **TOKENIZER},
        {"tensors": ("blk.7.attn_q.weight",), "split__count": 2, "ARCH__nextn_predict_layers": 1, **TOKENIZER},
        {"arch": "t5encoder"},
    ],
)  # fmt: skip
def test_models_are_not_taken_for_drafts(tmp_path: Path, keys: dict[str, Any]) -> None:
    """Row 11: a multi-token head beside all layers, or the first part of a split model, is no draft."""
    assert why_not_launchable(read_header(write_gguf(tmp_path / "mtp-m.gguf", **keys))) is None


@pytest.mark.parametrize("tokenizer", [None, "none", "no_vocab"])
def test_without_a_tokenizer_nothing_can_be_loaded(tmp_path: Path, tokenizer: str | None) -> None:
    path = write_gguf(tmp_path / "m.gguf", tensors=LAYERS, tokenizer__ggml__model=tokenizer)
    assert "no tokenizer" in (why_not_launchable(read_header(path)) or "")
    assert why_no_model(read_header(path)) is None


def test_a_reranker_without_its_classifier_is_refused(tmp_path: Path) -> None:
    """llama-server would answer with scores that mean nothing."""
    keys: dict[str, Any] = {"tensors": LAYERS, "general__name": "Qwen3 Reranker 0.6B", **TOKENIZER}
    problem = why_not_launchable(read_header(write_gguf(tmp_path / "m.gguf", **keys)))
    assert "classifier" in (problem or "")
    keys["tensors"] = (*LAYERS, "cls.output.weight")
    assert why_not_launchable(read_header(write_gguf(tmp_path / "m.gguf", **keys))) is None


@pytest.mark.parametrize(
    ("arch", "keys", "pooling"),
    [
        ("qwen3", {"general__name": "Qwen3 Embedding 0.6B"}, "last"),
        ("nomic-bert", {}, "mean"),
        ("qwen3", {"ARCH__pooling_type": 3}, None),
        ("bert", {"ARCH__pooling_type": 0}, None),
        ("bert", {"general__name": "bge-reranker"}, None),
        ("qwen3", {}, None),
    ],
)
def test_pooling_that_an_old_conversion_left_out(
    tmp_path: Path, arch: str, keys: dict[str, Any], pooling: str | None
) -> None:
    """Without one llama-server refuses every request for embeddings."""
    assert default_pooling(read_header(write_gguf(tmp_path / "m.gguf", arch=arch, **keys))) == pooling


def damaged(path: Path, data: bytes) -> str:
    """The message about a file with these bytes; it always names the file."""
    path.write_bytes(data)
    with pytest.raises(BadModel) as caught:
        read_header(path)
    assert str(path) in caught.value.message
    assert caught.value.message.endswith(".")
    return caught.value.message


def test_damage_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    whole = mixed(path).read_bytes()
    assert "not a GGUF file" in damaged(path, b"")
    assert "not a GGUF file" in damaged(path, b"PK\x03\x04" + bytes(100))
    assert "version 1" in damaged(path, b"GGUF" + struct.pack("<I", 1) + bytes(100))
    assert "big-endian" in damaged(path, b"GGUF" + struct.pack(">I", 3) + bytes(100))
    assert "its header goes on" in damaged(path, whole[:1000])
    message = damaged(path, whole[:-40])
    assert f"its tensors need {len(whole):,} bytes, it has {len(whole) - 40:,}" in message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "git lfs pull"),
        (b"\n<!DOCTYPE html><html>Log in</html>", "log in there"),
        (b'{"error":"Invalid username or password."}', "log in there"),
        (b"Entry not found", "correct the address"),
        (b"PK\x03\x04" + bytes(100), "unpack it"),
        (b"tjgg\x03\x00\x00\x00", "old GGML file"),
        (struct.pack("<Q", 90) + b'{"__metadata__":{}}', "safetensors"),
        (bytes(5000), "begins with zeros"),
        (b"something", "download it again"),
    ],
)
def test_what_is_no_gguf_says_what_it_is_instead(tmp_path: Path, data: bytes, said: str) -> None:
    message = damaged(tmp_path / "x.gguf", data)
    assert "is not a GGUF file; " in message
    assert said in message


HEAD = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1) + b"k"


@pytest.mark.parametrize(
    "data",
    [
        b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63),
        b"GGUF" + struct.pack("<IQQ", 3, 2**40, 0),
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**62),
        HEAD + struct.pack("<IQ", 8, 2**64 - 1),
        HEAD + struct.pack("<I", 99),
        HEAD + struct.pack("<IIQ", 9, 9, 1),
        HEAD + struct.pack("<IIQ", 9, 8, 2**63),
        HEAD + struct.pack("<IIQ", 9, 8, MAX_STRINGS) + bytes(1000),
        HEAD + struct.pack("<IIQQ", 9, 8, 2, 2**64 - 1),
        HEAD + struct.pack("<IIQ", 9, 12, 2**61),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<QI", 0, 2**31),
        b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + struct.pack("<QIQQIQ", 0, 2, 2**63, 2**63, 0, 2**63),
    ],
)
def test_hostile_counts_cost_nothing(tmp_path: Path, data: bytes) -> None:
    tracemalloc.start()
    damaged(tmp_path / "x.gguf", data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def test_more_text_than_any_model_has_is_refused(tmp_path: Path) -> None:
    data = HEAD + struct.pack("<IQ", 8, 5_000_000) + bytes(5_000_000)
    assert "metadata is longer" in damaged(tmp_path / "x.gguf", data)


def small(folder: Path) -> bytes:
    return write_gguf(
        folder / "small.gguf", general__name="n", a__list=["x", "yz"], a__numbers=[1, 2]
    ).read_bytes()


def test_every_truncation_is_a_bad_model(tmp_path: Path) -> None:
    whole = small(tmp_path)
    for length in range(len(whole)):
        damaged(tmp_path / "x.gguf", whole[:length])


def test_any_flipped_byte_reads_or_is_a_bad_model(tmp_path: Path) -> None:
    whole = small(tmp_path)
    path = tmp_path / "x.gguf"
    outcomes = set()
    for at in range(len(whole)):
        for value in (0, 0x7F, 0xFF, whole[at] ^ 1, whole[at] ^ 0x80):
            path.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                header = read_header(path)
            except BadModel:
                outcomes.add("refused")
            else:
                outcomes.add("read")
                kind_of(header), why_not_launchable(header), header.head_counts_kv, header.quantisation
    assert outcomes == {"read", "refused"}


@settings(max_examples=300)
@given(tail=st.binary(max_size=200))
def test_garbage_after_the_magic(tmp_path_factory: pytest.TempPathFactory, tail: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "garbage.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 2) + tail)
    try:
        assert read_header(path).tensor_count == 1
    except BadModel as error:
        assert str(path) in error.message


_KEYS = [
    *("general.architecture", "general.type", "general.file_type", "general.name", "general.alignment"),
    *(f"llama.{key}" for key in ("block_count", "context_length", "embedding_length", "pooling_type")),
    *(f"llama.attention.{key}" for key in ("head_count", "head_count_kv", "key_length", "value_length")),
    *("llama.attention.sliding_window", "llama.attention.sliding_window_pattern", "llama.feed_forward_length"),
    *("split.no", "split.count", "tokenizer.ggml.tokens", "clip.vision.projection_dim"),
]


def _value(kind: int, data: bytes, length: int) -> bytes:
    """One value of GGUF's type `kind` (8 a string, 9 an array), from any bytes."""
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    if kind == 8:
        return struct.pack("<Q", len(data)) + data
    if kind == 9:
        inner = data[0] % 13 if data else 4
        items = b"".join(_value(inner if inner != 9 else 5, data, 0) for _ in range(length))
        return struct.pack("<IQ", inner if inner != 9 else 5, length) + items
    return (data * 8 + bytes(8))[: sizes[kind]]


@settings(max_examples=400)
@given(
    st.dictionaries(
        st.sampled_from(_KEYS),
        st.tuples(st.integers(0, 12), st.binary(max_size=9), st.integers(0, 40)),
        max_size=12,
    )
)
def test_whatever_a_header_says_nothing_breaks(
    tmp_path_factory: pytest.TempPathFactory, keys: dict[str, tuple[int, bytes, int]]
) -> None:
    """Property 2: wrong types, negative and absurd numbers, NaN, text that is not UTF-8; a model like any
    other, or one with a problem, and what is told of it is JSON."""
    folder = tmp_path_factory.mktemp("any")
    said = {"general.architecture": (8, b"llama", 0), "llama.block_count": (4, b"\2\0\0\0", 0), **keys}
    with (folder / "any.gguf").open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 1, len(said)))
        for key, (kind, data, length) in said.items():
            file.write(struct.pack("<Q", len(key)) + key.encode() + struct.pack("<I", kind))
            file.write(_value(kind, data, length))
        file.write(struct.pack("<Q1sIIQ", 1, b"t", 0, 0, 0) + bytes(4096))
    forecasts = LaunchForecasts(Forecaster(folder, cast(Any, None)))
    for model in build_catalog(Config(model_dirs=(folder,)), None).models.values():
        told = asdict(model_status(model, forecasts))
        assert json.loads(json.dumps(told, allow_nan=False).encode()) is not None
    try:
        header = read_header(folder / "any.gguf")
    except BadModel:
        return
    assert formula(header, {}, 1000).needs >= 1000


def test_unreadable_paths(tmp_path: Path) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.gguf")
        with pytest.raises(BadModel, match="is not a file"):
            read_header(tmp_path / "fifo.gguf")
    for path, part in [
        (tmp_path / "none.gguf", "No such file"),
        (tmp_path, "is not a file"),
        (tmp_path / "nul\0.gguf", "null"),
    ]:
        with pytest.raises(BadModel, match=part):
            read_header(path)


def test_unknown_tensor_types_skip_the_size_check(tmp_path: Path) -> None:
    info = struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 2**40, 999, 0)
    path = tmp_path / "x.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 1, 0) + info)
    assert read_header(path).tensor_count == 1


def test_a_152k_vocabulary_takes_little_memory(tmp_path: Path) -> None:
    tokens = [f"token{number}" for number in range(152_000)]
    path = write_gguf(tmp_path / "big.gguf", tokenizer__ggml__tokens=tokens, tokenizer__ggml__merges=tokens)
    tracemalloc.start()
    header = read_header(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert header.vocabulary_size == 152_000
    assert peak < 4_000_000
