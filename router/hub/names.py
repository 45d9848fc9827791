"""Which files of a repository are one model: `org/repo[:quantisation]` and the repository's file list. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from urllib.parse import unquote

from router.base.errors import PullFailed
from router.catalog.projectors import Named, by_name, quantisation_in
from router.config.sizes import file_size
from router.hub.pasted import unwrapped

_REFERENCE = re.compile(
    r"(?:hf://|hf:|(?:(?i:https?)://)?(?i:www\.)?(?i:huggingface\.co|hf\.co|hf-mirror\.com)/)?"
    r"(?P<repo>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*?)(?:\.git)?/?(?:[:@](?P<quant>[\w@+(.-][\w.@+() -]*))?"
)
# What the address of a page or a file has after the repository.
_WITHIN = re.compile(
    r"/(?:(?P<kind>tree|blob|resolve|raw)/[^/]+(?:/(?P<path>.*))?|(?P<file>[^/:]+\.gguf))$", re.IGNORECASE
)
_FILES = ("blob", "resolve", "raw")
_SHARD = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})")
_PLAIN = re.compile(r"[\w@+() -][\w.@+() -]*")
# Best for most people first: about 4.8 bits a weight, then what comes nearest to it.
DEFAULTS = (
    *("Q4_K_M", "UD-Q4_K_XL", "Q4_K_L", "Q4_K_S", "MXFP4_MOE", "MXFP4", "IQ4_NL", "Q4_1", "Q4_0", "IQ4_XS"),
    *("Q5_K_S", "Q5_K_M", "Q5_0", "Q5_1", "Q3_K_L", "Q3_K_M", "Q6_K", "IQ3_M", "Q3_K_S", "Q8_0"),
)
# What llama.cpp's converters call drafts, adapters and other parts that lie beside a model (GGUF's naming
# convention ends those in their type: docs/gguf.md, "LoRA", "vocab").
_PART = re.compile(
    r"^(?:(?:ggml[-_])?(?:mtp|eagle3|dflash|dspark|lora|adapter|vocab)[-_.]|adapter$)"
    r"|[-_.](?:lora|adapter|vocab)$"
    r"|(?:^|[^a-z])(?:imatrix|vocoder|wavtokenizer|audio[-_]?(?:decoder|encoder|tokenizer)|control[-_]?vectors?|cvec|tokenizer"
    r"|(?:vision|visual|image|text)[-_](?:encoder|tower|projector)|projector|vae)(?:[^a-z]|$)",
    re.IGNORECASE,
)
# Of what has such a word within its name only its neighbours tell: tuned models are called so, too.
_MAY_BE_PART = re.compile(r"(?:^|[^a-z])(?:lora|adapter)(?:[^a-z]|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reference:
    """What a person asked for. `quant` is as written, None if they left the choice to hal0."""

    repo: str
    quant: str | None = None

    def __str__(self) -> str:
        return self.repo if self.quant is None else f"{self.repo}:{self.quant}"


@dataclass(frozen=True, slots=True)
class RepoFile:
    """`path` within the repository; `size` in bytes; `sha256` hexadecimal, None where the hub tells none."""

    path: str
    size: int
    sha256: str | None

    @property
    def name(self) -> str:
        """The file's own name: what it is called on disk."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True, slots=True)
class FileSet:
    """One model of a repository.

    Attributes:
        label: its quantisation, such as "Q4_K_M"; the file's stem where the name tells none.
        stem: the model file's name without its shard number and `.gguf`.
        files: all shards in order.
        projector: the mmproj that belongs to it, if the repository has one.
        key: what nothing else in the repository is called: the label, else the stem, else its whole path.
    """

    label: str
    stem: str
    files: tuple[RepoFile, ...]
    projector: RepoFile | None = None
    key: str = ""

    @property
    def all_files(self) -> tuple[RepoFile, ...]:
        return (*self.files, self.projector) if self.projector else self.files

    @property
    def model_bytes(self) -> int:
        """Of the shards, without the mmproj."""
        return sum(file.size for file in self.files)

    @property
    def total_bytes(self) -> int:
        return sum(file.size for file in self.all_files)


def parse_reference(text: str) -> Reference:
    """Read `org/repo`, `org/repo:Q4_K_M`, the web address of a repository or of a file in it, and the commands
    that the hub offers for a model. Raises PullFailed."""
    name, file = unwrapped(text)
    match = _REFERENCE.fullmatch(name)
    if match is None and (within := _WITHIN.search(name)):
        match, file = _REFERENCE.fullmatch(name[: within.start()]), within["path"] or within["file"] or file
        if within["kind"] in _FILES and not (file or "").lower().endswith(".gguf"):
            file = None  # a page about the repository, such as its README.md
    if match is None or ".." in text:
        raise PullFailed(
            f'"{text}" is not the name of a model on Hugging Face: write org/repo or org/repo:quantisation, '
            "such as bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M."
        )
    quant = _model_in(unquote(file or match["quant"] or ""))
    return Reference(match["repo"], None if quant in ("", "latest") else quant)


def _model_in(path: str) -> str:
    """Return the stem of a model's file; what is none as it is, of a folder within a folder nothing."""
    if not path.lower().endswith(".gguf"):
        return "" if "/" in path else path
    stem = PurePosixPath(path).stem
    shard = _SHARD.fullmatch(stem)
    return shard["stem"] if shard else stem


def quant_of(path: str) -> str | None:
    """Return the quantisation that a file's name or folder tells, in capitals."""
    return quantisation_in(path[:-5] if path.lower().endswith(".gguf") else path)


def file_sets(files: Iterable[RepoFile]) -> tuple[FileSet, ...]:
    """Return every whole model among a repository's files, smallest first."""
    models: dict[tuple[str, int], dict[int, RepoFile]] = {}
    projectors: dict[Named, RepoFile] = {}
    for file in files:
        if not file.path.lower().endswith(".gguf") or not _PLAIN.fullmatch(file.name):
            continue
        if "mmproj" in file.name.lower():
            projectors[Named(file.name[:-5])] = file
        elif not _PART.search(file.name[:-5]):
            stem = file.path[:-5]
            shard = _SHARD.fullmatch(stem)
            key = (shard["stem"], int(shard["count"])) if shard else (stem, 1)
            models.setdefault(key, {})[int(shard["no"]) if shard else 1] = file
    whole = [stem for stem, _count in models if not _MAY_BE_PART.search(PurePosixPath(stem).name)]
    sets = [
        FileSet(
            quant_of(stem) or PurePosixPath(stem).name,
            PurePosixPath(stem).name,
            tuple(shards[n] for n in sorted(shards)),
            _projector(stem, projectors),
        )
        for (stem, count), shards in models.items()
        if set(shards) == set(range(1, count + 1)) and (stem in whole or not whole)
    ]
    return tuple(sorted(_with_keys(sets), key=lambda found: (found.model_bytes, found.stem)))


def _with_keys(sets: Sequence[FileSet]) -> Iterable[FileSet]:
    labels, stems = Counter(s.label for s in sets), Counter(s.stem for s in sets)
    for found in sets:
        whole = str(PurePosixPath(found.files[0].path).with_suffix("")).replace("/", "--")
        key = found.stem if stems[found.stem] == 1 else whole
        yield replace(found, key=found.label if labels[found.label] == 1 else key)


def choose(reference: Reference, sets: Sequence[FileSet]) -> FileSet:
    """Return the model that `reference` means. Raises PullFailed, listing what there is."""
    if not sets:
        raise PullFailed(
            f"{reference.repo} has no GGUF files, and llama-server runs no others: "
            "look for a repository whose name ends in -GGUF."
        )
    if reference.quant is None:
        return _default(reference, sets)
    wanted = reference.quant.casefold()
    found = [s for s in sets if wanted in (s.label.casefold(), s.stem.casefold(), s.key.casefold())]
    # However it is spelt: q4km, fp16. "Q4_K_XL" is what people call Unsloth's "UD-Q4_K_XL".
    found = found or [s for s in sets if _usual(s.label) == _usual(reference.quant)]
    found = found or [s for s in sets if s.label.casefold() == f"ud-{wanted}"]
    if not found:
        raise PullFailed(f"{reference.repo} has no {reference.quant}; it has: {_listed(sets)}.")
    return _only(reference, found)


def _usual(label: str) -> str:
    return re.sub(r"^FP(?=16|32)", "F", (quantisation_in(label) or label).upper())


def _default(reference: Reference, sets: Sequence[FileSet]) -> FileSet:
    by_label: dict[str, list[FileSet]] = {}
    for found in sets:
        by_label.setdefault(found.label.upper(), []).append(found)
    for label in DEFAULTS:
        if label in by_label:
            return _only(reference, by_label[label])
    if len(sets) == 1:
        return sets[0]
    if not any(quant_of(found.stem) for found in sets):
        return _only(reference, list(sets))  # several models, not several sizes of one
    # None of the usual ones: four to five bits a weight are about 0.3 of sixteen, which the biggest mostly has.
    target = sets[-1].model_bytes * 0.3
    return min(sets, key=lambda found: abs(found.model_bytes - target))


def _only(reference: Reference, found: Sequence[FileSet]) -> FileSet:
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{reference.repo}:{item.key}" for item in found[:12])
    raise PullFailed(f"{reference} means several models; write one of: {names}.")


def _listed(sets: Sequence[FileSet]) -> str:
    sizes: Mapping[str, int] = {found.label: found.model_bytes for found in sets}
    return ", ".join(f"{label} ({file_size(size)})" for label, size in sizes.items())


def _projector(stem: str, projectors: Mapping[Named, RepoFile]) -> RepoFile | None:
    found = by_name(PurePosixPath(stem).name, projectors)
    return projectors[found] if found else None
