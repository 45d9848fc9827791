"""The garbage collector, told what stays: it looks through the whole program again and again, for nothing."""

from __future__ import annotations

import gc
from typing import Final

YOUNG: Final = 10_000
"""Objects more than there were, from which it looks for garbage. A few requests at once are more than Python's
own 700; none of them leaves any that it would find (benchmarks/README.md)."""


def settle_heap() -> None:
    """Call once all is made and running: what there is now is never looked through again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
