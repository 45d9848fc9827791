"""A person's commands, wherever the slot is: `bigpc/primary` is the slot `primary` of another hal0."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.remote.follow import Remotes
    from router.remote.hal0 import RemoteHal0
    from router.server.context import Commands


class Orders:
    """Each returns when it has been carried out, here or there. Raises RouterError."""

    def __init__(self, here: Commands, remotes: Remotes | None = None) -> None:
        self._here = here
        self._remotes = remotes

    async def load(self, slot: str, model: str, force: bool = False) -> None:
        """`model`: an id, elsewhere also an alias. `force`: even if its memory is not there."""
        if there := self._find(slot):
            await there[0].load(there[1], model, force=force)
        else:
            await self._here.load(slot, model, force)

    async def unload(self, slot: str) -> None:
        if there := self._find(slot):
            await there[0].unload(there[1])
        else:
            await self._here.unload(slot)

    async def unload_all(self) -> None:
        """Everything on this computer; what others hold is theirs."""
        await self._here.unload_all()

    async def restart(self, slot: str) -> None:
        if there := self._find(slot):
            await there[0].restart(there[1])
        else:
            await self._here.restart(slot)

    async def cancel(self, slot: str) -> None:
        if there := self._find(slot):
            await there[0].cancel(there[1])
        else:
            await self._here.cancel(slot)

    async def cut(self, slot: str) -> None:
        """End the requests that its switch, or an engine that leaves, still waits for."""
        if there := self._find(slot):
            await there[0].cut(there[1])
        else:
            await self._here.cut(slot)

    async def wait(self, slot: str) -> None:
        """Wait for those requests, however long they take."""
        if there := self._find(slot):
            await there[0].wait(there[1])
        else:
            await self._here.wait(slot)

    async def logs(self, slot: str) -> list[str]:
        """The engine's last log lines, oldest first."""
        if there := self._find(slot):
            return await there[0].logs(there[1])
        return self._here.logs(slot)

    async def engine_command(self, slot: str) -> list[str]:
        """The slot's engine's command line, [] while none runs. Keys are never in it."""
        if there := self._find(slot):
            return await there[0].engine_command(there[1])
        engine = self._here.engine_of(slot)
        return list(engine.launch.argv) if engine else []

    def _find(self, slot: str) -> tuple[RemoteHal0, str] | None:
        return self._remotes.find(slot) if self._remotes is not None else None
