"""Row 45: after each kind of failure only what can help is offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.views.remedy import Help, Offers, offers_for
from router.config.schema import Kind
from router.state import DeviceMemory, ModelStatus, SlotError, Snapshot

GB = 1 << 30
MODEL = ModelStatus("m", "M", Kind.CHAT, file="/models/m.gguf", size_bytes=4 * GB, context_trained=8192)
GPU = DeviceMemory("GPU", True, 24 * GB, 0)
RAM = DeviceMemory("RAM", False, 32 * GB, 0)
TRUNCATED = replace(MODEL, problem="/models/m.gguf is truncated: it ended at byte 7. Download it again.")
GONE = replace(MODEL, file=None, problem="The file m.gguf was not found; looked for /models/m.gguf.")


def failure(code: str, *remedy: str) -> SlotError:
    return SlotError(code, "It failed.", "m", 0.0, remedy)


@pytest.mark.parametrize(
    ("error", "model", "memory", "wanted"),
    [
        (failure("engine.failed"), MODEL, GPU, Offers(retry=True)),
        (failure("slot.aborted"), MODEL, GPU, Offers(retry=True)),
        (failure("engine.not_installed"), MODEL, GPU, Offers(help=Help.INSTALL)),
        (failure("model.invalid"), TRUNCATED, GPU, Offers(help=Help.SHOW_FILE)),
        (failure("engine.failed"), TRUNCATED, GPU, Offers(help=Help.SHOW_FILE)),
        (failure("model.invalid"), GONE, GPU, Offers(help=Help.SETTINGS)),
        (failure("model.invalid"), MODEL, GPU, Offers(help=Help.SETTINGS)),  # a flag nobody knows
        (failure("upstream.local_only"), MODEL, GPU, Offers(help=Help.SETTINGS)),
        (failure("memory.insufficient"), MODEL, GPU, Offers(retry=True, force=True)),
        (
            failure("memory.insufficient", "ctx-size=4096"),
            replace(MODEL, needs=30 * GB),
            GPU,
            Offers(retry=True, force=True, flags=("ctx-size=4096",)),
        ),
        (failure("memory.insufficient"), replace(MODEL, needs=2017 * GB), GPU, Offers()),
        (failure("memory.insufficient"), replace(MODEL, needs=2017 * GB), RAM, Offers()),
        (failure("memory.insufficient"), replace(MODEL, needs=33 * GB), RAM, Offers()),
        (failure("memory.insufficient"), replace(MODEL, needs=55 * GB), GPU, Offers(retry=True, force=True)),
        (failure("memory.insufficient", "ctx-size=976896"), replace(MODEL, needs=2017 * GB), GPU, Offers()),
        (
            failure("memory.insufficient", "ctx-size=976896", "cache-type-k=q8_0"),
            MODEL,
            GPU,
            Offers(retry=True, force=True, flags=("cache-type-k=q8_0",)),
        ),
        (
            failure("memory.insufficient", "ctx-size=976896"),
            replace(MODEL, context_trained=None),
            GPU,
            Offers(retry=True, force=True, flags=("ctx-size=976896",)),
        ),
    ],
)
def test_what_is_offered(error: SlotError, model: ModelStatus, memory: DeviceMemory, wanted: Offers) -> None:
    """Row 45."""
    assert offers_for(error, Snapshot(models=(model,), memory=(memory,)), ram=32 * GB) == wanted


def test_without_the_figures_nothing_is_ruled_out() -> None:
    unknown = Snapshot(models=(replace(MODEL, needs=2017 * GB),), memory=(GPU,))
    assert offers_for(failure("memory.insufficient"), unknown) == Offers(retry=True, force=True)
    assert offers_for(failure("memory.insufficient"), Snapshot()) == Offers(retry=True, force=True)
