"""Commands that are passed on to somebody else, who may live on another thread or be replaced meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from app.link import Commands
from router.config.change import ConfigChange, ConfigDocument
from router.state import DownloadOrder

if TYPE_CHECKING:
    from router.engine.find import EngineProblem
    from router.engine.install import OnProgress
    from router.wire.offer import Offer

T = TypeVar("T")
Command = Callable[[Commands], Coroutine[Any, Any, T]]


class PassedOn:
    """`app.link.Commands`, each by `_call`."""

    async def _call(self, command: Command[T]) -> T:
        """Have `command` carried out by whoever does it now."""
        raise NotImplementedError

    async def load(self, slot: str, model: str, *, force: bool = False) -> None:
        await self._call(lambda to: to.load(slot, model, force=force))

    async def unload(self, slot: str) -> None:
        await self._call(lambda to: to.unload(slot))

    async def unload_all(self) -> None:
        await self._call(lambda to: to.unload_all())

    async def restart(self, slot: str) -> None:
        await self._call(lambda to: to.restart(slot))

    async def cancel(self, slot: str) -> None:
        await self._call(lambda to: to.cancel(slot))

    async def cut(self, slot: str) -> None:
        await self._call(lambda to: to.cut(slot))

    async def wait(self, slot: str) -> None:
        await self._call(lambda to: to.wait(slot))

    async def logs(self, slot: str) -> list[str]:
        return await self._call(lambda to: to.logs(slot))

    async def router_log(self) -> list[str]:
        return await self._call(lambda to: to.router_log())

    async def engine_command(self, slot: str) -> list[str]:
        return await self._call(lambda to: to.engine_command(slot))

    async def read_config(self) -> ConfigDocument:
        return await self._call(lambda to: to.read_config())

    async def edit_config(self, changes: Sequence[ConfigChange]) -> None:
        await self._call(lambda to: to.edit_config(changes))

    async def engine_problem(self) -> EngineProblem | None:
        return await self._call(lambda to: to.engine_problem())

    async def install_engine(self, on_progress: OnProgress) -> str:
        return await self._call(lambda to: to.install_engine(on_progress))

    async def offer(self, reference: str) -> Offer:
        return await self._call(lambda to: to.offer(reference))

    async def download(self, order: DownloadOrder, reference: str) -> None:
        await self._call(lambda to: to.download(order, reference))
