"""What a server elsewhere says of its models in `/v1/models`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from router.names import is_speakable

_MAX_MODELS: Final = 2000
_MAX_ID: Final = 300
_MOST: Final = 1 << 40  # tokens


@dataclass(frozen=True, slots=True)
class Listing:
    """`models` in the server's order, each with its context in tokens where the server tells. `left_out`: rows
    that name no model, or one that could not be shown or asked for."""

    models: tuple[str, ...] = ()
    context_lengths: tuple[int | None, ...] = ()
    left_out: int = 0

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
    left_out = max(0, len(rows) - _MAX_MODELS)
    for row in rows[:_MAX_MODELS]:
        id_ = row.get("id") if isinstance(row, Mapping) else None
        if isinstance(id_, str) and 0 < len(id_) <= _MAX_ID and is_speakable(id_):
            found.setdefault(id_, _context(row))
        else:
            left_out += 1
    return Listing(tuple(found), tuple(found.values()), left_out)


def _context(row: Mapping[str, Any]) -> int | None:
    """hal0 and OpenRouter: context_length; vLLM: max_model_len; llama-server: meta.n_ctx, or what the model was
    trained for."""
    meta = row.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    told = (row.get("context_length"), row.get("max_model_len"), meta.get("n_ctx"), meta.get("n_ctx_train"))
    return next((n for n in told if isinstance(n, int) and not isinstance(n, bool) and 0 < n <= _MOST), None)
