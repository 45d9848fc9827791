"""What a repository on Hugging Face offers, before anything of it is fetched (GET /api/hub/plan)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from router.wire.plain import read


@dataclass(frozen=True, slots=True)
class OfferedFit:
    """Whether a model would go into memory now. `fits`: "fits", "tight" or "short"; `margin`: bytes that would
    be left, or are missing. `needs`: bytes with `context` tokens, the most that fit of the `context_trained`.
    `free` and `total`: what there is; `held`: bytes of `free` that slots hold now, and would give back."""

    needs: int
    context: int
    context_trained: int
    free: int
    total: int
    is_gpu: bool
    fits: str
    margin: int
    held: int = 0


@dataclass(frozen=True, slots=True)
class OfferedModel:
    """One model of the repository; `reference` ("org/repo:Q4_K_M") is what fetches it.

    Attributes:
        label: its quantisation, or its name where that is not told.
        files: how many, with all shards and, if `has_projector`, the mmproj.
        total_bytes: of all of them.
        done_bytes: what an earlier try brought.
        here: the model's file if hal0 has fetched it before.
        room: None where the file's header does not tell.
    """

    reference: str
    label: str
    files: int
    total_bytes: int
    has_projector: bool = False
    done_bytes: int = 0
    here: str | None = None
    room: OfferedFit | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """`models`, smallest first. `chosen`: the reference of the one that was asked for, or that hal0 would take;
    None where the repository has several models and nobody said which. `disk_free`: bytes of the disk with
    `folder`, where models are put. `warning`: why llama-server may not be able to run it."""

    repo: str
    models: tuple[OfferedModel, ...]
    chosen: str | None
    folder: str
    disk_free: int
    warning: str | None = None


def offer_json(offer: Offer) -> dict[str, Any]:
    return asdict(offer)


def parse_offer(told: Any) -> Offer:
    """The way back. Raises router.wire.plain.NotPlain."""
    return read(Offer, told)
