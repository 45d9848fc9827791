"""What the desktop may ask of the router: snapshots in, commands out. In-process or over HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from router.config.change import ConfigChange, ConfigDocument
from router.state import DownloadOrder, Snapshot

if TYPE_CHECKING:
    from router.engine.find import EngineProblem
    from router.engine.install import OnProgress
    from router.wire.offer import Offer


@dataclass(frozen=True, slots=True)
class Attached:
    """The router is another process's, and goes on without the desktop. `pid` is that process, None where it is
    not known; `lost`: there is no contact with it."""

    url: str
    pid: int | None = None
    lost: bool = False


class Commands(Protocol):
    """What a person may order. Commands return when the router has carried them out, and raise
    `router.errors.RouterError` with a sentence for people otherwise. `slot` and `model` are the names and ids
    found in the snapshot.
    """

    async def load(self, slot: str, model: str, *, force: bool = False) -> None:
        """Put `model` into `slot`. `force`: whatever the memory's arithmetic says."""
        ...

    async def unload(self, slot: str) -> None: ...

    async def unload_all(self) -> None: ...

    async def restart(self, slot: str) -> None: ...

    async def cancel(self, slot: str) -> None: ...

    async def cut(self, slot: str) -> None:
        """End the requests that a switch, or an engine that leaves, still waits for (`SlotStatus.draining`)."""
        ...

    async def wait(self, slot: str) -> None:
        """Wait for those requests, however long they take."""
        ...

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

    async def engine_problem(self) -> EngineProblem | None:
        """What keeps llama-server from running; None where one can be run."""
        ...

    async def install_engine(self, on_progress: OnProgress) -> str:
        """Fetch a llama-server and return its version. `on_progress` is called on any thread.

        Raises InstallFailed; cancelling leaves nothing half-made behind.
        """
        ...

    async def offer(self, reference: str) -> Offer:
        """What a repository on Hugging Face has, with sizes and what would fit; nothing is fetched."""
        ...

    async def download(self, order: DownloadOrder, reference: str) -> None:
        """Carry out `order`; what comes of it is in the snapshot's `downloads`."""
        ...


class Link(Commands, Protocol):
    """The only way the UI touches the router."""

    @property
    def snapshot(self) -> Snapshot: ...

    @property
    def attached(self) -> Attached | None:
        """Whose router it is; None: it lives and ends with the desktop. Changes only with the snapshot."""
        ...

    def subscribe(self, observer: Callable[[Snapshot], None]) -> Callable[[], None]:
        """Call `observer`, on any thread, after each change; returns the function that ends it."""
        ...
