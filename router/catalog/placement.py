"""On which GPUs an engine runs, and how a model is divided among them, where a person has not said. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VISIBLE: Final = "CUDA_VISIBLE_DEVICES"
"""Which GPUs CUDA shows a program, by UUID (CUDA C++ Programming Guide, environment variables)."""

BY_HAND_FLAGS: Final = frozenset(
    {
        *("device", "tensor-split", "main-gpu", "split-mode", "override-tensor", "rpc"),
        # These name GPUs by the engine's numbers, which are others where it sees fewer.
        *("mmproj-device", "spec-draft-device", "spec-draft-override-tensor"),
    }
)
_FOR_EACH_GPU: Final = "fit-target"
"""One value holds for all GPUs; several are for the first, the second and so on."""

BY_HAND_VARIABLES: Final = frozenset(
    {VISIBLE, "CUDA_DEVICE_ORDER", "NVIDIA_VISIBLE_DEVICES", "MTMD_BACKEND_DEVICE"}
)
"""By these a person has said where models go."""

_OF_IMAGES: Final = ("NVIDIA_VISIBLE_DEVICES", "all")
"""NVIDIA's container images set this for every program; nobody has said anything by it."""


def placed_by_flags(flags: Mapping[str, str | bool]) -> bool:
    """Return whether flags, by their long names, say on which GPUs a model runs."""
    return bool(BY_HAND_FLAGS & flags.keys()) or "," in str(flags.get(_FOR_EACH_GPU, ""))


def placed_by_variables(variables: Mapping[str, str]) -> bool:
    """Return whether environment variables do; capitals make no difference, as on Windows."""
    return any(
        name.upper() in BY_HAND_VARIABLES and (name, value) != _OF_IMAGES for name, value in variables.items()
    )


@dataclass(frozen=True, slots=True)
class Placement:
    """`gpus`: the UUIDs that the engine sees, in its order. `layers`: how many of the model each of them gets,
    empty for a whole model on one."""

    gpus: tuple[str, ...]
    layers: tuple[int, ...] = ()

    @property
    def flags(self) -> Mapping[str, str]:
        """llama-server's flags for it; none for one GPU, as the engine sees no other."""
        if not self.layers:
            return {}
        most = self.layers.index(max(self.layers))
        split = ",".join(str(count) for count in self.layers)
        return {"split-mode": "layer", "tensor-split": split, "main-gpu": str(most)}

    @property
    def variables(self) -> Mapping[str, str]:
        return {VISIBLE: ",".join(self.gpus)}
