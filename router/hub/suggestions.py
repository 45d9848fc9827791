"""hal0's own list of models (resources/models.yaml), each judged by this computer's memory. Blocking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

from resources import model_list
from router.catalog.header import GgufHeader, Scalar
from router.hub.fit import offered_fit
from router.memory.forecast.needs import HEADROOM, Fit
from router.memory.measure.pools import Pool
from router.memory.measure.sources import find_source
from router.wire.hub_search import Suggestion

MEGABYTE: Final = 10**6
_KEYS: Final[Mapping[str, str]] = {
    "layers": "block_count",
    "width": "embedding_length",
    "heads": "attention.head_count",
    "kv_heads": "attention.head_count_kv",
    "feed_forward": "feed_forward_length",
    "context": "context_length",
    "window": "attention.sliding_window",
}
_POOLINGS: Final = {"embedding": 3, "rerank": 4}  # as GGUF counts them: the last token, a rank


@dataclass(frozen=True, slots=True)
class ListedModel:
    """One entry of the list; `header` holds as much of the file's own as a forecast reads."""

    reference: str
    kind: str
    size_bytes: int
    licence: str
    why: str
    header: GgufHeader


def listed_models() -> tuple[ListedModel, ...]:
    """Return the list as it is shipped: kinds together, each with the smallest first."""
    entries = yaml.safe_load(model_list().read_text("utf-8"))
    return tuple(_listed(entry) for entry in entries)


def suggest(
    words: Sequence[str] = (),
    headroom: int = HEADROOM,
    held: int = 0,
    pools: Sequence[Pool] | None = None,
) -> tuple[Suggestion, ...]:
    """Return those that all of `words` (none: any) speak of, the best of each kind first. `headroom`: bytes of
    memory to leave free; `held`: those that slots would give back; `pools`: the memory, where it has been read
    already."""
    pools = find_source().read(()) if pools is None else pools
    found = []
    for listed in listed_models():
        room = offered_fit(listed.header, listed.size_bytes, headroom, held, pools)
        found.append(
            Suggestion(listed.reference, listed.kind, listed.size_bytes, listed.licence, listed.why, room)
        )
    best = {item.kind: item.reference for item in found if item.room.fits != Fit.SHORT}  # the last of each
    marked = (replace(item, best=best.get(item.kind) == item.reference) for item in found)
    return tuple(sorted((item for item in marked if _speak_of(item, words)), key=lambda item: not item.best))


def _speak_of(item: Suggestion, words: Sequence[str]) -> bool:
    text = f"{item.reference} {item.kind} {item.licence} {item.why}".casefold()
    return all(word.casefold() in text for word in words)


def _listed(entry: Mapping[str, Any]) -> ListedModel:
    size = entry["size"] * MEGABYTE
    return ListedModel(
        entry["model"],
        entry["kind"],
        size,
        entry["licence"],
        entry["why"],
        _header(entry["header"], entry["kind"], entry["model"], size),
    )


def _header(facts: Mapping[str, Any], kind: str, reference: str, size_bytes: int) -> GgufHeader:
    architecture = facts["architecture"]
    metadata: dict[str, Scalar] = {"general.architecture": architecture}
    metadata |= {f"{architecture}.{key}": facts[name] for name, key in _KEYS.items() if name in facts}
    if "head_width" in facts:
        width = facts["head_width"]
        metadata |= {f"{architecture}.attention.{part}_length": width for part in ("key", "value")}
    if kind in _POOLINGS:
        metadata[f"{architecture}.pooling_type"] = _POOLINGS[kind]
    vocabulary = {"tokenizer.ggml.tokens": facts["vocabulary"]}
    return GgufHeader(Path(reference), 3, size_bytes, metadata, {}, vocabulary, 1, kind == "rerank")
