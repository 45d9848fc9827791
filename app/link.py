"""What the desktop may ask of the router: snapshots in, commands out. In-process today, over HTTP later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from router.config.change import ConfigChange, ConfigDocument
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

    async def router_log(self) -> list[str]:
        """hal0's own last log lines, oldest first; secrets are never in it."""
        ...

    async def engine_command(self, slot: str) -> list[str]:
        """The exact command line of the slot's engine; [] while none runs."""
        ...

    async def read_config(self) -> ConfigDocument:
        """hal0.yaml as it is now."""
        ...

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        """Change hal0.yaml, keeping its comments and order, and apply what changed.

        Raises ConfigErrors, with nothing written, if the result would not be valid.
        """
        ...
