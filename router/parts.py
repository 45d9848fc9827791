"""The parts of a running router, each made with what it needs."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping

from router.activity.activity import Activity
from router.activity.speeds import Speeds
from router.base.errors import UpstreamFailed
from router.base.paths import Paths
from router.base.resume import Resumed, ResumeWatch
from router.catalog.model import Model
from router.config.schema import Config, EngineConfig, ServerConfig, SlotConfig
from router.conversations.keeper import Conversations
from router.dispatch import Dispatcher
from router.engine.environment import secret_variables
from router.engine.launcher import Launcher
from router.engine.log import LogFiles
from router.engine.readiness import probe_session
from router.hub.downloads import Downloads
from router.hub.updates import UpdateWatch, how_to_update
from router.memory.admit.launch_forecasts import LaunchForecasts
from router.memory.forecast.forecaster import Forecaster
from router.memory.measure.history import MemoryHistory
from router.memory.measure.sources import find_source
from router.memory.system import MemorySystem
from router.power.awake import KeepAwake, find_inhibitor
from router.readahead.ahead import ReadAhead
from router.readahead.habits import HabitsFile
from router.readahead.idle import IdleReader
from router.reload.apply import Reconfigurer, SectionObserver
from router.reload.disk import Disk
from router.reload.in_effect import InEffect
from router.reload.published import PublishedModels
from router.reload.watch import LiveConfig
from router.remote.follow import Remotes
from router.server.listener import Listener
from router.server.request.context import Context
from router.server.request.engines import EngineConnections
from router.slots.selection import Selected, Selection, SelectionFile
from router.slots.supervisor import Supervisor
from router.state import StateStore, UpdateStatus
from router.upstreams.keys import KeyMissing, Keys
from router.upstreams.registry import UpstreamRegistry


class Parts:
    """Made on the router's loop; nothing runs yet, and nothing is set in a part once it is made.

    Two circles are real and are closed by a call through this object. The supervisor asks the memory gate, that
    may have the models published anew, and some of those only the supervisor knows. And an order that came in
    at the endpoint may move the endpoint.
    """

    def __init__(
        self,
        config: Config,
        disk: Disk,
        selection: SelectionFile,
        selected: Mapping[str, Selected],
        store: StateStore,
        paths: Paths,
        speeds: Speeds,
    ) -> None:
        """Make them for `config`, with the models that `disk` found. `selected`: what `selection` holds;
        `speeds`: what was measured before."""
        self._store = store
        self._paths = paths
        self._keys = Keys()
        self._in_effect = InEffect(config, disk.catalog)
        self.resume = ResumeWatch()
        self.selection = Selection(selection, selected, self._slots)
        self.connections = EngineConnections()
        self.upstreams = UpstreamRegistry(store, self._keys)
        self.remotes = Remotes(self.upstreams.remote_says, self._find_key)
        self.probes = probe_session()
        self.log_files = LogFiles(paths.logs)
        self.launcher = self._launcher(config.engine)
        self._forecaster = Forecaster(paths.cache, self.launcher)
        forecasts = LaunchForecasts(self._forecaster)
        models = PublishedModels(
            self._in_effect, store, forecasts, speeds, self._gone_models, self._models_told
        )
        self.memory = MemorySystem(forecasts, store, find_source(), models.all, models.publish)
        self.activity = Activity(paths.state / "activity.db", config.activity)
        self.awake = KeepAwake(
            store, find_inhibitor(), lambda: self._config().keep_awake, lambda: self.activity.open
        )
        self.activity.when_open(self.awake.look)
        self.conversations = Conversations(
            paths.state / "conversations",
            lambda: self._config().conversations,
            self.probes,
            lambda kept: store.update(kept=kept),
        )
        self.supervisor = Supervisor(
            store, self.launcher, self.log_files, self.memory.gate, self.conversations, self.resume.look
        )
        self.updates = UpdateWatch(store, self._config, paths, self._found_updates, how=how_to_update)
        self.reconfigurer = Reconfigurer(
            self._in_effect,
            models,
            self.selection.of,
            store,
            self.supervisor,
            (self.upstreams, self.remotes),
            self._another_launcher,
            self._listen,
            self._observers(),
        )
        self.live = LiveConfig(disk, store, self._in_effect, models, self.reconfigurer)
        self.downloads = Downloads(store, paths, self._config, self.live.models_changed, self.supervisor.load)
        self.read_ahead = ReadAhead(store, models.all, lambda: self._config().read_ahead.on_switch)
        habits = HabitsFile(paths.state / "habits.json")
        self.idle_reader = IdleReader(
            store, self.read_ahead, habits, lambda: self._config().read_ahead.when_idle
        )
        memory_history = MemoryHistory()
        self.dispatcher = Dispatcher(
            store,
            self.supervisor,
            self.remotes,
            self.live,
            self.downloads,
            self.updates,
            paths,
            self._config,
            self.read_ahead,
            self.conversations,
            self.activity,
            self.memory,
            self.upstreams,
            models,
            memory_history,
        )
        context = Context(
            store,
            self.supervisor,
            self.dispatcher,
            self.connections,
            self.upstreams,
            self.conversations,
            activity=self.activity,
            memory_history=memory_history,
        )
        self.activity.subscribe(context.decisions.add)
        context.admit(config.server)
        self.listener = Listener(config.server, context, paths.state, config.engine.ports)
        self.resume.subscribe(self._resumed)

    def _observers(self) -> list[SectionObserver]:
        """Return the parts that are told of changes in hal0.yaml; all others ask for it as they need it."""
        return [
            SectionObserver(lambda config: config.updates, lambda _: self.updates.again()),
            SectionObserver(lambda config: config.conversations, lambda _: self.conversations.changed()),
            SectionObserver(lambda config: config.activity, lambda config: self.activity.use(config.activity)),
            SectionObserver(lambda config: config.keep_awake, lambda _: self.awake.look()),
        ]

    def _config(self) -> Config:
        return self._in_effect.config

    def _slots(self) -> Mapping[str, SlotConfig]:
        return self._in_effect.config.slots

    def _hidden(self) -> Collection[str]:
        return secret_variables(self._in_effect.config, os.environ)

    def _launcher(self, engine: EngineConfig) -> Launcher:
        return Launcher(engine, self._paths, self.probes, self._hidden)

    def _another_launcher(self, engine: EngineConfig) -> Launcher:
        launcher = self._launcher(engine)
        self._forecaster.use_engine(launcher)
        return launcher

    def _gone_models(self) -> list[Model]:
        return self.supervisor.gone_models()

    def _models_told(self) -> None:
        self.supervisor.models_told()

    def _resumed(self, event: Resumed) -> None:
        self.supervisor.resumed(event)
        self.upstreams.resumed()
        self.remotes.resumed()
        self.downloads.resumed()

    async def _listen(self, server: ServerConfig) -> None:
        await self.listener.move(server)

    async def _find_key(self, written: str | None) -> str | None:
        try:
            return await self._keys.find(written)
        except KeyMissing as error:
            raise UpstreamFailed(f"No key: {error}.") from None

    def _found_updates(self, found: tuple[UpdateStatus, ...]) -> None:
        self._store.update(updates=found)
