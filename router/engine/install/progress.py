"""How far an install is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """`step` is a phrase for people; bytes are of the current download, None where they are not known."""

    step: str
    done_bytes: int | None = None
    total_bytes: int | None = None


OnProgress = Callable[[InstallProgress], None]
