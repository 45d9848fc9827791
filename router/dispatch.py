"""Hands every order to the part that carries it out, here or in the other hal0 that has the slot."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from router.activity.activity import Activity
from router.activity.database import Query
from router.base.errors import BadRequest, ModelNotFound, SlotNotFound
from router.base.files import tail
from router.base.names import shown
from router.base.paths import Paths
from router.config.load_flags import read_load_flags
from router.config.problems import did_you_mean
from router.config.schema import Config
from router.conversations.keeper import Conversations
from router.engine.find import engine_problem
from router.hub.deletion import delete_model
from router.hub.downloads import Downloads
from router.hub.updates import UpdateWatch
from router.memory.measure.history import MemoryHistory
from router.memory.system import MemorySystem
from router.orders.kinds import (
    Cancel,
    CheckEngine,
    Cut,
    DeleteModel,
    Download,
    EditConfig,
    Forget,
    ForgetActivity,
    InstallEngine,
    Load,
    NoteSpeed,
    ReadActivity,
    ReadConfig,
    ReadEngineCommand,
    ReadEngineLog,
    ReadFitWays,
    ReadLog,
    ReadMemoryHistory,
    ReadOffer,
    Reload,
    Restart,
    SearchHub,
    SlotOrder,
    Unload,
    UnloadAll,
    WaitForRequests,
    Wake,
    Warm,
)
from router.orders.order import Order
from router.readahead.ahead import ReadAhead
from router.reload.published import PublishedModels
from router.reload.watch import LiveConfig
from router.remote.follow import Remotes
from router.remote.hal0 import RemoteHal0
from router.remote.names import all_slots
from router.resolve import model_called
from router.slots.one_load import LoadFlags
from router.slots.supervisor import Supervisor
from router.state import ModelStatus, StateStore
from router.upstreams.registry import UpstreamRegistry

R = TypeVar("R")


class Dispatcher:
    """Lives on the router's loop. The parts are those of `router.parts.Parts`."""

    def __init__(
        self,
        store: StateStore,
        supervisor: Supervisor,
        remotes: Remotes,
        live: LiveConfig,
        downloads: Downloads,
        updates: UpdateWatch,
        paths: Paths,
        config: Callable[[], Config],
        read_ahead: ReadAhead,
        conversations: Conversations,
        activity: Activity,
        memory: MemorySystem,
        upstreams: UpstreamRegistry,
        published: PublishedModels,
        memory_history: MemoryHistory,
    ) -> None:
        """`config`: the configuration in effect."""
        self._store = store
        self._supervisor = supervisor
        self._remotes = remotes
        self._live = live
        self._downloads = downloads
        self._updates = updates
        self._paths = paths
        self._config = config
        self._read_ahead = read_ahead
        self._conversations = conversations
        self._activity = activity
        self._memory = memory
        self._upstreams = upstreams
        self._published = published
        self._memory_history = memory_history

    async def carry_out(self, order: Order[R]) -> R:
        """Return when it is done. Raises RouterError."""
        if isinstance(order, SlotOrder) and (there := self._elsewhere(order.slot)):
            remote, slot = there
            done: R = await remote.carry_out(replace(order, slot=slot))
        else:
            done = await self._here(order)
        return done

    def _elsewhere(self, slot: str) -> tuple[RemoteHal0, str] | None:
        """Return the other hal0 that has the slot, and what it is called there; None for one of this
        computer."""
        try:
            there = self._remotes.find(slot)
        except SlotNotFound:
            raise self._no_slot(slot) from None
        if there is None and self._store.snapshot.slot(slot) is None:
            raise self._no_slot(slot)
        return there

    def _no_slot(self, slot: str) -> SlotNotFound:
        there = [hosted.slot.name for hosted in all_slots(self._store.snapshot)]
        names, hint = ", ".join(there) or "none", did_you_mean(slot, there)
        return SlotNotFound(f'There is no slot "{shown(slot)}"; there are: {names}.{hint}')

    async def _here(self, order: Order[Any]) -> Any:
        slots = self._supervisor
        match order:
            case Load(slot, model, force=force, flags=flags):
                given = _load_flags(flags)
                return await slots.load(slot, self._model_id(model), force=force, flags=given)
            case Wake(upstream):
                return await self._upstreams.wake(upstream)
            case Warm(_, model):
                return self._read_ahead.hint(self._model_id(model))
            case Unload(slot):
                return await slots.unload(slot)
            case UnloadAll():
                return await slots.unload_all()
            case Restart(slot):
                return await slots.restart(slot)
            case Cancel(slot):
                return await slots.cancel(slot)
            case Cut(slot):
                return await slots.cut(slot)
            case WaitForRequests(slot):
                return await slots.wait(slot)
            case ReadEngineLog(slot):
                return slots.logs(slot)
            case ReadEngineCommand(slot):
                return list(engine.launch.argv) if (engine := slots.engine_of(slot)) else []
            case ReadLog():
                return await asyncio.to_thread(tail, self._paths.logs / "hal0.log")
            case ReadMemoryHistory():
                return self._memory_history.held()
            case ReadActivity():
                asked = Query(
                    slot=order.slot or None,
                    failed=order.failed,
                    since=order.since,
                    before=order.before,
                    limit=order.limit or 100,
                )
                return await self._activity.listing(asked)
            case ForgetActivity():
                return await self._activity.clear()
            case ReadConfig():
                return await self._live.read_config()
            case EditConfig(changes):
                await self._live.edit_config(changes)
                return await self._live.read_config()
            case Reload():
                return await self._live.reload()
            case Forget(model):
                return await self._conversations.forget(self._model_id(model) if model else None)
            case NoteSpeed(model, reads, writes):
                return await self._published.note_speed(self._model_id(model), reads, writes)
            case ReadFitWays(model, slot):
                return await self._memory.ways(slot, self._model_id(model), self._supervisor.occupants)
            case CheckEngine():
                return await asyncio.to_thread(engine_problem, self._config().engine, self._paths)
            case InstallEngine():
                return await self._install_engine(order)
            case ReadOffer(reference):
                return await self._downloads.offer(reference)
            case SearchHub(words):
                return await self._downloads.search(words)
            case Download(step, reference, slot):
                if slot and self._store.snapshot.slot(slot) is None:
                    raise self._no_slot(slot)
                return await self._downloads.order(step, reference, slot)
            case DeleteModel(model):
                return await self._delete(self._model(model))
        raise AssertionError(f"an order that nobody carries out: {order}")

    def _model_id(self, name: str) -> str:
        return self._model(name).id

    def _model(self, name: str) -> ModelStatus:
        """Return the model a person called `name`, which may be an alias."""
        snapshot = self._store.snapshot
        if (known := model_called(name, snapshot)) is not None:
            return known
        hint = did_you_mean(name, [there.id for there in snapshot.models])
        where = "see GET /v1/models for all ids, `hal0 model search` for more"
        raise ModelNotFound(f'There is no model "{shown(name)}"; {where}.{hint}', param="model")

    async def _delete(self, model: ModelStatus) -> str:
        reference = await delete_model(model, self._store, self._paths)
        self._downloads.put_away(reference)
        await self._live.models_changed()
        return reference

    async def _install_engine(self, order: InstallEngine) -> str:
        from router.engine.install import install_engine  # rarely needed, and 20 ms of every start

        version = (await install_engine(self._paths, on_progress=order.on_progress)).version
        self._updates.again()
        return version


def _load_flags(written: Sequence[str]) -> LoadFlags:
    try:
        return read_load_flags(written)
    except ValueError as error:
        raise BadRequest(f"The model was not loaded: {error}.", param="flags") from None
