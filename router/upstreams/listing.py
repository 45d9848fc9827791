"""What a server elsewhere says of its models in `/v1/models`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_MAX_MODELS: Final = 2000
_MAX_ID: Final = 300


@dataclass(frozen=True, slots=True)
class Listing:
    """`models` in the server's order, each with its context in tokens where the server tells."""

    models: tuple[str, ...] = ()
    context_lengths: tuple[int | None, ...] = ()

    def limited_to(self, models: tuple[str, ...] | None) -> Listing:
        """Only those that hal0.yaml names, also such as the server does not list."""
        if models is None:
            return self
        known = dict(zip(self.models, self.context_lengths, strict=True))
        return Listing(models, tuple(known.get(model) for model in models))


def parse_listing(told: Any) -> Listing | None:
    """From OpenAI's `{"data": [{"id": …}]}`, None if it is not that. What has no usable id is left out."""
    rows = told.get("data") if isinstance(told, Mapping) else None
    if not isinstance(rows, list):
        return None
    found: dict[str, int | None] = {}
    for row in rows[:_MAX_MODELS]:
        id_ = row.get("id") if isinstance(row, Mapping) else None
        if isinstance(id_, str) and 0 < len(id_) <= _MAX_ID and id_.isprintable():
            found.setdefault(id_, _context(row))
    return Listing(tuple(found), tuple(found.values()))


def _context(row: Mapping[str, Any]) -> int | None:
    """hal0 and OpenRouter: context_length; vLLM: max_model_len; llama-server: meta.n_ctx, or what the model was
    trained for."""
    meta = row.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    told = (row.get("context_length"), row.get("max_model_len"), meta.get("n_ctx"), meta.get("n_ctx_train"))
    return next((n for n in told if isinstance(n, int) and not isinstance(n, bool) and n > 0), None)
