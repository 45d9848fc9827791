"""What a seat tells of its slot beyond what the scheduler knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from router.base.errors import EngineFailed, MemoryInsufficient, RouterError
from router.catalog.model import Model
from router.config.schema import Kind, LimitsConfig, SlotConfig
from router.slots.effects import CheckModel
from router.slots.seat import Seat


def failed(error: RouterError) -> Seat:
    """A seat whose model "big" was found not to be launchable."""
    seat = Seat.make(SlotConfig("primary"), LimitsConfig(), {}, None)
    (asked,) = seat.scheduler.load(1, "big", 0.0)
    assert isinstance(asked, CheckModel)
    seat.scheduler.check_failed(asked.check, error, 0.0)
    return seat


@pytest.mark.parametrize(
    ("suggestion", "remedy"),
    [
        ({"ctx_size": 32768, "cache_type": "q8_0"}, ("ctx-size=32768",)),
        ({"ctx_size": None, "cache_type": "q8_0"}, ("cache-type-k=q8_0", "cache-type-v=q8_0")),
        ({"ctx_size": None, "cache_type": None}, ()),
        (None, ()),
    ],
)
def test_what_would_have_fitted_is_told_as_flags(
    suggestion: dict[str, Any] | None, remedy: tuple[str, ...]
) -> None:
    details = {} if suggestion is None else {"suggestion": suggestion}
    seat = failed(MemoryInsufficient("It does not fit.", details=details))
    error = seat.status().last_error
    assert error is not None
    assert (error.code, error.model, error.remedy) == ("memory.insufficient", "big", remedy)
    assert seat.status().last_error is error, "the same error keeps its time"


def test_other_errors_have_no_remedy() -> None:
    error = failed(EngineFailed("It broke.")).status().last_error
    assert error is not None and error.remedy == ()


@pytest.mark.parametrize(
    ("file", "flags", "limit", "at_once"),
    [
        (Path("/m.gguf"), {"parallel": "4"}, 0, 4),
        (Path("/m.gguf"), {"parallel": "4"}, 2, 2),
        (Path("/m.gguf"), {"parallel": "4"}, 9, 4),
        (None, {}, 3, 3),
        (None, {}, 0, None),
    ],
)
def test_how_many_are_answered_at_once(
    file: Path | None, flags: dict[str, str], limit: int, at_once: int | None
) -> None:
    """By the engine, or as many as hal0.yaml lets it."""
    command = None if file else "vllm {port}"
    model = Model("m", Kind.CHAT, "m", file=file, command=command, flags=flags, limit=limit)
    seat = Seat.make(SlotConfig("primary"), LimitsConfig(), {"m": model}, "m")
    assert seat.status().parallel == at_once
