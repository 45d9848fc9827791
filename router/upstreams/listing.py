"""What a server elsewhere says of its models in `/v1/models`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from router.base.names import is_speakable

_MAX_MODELS: Final = 2000
_MAX_ID: Final = 300
_MOST: Final = 1 << 40  # tokens
_DEEPEST: Final = 3
_LISTS: Final = ("data", "models", "items", "results", "result", "model_list")
_IDS: Final = ("id", "model", "name", "model_id", "model_name", "key", "slug")
# An object by id is told from any other by what is said of a model.
_TELLING: Final = (
    "object",
    "owned_by",
    "created",
    "context_length",
    "max_model_len",
    "meta",
    "max_tokens",
    *_IDS,
)


@dataclass(frozen=True, slots=True)
class Listing:
    """`models` in the server's order, each with its context in tokens where the server tells. `left_out`: rows
    that name no model, or one that could not be shown or asked for. `base_url`: where its API was found,
    None if the list does not tell."""

    models: tuple[str, ...] = ()
    context_lengths: tuple[int | None, ...] = ()
    left_out: int = 0
    base_url: str | None = None

    def limited_to(self, models: tuple[str, ...] | None) -> Listing:
        """Return the listing with only those that hal0.yaml names, also such as the server does not list."""
        if models is None:
            return self
        known = dict(zip(self.models, self.context_lengths, strict=True))
        return Listing(models, tuple(known.get(model) for model in models), base_url=self.base_url)

    def and_more(self, more: Listing) -> Listing:
        """Return the listing with the next page."""
        known = dict(zip(self.models, self.context_lengths, strict=True))
        for model, context in zip(more.models, more.context_lengths, strict=True):
            known.setdefault(model, context)
        return replace(
            self,
            models=tuple(known)[:_MAX_MODELS],
            context_lengths=tuple(known.values())[:_MAX_MODELS],
            left_out=self.left_out + more.left_out + max(0, len(known) - _MAX_MODELS),
        )


def parse_listing(document: Any) -> Listing | None:
    """Read OpenAI's `{"data": [{"id": …}]}` or any of its kin, None if it is none. What has no usable id is
    left out.

    Its kin: a bare array (Together), `models` (Ollama), an object by id, names alone, `data: null` (Ollama
    without models).
    """
    rows = _rows(document)
    if rows is None:
        return None
    found: dict[str, int | None] = {}
    left_out = max(0, len(rows) - _MAX_MODELS)
    for entry in rows[:_MAX_MODELS]:
        row = {"id": entry} if isinstance(entry, str) else entry
        id_ = _id(row) if isinstance(row, Mapping) else None
        if id_ is not None and 0 < len(id_) <= _MAX_ID and is_speakable(id_):
            found.setdefault(id_, _context(row))
        else:
            left_out += 1
    return Listing(tuple(found), tuple(found.values()), left_out)


def next_page(document: Any) -> str | None:
    """Return the query that asks for the next page, None at the last. Of a `next` address only the query is
    used: the key goes nowhere else."""
    if not isinstance(document, Mapping):
        return None
    last = document.get("last_id") or document.get("after")
    if document.get("has_more") is True:
        rows = _rows(document) or [None]
        last = last or (_id(rows[-1]) if isinstance(rows[-1], Mapping) else None)
        return urlencode({"after": last, "after_id": last}) if isinstance(last, str) else None
    if isinstance(token := document.get("nextPageToken"), str) and token:
        return urlencode({"pageToken": token})
    following = document.get("next")
    return (urlsplit(following).query or None) if isinstance(following, str) else None


def _rows(document: Any, depth: int = 0) -> Sequence[Any] | None:
    if isinstance(document, list):
        return document
    if not isinstance(document, Mapping) or depth > _DEEPEST or document.get("error"):
        return None
    for name in _LISTS:
        if name in document:
            inner = document[name]
            if inner is None and document.get("object") == "list":
                return []
            return _by_id(inner) or _rows(inner, depth + 1)
    return _by_id(document)


def _by_id(document: Any) -> Sequence[Any] | None:
    """`{"llama": {"context_length": 4096}, …}`; None if it is something else."""
    if not isinstance(document, Mapping) or not document or any(name in document for name in _LISTS):
        return None
    infos = [info for info in document.values() if isinstance(info, Mapping)]
    if len(infos) != len(document) or not any(name in info for info in infos for name in _TELLING):
        return None
    return [{**info, "id": name} for name, info in document.items()]


def _id(row: Mapping[str, Any]) -> str | None:
    return next((row[name] for name in _IDS if isinstance(row.get(name), str) and row[name]), None)


def _context(row: Mapping[str, Any]) -> int | None:
    """hal0 and OpenRouter: context_length; vLLM: max_model_len; llama-server: meta.n_ctx, or what the model was
    trained for."""
    meta = row.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    lengths = (row.get("context_length"), row.get("max_model_len"), meta.get("n_ctx"), meta.get("n_ctx_train"))
    return next((n for n in lengths if isinstance(n, int) and not isinstance(n, bool) and 0 < n <= _MOST), None)
