"""What the desktop may ask of the router: snapshots in, commands out. In-process today, over HTTP later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from router.state import Snapshot


class Link(Protocol):
    """The only way the UI touches the router.

    Commands return when the router has carried them out and raise `router.errors.RouterError` with a
    sentence for people otherwise. `slot` and `model` are the names and ids found in the snapshot.
    """

    @property
    def snapshot(self) -> Snapshot: ...

    def subscribe(self, observer: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Call `observer`, on any thread, after each change; returns the function that ends it."""
        ...

    async def load(self, slot: str, model: str) -> None: ...

    async def unload(self, slot: str) -> None: ...

    async def unload_all(self) -> None: ...

    async def restart(self, slot: str) -> None: ...

    async def cancel(self, slot: str) -> None: ...

    async def logs(self, slot: str) -> list[str]:
        """The engine's last log lines, oldest first."""
        ...
