"""What a seat tells of its slot beyond what the scheduler knows."""

from __future__ import annotations

from typing import Any

import pytest

from router.base.errors import EngineFailed, MemoryInsufficient, RouterError
from router.config.schema import LimitsConfig, SlotConfig
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
