"""What the desktop has of the router: snapshots in, orders out. In-process or over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from router.orders.order import TakesOrders
from router.state import Snapshot


@dataclass(frozen=True, slots=True)
class Attached:
    """The router is another process's, and goes on without the desktop. `pid` is that process, None where it is
    not known; `lost`: there is no contact with it."""

    url: str
    pid: int | None = None
    lost: bool = False


class Link(TakesOrders, Protocol):
    """The only way the UI touches the router. Orders may be given from any loop of this process."""

    @property
    def snapshot(self) -> Snapshot: ...

    @property
    def attached(self) -> Attached | None:
        """Whose router it is; None: it lives and ends with the desktop. Changes only with the snapshot."""
        ...

    def subscribe(self, observer: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Call `observer`, on any thread, after each change; returns the function that ends it."""
        ...
