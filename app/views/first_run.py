"""Pure: what the first page says about this computer."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.texts import common as text
from app.texts import window as text_window
from app.views.connect import chat_slots
from router.base.paths import STARTER
from router.config.sizes import memory_size
from router.state import DeviceMemory, ModelStatus, ServerState, SlotStatus, Snapshot

DEMO = "hal0-demo"
"""The id of the built-in model (`resources.demo_model`)."""

BROUGHT = (STARTER, DEMO)
"""The ids of the models that come with hal0: they answer until there is one of the person's own."""


def without_demo_speed(slot: SlotStatus) -> SlotStatus:
    """Leave out how fast the demo "answers": it is no measure of this computer."""
    return replace(slot, tokens_per_second=None) if slot.serving == DEMO else slot


@dataclass(frozen=True, slots=True)
class FirstLook:
    """`slot` is what the test asks, "" where no slot is for chats. `starter`: it is offered, as nothing here
    really answers yet."""

    gpu: str
    models: str
    endpoint: str
    slot: str
    starter: bool = False


def first_look(snapshot: Snapshot, *, engine_missing: bool = False) -> FirstLook:
    """`engine_missing`: no llama-server runs here, so that not even the demo can answer."""
    slots = chat_slots(snapshot)
    running = snapshot.server.state is ServerState.RUNNING
    return FirstLook(
        gpu=_gpu(snapshot.memory),
        models=_models(snapshot, engine_missing),
        endpoint=text.endpoint(snapshot.server),
        slot=slots[0].name if slots else "",
        starter=running and not _persons(snapshot) and not _starter(snapshot),
    )


def _gpu(memory: tuple[DeviceMemory, ...]) -> str:
    gpus = [device for device in memory if device.is_gpu]
    if gpus:
        return text_window.gpu_found(", ".join(gpu.name for gpu in gpus), sum(gpu.total for gpu in gpus))
    if memory:
        return text_window.GPU_NONE.format(total=memory_size(sum(device.total for device in memory)))
    return text_window.GPU_SEARCH


def _models(snapshot: Snapshot, engine_missing: bool) -> str:
    if found := _persons(snapshot):
        return text_window.models_found(found)
    if _starter(snapshot) and not engine_missing:
        return text_window.MODELS_STARTER
    if all(snapshot.model(brought) is None for brought in BROUGHT):
        return text_window.MODELS_NONE
    return text_window.MODELS_NO_ENGINE if engine_missing else text_window.MODELS_DEMO


def _persons(snapshot: Snapshot) -> tuple[ModelStatus, ...]:
    return tuple(model for model in snapshot.models if model.id not in BROUGHT and model.problem is None)


def _starter(snapshot: Snapshot) -> bool:
    return snapshot.model(STARTER) is not None
