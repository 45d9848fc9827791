"""One GGUF file's header as a value, and what llama-server can do with that file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from router.catalog.architectures import DRAFT, not_a_chat_model
from router.config.schema import Kind

Scalar = int | float | bool | str
Numbers = tuple[int | float | bool, ...]

# llama_ftype -> what people call it, as in gguf-py's LlamaFileType.
FILE_TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K", 11: "Q3_K_S"},
    **{12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K"},
    **{19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL"},
    **{26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16"},
    **{36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4_MOE", 39: "NVFP4", 40: "Q1_0"},
}
MOST = 1 << 40  # of anything a header counts; a damaged one may claim 2^64
POOLINGS = {0: "none", 1: "mean", 2: "cls", 3: "last", 4: "rank"}  # llama.cpp's enum llama_pooling_type
MAX_LAYERS = 1024  # a header may claim any number; no tuple is built from an absurd one
RANK_HEADS = frozenset({"cls.weight", "cls.output.weight"})
_ENCODERS = ("bert", "gemma-embedding", "llama-embed", "t5encoder")
_PURPOSE = re.compile(r"(?:^|[^a-z])(?P<embedding>embed(?:ding|der)?s?)(?:[^a-z]|$)|(?P<rank>rerank)")
_NOT_MODELS = {
    "mmproj": "a vision or audio part (mmproj) for another model",
    "adapter": "a LoRA adapter for another model",
    "controlvector": "a control vector for another model",
    "imatrix": "an importance matrix for quantising",
    "vocab": "a vocabulary alone",
}
_TYPE_BY_ARCHITECTURE = {"clip": "mmproj", "controlvector": "controlvector", "imatrix": "imatrix"}


@dataclass(frozen=True, slots=True)
class Tensors:
    """What is told of a file's tensors.

    Attributes:
        outer: those outside the layers (`token_embd.weight`, `mm.2.bias`) with their dimensions as GGUF orders
            them: of a matrix first the width it takes, then the one it gives.
        first_layer: the lowest number of a layer that is in the file (`blk.0.…`), None without layers.
    """

    outer: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: MappingProxyType({}))
    first_layer: int | None = None


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """One file's header. Sizes in bytes, lengths in tokens; a property is None where the file does not say.

    Attributes:
        metadata: every scalar and string key.
        arrays: numeric arrays of at most 1,024 elements (one number per layer, usually).
        array_lengths: the length of every array, kept or not.
        has_rank_head: a classifier tensor is in the file, which only rerankers have.
        has_fill_in_token: its vocabulary has one of the tokens with which code is filled in.
    """

    path: Path
    version: int
    file_size: int
    metadata: Mapping[str, Scalar]
    arrays: Mapping[str, Numbers]
    array_lengths: Mapping[str, int]
    tensor_count: int
    has_rank_head: bool
    tensors: Tensors = Tensors()
    has_fill_in_token: bool = False

    def text(self, key: str) -> str | None:
        """Return a string; `{arch}` in `key` stands for the architecture."""
        if "{arch}" in key:
            key = key.replace("{arch}", self.architecture)
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None

    def number(self, key: str) -> int | None:
        """Return a count or size, else as `text`. None for what cannot be one."""
        value = self.metadata.get(key.replace("{arch}", self.architecture))
        usable = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST
        return value if isinstance(value, int) and usable else None

    @property
    def architecture(self) -> str:
        return self.text("general.architecture") or ""

    @property
    def name(self) -> str | None:
        return self.text("general.name")

    @property
    def type(self) -> str:
        """`general.type`: model, mmproj, adapter, imatrix, … Old ones show it only by their architecture."""
        return _TYPE_BY_ARCHITECTURE.get(self.architecture) or self.text("general.type") or "model"

    @property
    def is_projector(self) -> bool:
        """Whether it is another model's vision or audio part. CLIP's text encoder, which image programs use, is
        not."""
        return self.type == "mmproj" and self.metadata.get("clip.has_text_encoder") is not True

    @property
    def quantisation(self) -> str | None:
        """Such as Q4_K_M."""
        file_type = self.number("general.file_type")
        return None if file_type is None else FILE_TYPES.get(file_type)

    @property
    def split_count(self) -> int:
        return self.number("split.count") or 1

    @property
    def split_no(self) -> int:
        """From 0."""
        return self.number("split.no") or 0

    @property
    def context_length(self) -> int | None:
        return self.number("{arch}.context_length")

    @property
    def block_count(self) -> int | None:
        return self.number("{arch}.block_count")

    @property
    def embedding_length(self) -> int | None:
        return self.number("{arch}.embedding_length")

    @property
    def head_count(self) -> int | None:
        return self.number("{arch}.attention.head_count")

    @property
    def head_counts_kv(self) -> tuple[int, ...] | None:
        """Key-value heads of each layer."""
        per_layer = self.arrays.get(f"{self.architecture}.attention.head_count_kv")
        if per_layer is not None and all(0 <= heads <= MOST for heads in per_layer):
            return tuple(int(heads) for heads in per_layer)
        heads = self.number("{arch}.attention.head_count_kv") or self.head_count
        layers = self.block_count or 0
        return (heads,) * layers if heads and 0 < layers <= MAX_LAYERS else None

    @property
    def key_length(self) -> int | None:
        return self.number("{arch}.attention.key_length") or self._head_width

    @property
    def value_length(self) -> int | None:
        return self.number("{arch}.attention.value_length") or self._head_width

    @property
    def _head_width(self) -> int | None:
        return self.embedding_length // self.head_count if self.embedding_length and self.head_count else None

    @property
    def sliding_window(self) -> int | None:
        return self.number("{arch}.attention.sliding_window")

    @property
    def head_layers(self) -> int:
        """Layers at the end that only predict tokens further ahead, for drafting with them."""
        layers = self.number("{arch}.nextn_predict_layers") or 0
        return layers if 0 < layers < (self.block_count or 0) else 0

    @property
    def pooling_type(self) -> int | None:
        """llama.cpp's enum: 0 none, 1 mean, 2 cls, 3 last, 4 rank."""
        return self.number("{arch}.pooling_type")

    @property
    def is_causal(self) -> bool:
        """Whether a token only sees those before it. Encoders see all of an input, and keep no cache."""
        causal = self.metadata.get(f"{self.architecture}.attention.causal")
        return causal is not False and not any(part in self.architecture for part in _ENCODERS)

    @property
    def vocabulary_size(self) -> int | None:
        return self.array_lengths.get("tokenizer.ggml.tokens")

    @property
    def has_chat_template(self) -> bool:
        return bool(self.text("tokenizer.chat_template"))

    @property
    def fills_in(self) -> bool:
        """Whether llama-server can fill in between a prefix and a suffix: it knows the tokens for it by their
        ids in the header, else by their usual texts."""
        namings = (("fim_pre", "fim_suf", "fim_mid"), ("prefix", "suffix", "middle"))
        ids = [[self.number(f"tokenizer.ggml.{name}_token_id") for name in names] for names in namings]
        return self.has_fill_in_token or any(None not in found for found in ids)


def reads_whole(header: GgufHeader, kind: Kind, pooling: str | None = None) -> bool:
    """Return whether llama-server must have all of an input in one physical batch: it pools over all of its
    tokens, or each of them sees those behind it. `pooling`: by name, where it is not the file's own."""
    if kind not in (Kind.EMBEDDING, Kind.RERANK):
        return False
    own = "rank" if kind is Kind.RERANK else POOLINGS.get(header.pooling_type or 0)
    return not header.is_causal or (pooling or own) in ("mean", "cls")


def kind_of(header: GgufHeader) -> Kind:
    """Return what llama-server can do with the file. Conversions from before llama.cpp knew rerankers and
    embedders of that family say so only by their names: as chat models both would talk nonsense."""
    encoder = any(part in header.architecture for part in _ENCODERS)
    if header.pooling_type == 4 or header.has_rank_head:
        return Kind.RERANK
    purpose = _PURPOSE.search(_names(header))
    if purpose and purpose["rank"]:
        return Kind.RERANK
    pooled = header.pooling_type in (1, 2, 3)
    return Kind.EMBEDDING if encoder or pooled or purpose else Kind.CHAT


def default_pooling(header: GgufHeader) -> str | None:
    """Return what an embedding model's file should say and does not: without it llama-server refuses every
    request. Encoders average their tokens; those made of chat models take the last."""
    if kind_of(header) is not Kind.EMBEDDING or header.pooling_type is not None:
        return None
    return "mean" if any(part in header.architecture for part in _ENCODERS) else "last"


def why_not_launchable(header: GgufHeader) -> str | None:
    """Return one sentence why llama-server cannot serve this file by itself; None if it can."""
    return why_no_model(header) or _why_broken(header)


def why_no_model(header: GgufHeader) -> str | None:
    """Return one sentence what this file is if it is no model by itself: part of one, or made for another
    program."""
    name = header.path.name
    if use := _other_use(header):
        return f"{name} is {use}, not a model to talk to: choose the model's own file."
    if header.split_no:
        return f"{name} is a later part of a split model: choose its first part (00001-of-…)."
    if header.block_count is None:
        # Image models and text encoders for other programs carry an architecture and little else.
        return f"{name} is made for another program: it lacks what llama.cpp needs to run it."
    if header.tensor_count == 0 and header.split_count == 1:
        return f"{name} holds only a vocabulary, no weights: download the whole model."
    return None


def _other_use(header: GgufHeader) -> str | None:
    if header.type == "mmproj" and not header.is_projector:
        return "a CLIP text encoder for another program, such as ComfyUI"
    if header.type in _NOT_MODELS:
        return _NOT_MODELS[header.type]
    if "adapter.type" in header.metadata:
        return _NOT_MODELS["adapter"]
    if header.number("{arch}.decision.type") is not None or header.text("{arch}.decision.type"):
        return not_a_chat_model("vllm-decision2")
    return not_a_chat_model(header.architecture) or (DRAFT if _is_draft(header) else None)


def _is_draft(header: GgufHeader) -> bool:
    """Multi-token heads alone, or layers that need another model's embeddings. Of a split model the first part
    does not tell: its layers may be in another."""
    if header.split_count > 1:
        return False
    heads, first = header.number("{arch}.nextn_predict_layers") or 0, header.tensors.first_layer
    if heads and (heads >= (header.block_count or 0) or first):
        return True
    return first is not None and "token_embd.weight" not in header.tensors.outer


def _why_broken(header: GgufHeader) -> str | None:
    name = header.path.name
    if header.tensors.first_layer is None:
        return None  # a part of a split model need not hold layers
    if header.text("tokenizer.ggml.model") in (None, "none", "no_vocab"):
        return f"{name} has no tokenizer, which llama-server needs: get another conversion of this model."
    if kind_of(header) is Kind.RERANK and not header.has_rank_head and header.split_count == 1:
        return (
            f"{name} is a reranker without its classifier (cls.output), so its scores would mean nothing: "
            "get a conversion made for llama.cpp's --reranking."
        )
    return None


def _names(header: GgufHeader) -> str:
    return " ".join(header.text(f"general.{key}") or "" for key in ("name", "basename")).casefold()
