"""Which projector (mmproj) belongs to which model, from headers and names. Pure.

llama-server refuses a projector of another width and takes every other, whatever it was trained for. So a
projector goes to a model only if the width fits, and then by name; where the names in a folder tell nothing, to
the one family of models it can be meant for. Quantisations of one model are one family and share a projector.
Where several answers are left, none is given: a wrong projector is worse than none, as images are then misread.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from router.catalog.header import GgufHeader, kind_of
from router.config.schema import Kind

# Q4_K_M is also written q4km, Q4-K-M and Q4 K M.
_SPELT: Final = r"I?Q\d[- ]?(?:K|[01]|XXS|XS|NL)(?:[- ]?(?:XXL|XL|XS|S|M|L))?"
QUANTISATION: Final = re.compile(
    r"(?:^|[-._/ (\[])(?P<label>(?:UD-)?"
    rf"(?:(?P<spelt>{_SPELT})|I?Q\d+(?:_[A-Z0-9]+)*|TQ\d_\d|BF16|F(?:P)?(?:8|16|32)|MXFP4(?:_MOE)?|NVFP4))"
    r"(?=$|[-._/ )\]])",
    re.IGNORECASE,
)
# F16 is what a projector is made as: F32 is twice the bytes and no better, BF16 is slow on many GPUs and CPUs,
# and what is smaller than Q8_0 misreads small print.
_BEST_FIRST: Final = ("F16", "BF16", "FP16", "Q8_0", "F32")
# Where the projector's last step is, as clip_n_mmproj_embd in llama.cpp's tools/mtmd/clip.cpp reads it: the
# first that is there. The width is the last dimension, but for those that are stored the other way round.
_LAST_STEPS: Final = (
    *("mm.model.mb_block.1.block.2.1.bias", "mm.model.peg.0.bias", "mm.down.weight", "mm.model.fc.weight"),
    *("mm.model.mlp.3.weight", "resampler.proj.weight", "adapter.linear.dense_4h_to_h.weight"),
    "mm.input_projection.weight",
)
_LAST_AUDIO_STEPS: Final = ("mm.a.fc.weight", "mm.a.input_projection.weight")
_TRANSPOSED: Final = ("resampler.proj.weight", "mm.input_projection.weight")
_NOT_TRANSPOSED: Final = ("gemma4v", "gemma4uv")
_NUMBERED: Final = (
    re.compile(r"mm\.(\d+)\.(?:weight|bias)"),
    re.compile(r"mm\.a\.mlp\.(\d+)\.(?:weight|bias)"),
)
_NO_WIDTHS: Final = (0, 768)  # what the legacy converters write into every file (CLIP's own width)

_ROLE: Final = frozenset(
    {
        "mmproj",
        "projector",
        "proj",
        "vision",
        "clip",
        "vit",
        "encoder",
        "audio",
        "model",
        "models",
        "ggml",
        "gguf",
    }
    | {"ud", "i1", "imat", "full"}
)
_SEES: Final = re.compile(
    r"v|.*vl(?:m|moe)?[\d.]*|.*(?:vision|visual|llava|pixtral|omni|ocr|audio|voxtral|ultravox).*"
)
_TEXT_ONLY: Final = frozenset({"coder", "code", "math", "embedding", "embed", "reranker", "guard"})
_SIZE: Final = re.compile(r"[\d.]+|v[\d.]+|[ae]?\d+(?:\.\d+)?[bm]|\d+x\d+b")

_EQUAL: Final = 1000
_LONGEST: Final = 256
"""Characters of a header's name that are compared; a damaged one may have millions."""
Words = tuple[str, ...]


def width_of(projector: GgufHeader) -> int | None:
    """Return how wide its output is, which must be the model's `embedding_length`; None where it does not
    tell."""
    tensors = projector.tensors.outer
    upright = projector.text("clip.projector_type") in _NOT_TRANSPOSED or (
        projector.text("clip.vision.projector_type") in _NOT_TRANSPOSED
    )
    numbered = [_last_numbered(tensors, pattern) for pattern in _NUMBERED]
    steps = [*_LAST_STEPS[:-1], numbered[0], _LAST_STEPS[-1], *_LAST_AUDIO_STEPS, numbered[1]]
    found = next((name for name in steps if name is not None and tensors.get(name)), None)
    if found is not None:
        first_is_last = found in _TRANSPOSED and not upright
        return tensors[found][0 if first_is_last else -1]
    widths = (projector.number(f"clip.{sense}.projection_dim") for sense in ("vision", "audio"))
    return next((width for width in widths if width is not None and width not in _NO_WIDTHS), None)


def _last_numbered(tensors: Mapping[str, tuple[int, ...]], pattern: re.Pattern[str]) -> str | None:
    """Return the last of `mm.0`, `mm.2`, …, each of which has a weight and mostly a bias."""
    found = [(int(match[1]), name) for name in tensors if (match := pattern.fullmatch(name))]
    return max(found)[1] if found else None  # a weight comes after its bias in the alphabet


def preference(label: str | None) -> int:
    """Rank a projector's type: of several types the one with the lowest rank is taken."""
    if label in _BEST_FIRST:
        return _BEST_FIRST.index(label)
    bits = re.search(r"Q(\d)", label or "")
    return len(_BEST_FIRST) + (8 - int(bits[1]) if bits else 9)


def quantisation_in(name: str) -> str | None:
    """Return the quantisation that a file's name or folder tells, in capitals."""
    found = list(QUANTISATION.finditer(name))
    return _usual(found[-1]) if found else None


def _usual(found: re.Match[str]) -> str:
    """Return a label as llama.cpp writes it."""
    label = found["label"].upper()
    if found["spelt"] is None:
        return label
    return re.sub(r"(?<=Q\d)[- ]?(?=\w)|(?<=\dK)[- ]?(?=\w)|(?<=\d[- ]K)[- ]?(?=\w)", "_", label)


@dataclass(frozen=True, eq=False)
class Named:
    """A model or projector by its names: the file's, without suffix and shard number, and the header's. Two of
    one name are two."""

    stem: str
    header: GgufHeader | None = None

    @cached_property
    def family(self) -> Words:
        """What the file's name says it is of, without type and role: `mmproj-Gemma-3-4B-F16` → gemma, 3, 4b."""
        return _words(self.stem)

    @cached_property
    def header_names(self) -> tuple[Words, ...]:
        """What the header says the same."""
        if self.header is None:
            return ()
        names = (self.header.text(f"general.{key}") for key in ("name", "basename"))
        return tuple(words for name in names if name and not _weak(words := _words(name[:_LONGEST])))

    @cached_property
    def all_words(self) -> frozenset[str]:
        architecture = self.header.architecture if self.header else ""
        name = (self.header.name if self.header else None) or ""
        return frozenset(_split(f"{self.stem} {name[:_LONGEST]} {architecture[:_LONGEST]}"))

    @property
    def sees(self) -> bool:
        """Whether a name says that it takes more than text."""
        return any(_SEES.fullmatch(word) for word in self.all_words)

    @property
    def label(self) -> str | None:
        """What the name says first: before a download there is nothing else."""
        stated = self.header.quantisation if self.header else None
        return quantisation_in(self.stem) or stated

    @property
    def rank(self) -> tuple[int, int, str]:
        """Best first, among projectors that fit equally well."""
        senses = sum(
            bool(self.header and self.header.metadata.get(f"clip.has_{sense}_encoder"))
            for sense in ("vision", "audio")
        )
        return -senses, preference(self.label), self.stem


@dataclass(frozen=True, slots=True)
class Pairing:
    """`given`: a projector for each model that gets one. `unclear`: for a model without, those that may be its
    own as well as another's."""

    given: Mapping[Named, Named]
    unclear: Mapping[Named, tuple[Named, ...]]


def pair(models: Sequence[Named], projectors: Sequence[Named], *, apart: bool = False) -> Pairing:
    """Give each of `models` its projector. `apart`: they lie in several folders, so that what is left over is
    no hint, unless all models are one family."""
    fitting = {model: [p for p in projectors if _fits(model, p)] for model in models}
    related = _related(fitting)
    given = {model: _best(model, found) for model, found in related.items() if found}
    claimed = {projector for found in related.values() for projector in found}
    families = {model.family for model in models if _chats(model)}
    hints = not apart or len(families) == 1
    left = {model: fitting[model] for model in models if model not in given and _chats(model)}
    # Where names tell of some, one with a name that nothing here has is of a model that is not here.
    usable = [p for p in projectors if hints and p not in claimed and (not p.family or not claimed)]
    wanted = {p: _likely([m for m, found in left.items() if p in found], p) for p in usable}
    meant = {p: wanted[p] for p in usable if _is_one_family(wanted[p])}
    # A name that nothing here has is a hint only where each model has one such, and the widths tell which.
    if families - {model.family for found in meant.values() for model in found}:
        meant = {p: found for p, found in meant.items() if _weak(p.family)}
    for model in left:
        found = [p for p in usable if model in wanted[p]]
        if found and _is_one_family(found) and all(p in meant for p in found):
            given[model] = min(found, key=lambda projector: projector.rank)
    taken = {*claimed, *given.values()}
    orphans = {m: tuple(p for p in usable if p not in taken and m in wanted[p]) for m in left if m not in given}
    return Pairing(given, {model: found for model, found in orphans.items() if found})


def _likely(models: Sequence[Named], projector: Named) -> list[Named]:
    """Return, of models whose width fits, those that a projector called like none of them can be for."""
    sighted = [m for m in models if _made_for(projector, m)] or [m for m in models if m.sees]
    open_ = [model for model in models if _TEXT_ONLY.isdisjoint(model.all_words)]
    return sighted or open_ or ([] if projector.family else list(models))


def _is_one_family(named: Sequence[Named]) -> bool:
    return len({one.family for one in named}) == 1


def by_name(stem: str, projectors: Iterable[Named]) -> Named | None:
    """Return the projector for a model of which only the name is known, among those of its repository: the one
    that is called like it, else one that is called like nothing."""
    model, among = Named(stem), list(projectors)
    if found := [projector for projector in among if _relation(projector, model)]:
        return _best(model, found)
    usable = [projector for projector in among if not projector.family] or among
    return min(usable, key=lambda projector: projector.rank) if usable and _is_one_family(usable) else None


def _fits(model: Named, projector: Named) -> bool:
    if model.header is None or projector.header is None:
        return True
    width, wanted = width_of(projector.header), model.header.embedding_length
    return width is None or wanted is None or width == wanted


def _chats(model: Named) -> bool:
    return model.header is None or kind_of(model.header) is Kind.CHAT


def _related(fitting: Mapping[Named, Sequence[Named]]) -> dict[Named, list[Named]]:
    """Return for each model those of its projectors that are called like it."""
    related: dict[Named, list[Named]] = {model: [] for model in fitting}
    for projector in dict.fromkeys(p for found in fitting.values() for p in found):
        scores = {model: _relation(projector, model) for model, found in fitting.items() if projector in found}
        for model in _called_like(projector, {model: score for model, score in scores.items() if score}):
            related[model].append(projector)
    return related


def _called_like(projector: Named, scores: Mapping[Named, int]) -> Iterable[Named]:
    """Return, of the models that are called more or less like `projector`, those that can be meant."""
    equal = any(score >= _EQUAL for score in scores.values())
    if not equal and any(_made_for(projector, model) for model in scores):
        scores = {m: score for m, score in scores.items() if _made_for(projector, m)}
    elif any(model.sees for model in scores) and (projector.sees or not equal):
        scores = {m: score for m, score in scores.items() if m.sees}  # granite-vision's is not plain granite's
    surely = {model: score for model, score in scores.items() if score > 1}
    # One word may be of several: "mmproj-4B" beside gemma-3-4b and qwen3-4b.
    return surely or (scores if len({model.family for model in scores}) == 1 else ())


def _made_for(projector: Named, model: Named) -> bool:
    """Return whether the projector's type has the name of the model's architecture: gemma3's,
    qwen2.5vl_merger's. Of most the one tells nothing of the other."""
    if projector.header is None or model.header is None:
        return False
    types = (projector.header.text(f"clip.{sense}projector_type") for sense in ("", "vision.", "audio."))
    kinds = [re.sub(r"_merger$|\.\d", "", kind) for kind in types if kind]
    architecture = model.header.architecture
    return any(architecture.startswith(kind) or kind[:-1] == architecture for kind in kinds)  # glm4v is glm4's


def _relation(projector: Named, model: Named) -> int:
    """Return how surely the two are called alike: 0 not at all; 1 by one word, such as a size; else more with
    each word, most where the names are equal."""
    own = [projector.family] if projector.family and not _weak(projector.family) else []
    own = own or [*([projector.family] if projector.family else []), *projector.header_names]
    return max(
        (_alike(words, other, model) for words in own for other in (model.family, *model.header_names)),
        default=0,
    )


def _alike(projector: Words, other: Words, model: Named) -> int:
    if not projector or not other:
        return 0
    if projector == other:
        return 1 if _weak(projector) else _EQUAL
    shorter, longer = sorted((projector, other), key=len)
    at = next(
        (n for n in range(len(longer) - len(shorter) + 1) if longer[n : n + len(shorter)] == shorter), None
    )
    if at is None:
        return 0
    rest = longer[:at] + longer[at + len(shorter) :]
    if longer is other:  # the model's name says more: what it adds may be that it only writes
        return 0 if not _TEXT_ONLY.isdisjoint(model.all_words - set(projector)) else len(shorter)
    return 0 if any(_SEES.fullmatch(word) for word in rest) and not model.sees else len(shorter)


def _best(model: Named, projectors: Sequence[Named]) -> Named:
    return min(projectors, key=lambda projector: (-_relation(projector, model), projector.rank))


def _weak(words: Words) -> bool:
    return all(_SIZE.fullmatch(word) for word in words)


def _words(name: str) -> Words:
    return tuple(word for word in _split(QUANTISATION.sub(" ", name)) if word not in _ROLE)


def _split(name: str) -> list[str]:
    """Split a name into words in lower case; a dot parts words only where it is in no number ("qwen2.5" is
    one)."""
    return [word for word in re.split(r"(?<!\d)\.|\.(?!\d)|[^\w.]|_", name.lower()) if word]
