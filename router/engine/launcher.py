"""From a model to a checked command line, and from there to a ready engine."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import aiohttp

from router.base.errors import BadModel
from router.base.paths import Paths
from router.base.tasks import spawn
from router.catalog.model import LaunchKey, Model
from router.config.schema import EngineConfig
from router.engine.command import build_command, build_stop, check_command, check_files, check_program
from router.engine.environment import engine_environment, variables_of, with_variables
from router.engine.find import find_engine
from router.engine.log import EngineLog
from router.engine.options import EngineOptions, read_options
from router.engine.orphans import Orphans
from router.engine.ports import PortPool
from router.engine.process import EngineProcess, Launch
from router.engine.readiness import OnProgress, Readiness, answers


class Launcher:
    """Knows how to run models on this computer; holds no slot's state."""

    def __init__(
        self,
        config: EngineConfig,
        paths: Paths,
        http: aiohttp.ClientSession,
        hidden: Callable[[], Collection[str]] = tuple,
    ) -> None:
        """`hidden`: the environment variables that no engine gets (router.engine.environment)."""
        self._config = config
        self._hidden = hidden
        self._paths = paths
        self._http = http
        self._ports = PortPool(config.ports)
        self._orphans = Orphans(paths.state / "engines.json")
        self._noting: dict[int, asyncio.Task[None]] = {}
        self._checked: set[tuple[EngineOptions, tuple[str, ...], LaunchKey]] = set()

    async def reap_orphans(self) -> None:
        await asyncio.to_thread(self._orphans.reap)

    async def check(self, model: Model) -> None:
        """Raise BadModel or EngineMissing if `model` cannot be launched. Touches nothing that runs."""
        if model.problem:
            raise BadModel(model.problem)
        if model.file is not None and not await asyncio.to_thread(model.file.is_file):
            raise BadModel(f'Model "{model.id}" cannot start: its file {model.file} is gone; put it back.')
        if model.command is not None:
            program = build_command(model, EngineOptions(()), Path(), port=0)[0]
            await asyncio.to_thread(check_program, program, model_id=model.id)
            variables_of(model, os.environ)
            return
        await asyncio.to_thread(check_files, model)
        executable, options = await self._engine()
        argv = build_command(model, options, executable, port=0)
        # One file's options are one object; what that llama-server has accepted it accepts again.
        environment = self._environment(model)
        if (checked := (options, tuple(argv), model.launch_key)) not in self._checked:
            await check_command(argv, environment, model_id=model.id)
            self._checked.add(checked)

    async def launch(self, model: Model, log: EngineLog, taken: Collection[int] = ()) -> EngineProcess:
        """Spawn an engine for `model`, as it says; `taken`: ports that other engines have.

        Raises RouterError; returns before it is ready.
        """
        engine = EngineProcess(await self._prepare(model, taken), log)
        await engine.start()
        if engine.pid is not None:  # on disk in a few milliseconds; the engine loads meanwhile
            noting = asyncio.to_thread(self._orphans.note, engine.pid)
            self._noting[engine.pid] = spawn(noting, name=f"note engine {engine.pid}")
        return engine

    async def dry_run(self, model: Model) -> tuple[list[str], dict[str, str]] | None:
        """Return command line and environment that make llama-server tell what `model` takes (see `DryRunner`).

        None for one too old to tell. Raises BadModel and EngineMissing.
        """
        program, options = await self._engine()
        if model.command is not None or not options.has("log-jsonl") or not options.has("fit"):
            return None
        argv = build_command(model, options, program, port=0, log_jsonl=True)
        # It tells as part of fitting, also if the model's flags say not to fit: the last of two counts. What a
        # projector takes is told among details.
        more = ["--verbosity", "4"] if "mmproj" in model.flags and options.has("verbosity") else []
        return [*argv, *more, "--fit", "on"], self._environment(model, child_mode=False)

    async def ready(self, engine: EngineProcess, on_progress: OnProgress) -> int | None:
        """Wait until it serves; return its context length in tokens. Raises EngineFailed."""
        return await Readiness(engine, self._http, on_progress).wait()

    async def answers(self, engine: EngineProcess) -> bool:
        """Return whether a ready engine still answers, or has ended meanwhile; takes `ASK_TRIES` looks."""
        return await answers(engine, self._http)

    async def stop(self, engine: EngineProcess) -> None:
        """Stop and reap it."""
        await engine.stop()
        if engine.pid is not None:
            spawn(self._forget(engine.pid), name=f"forget engine {engine.pid}")

    async def _forget(self, pid: int) -> None:
        if (noting := self._noting.pop(pid, None)) is not None:
            await asyncio.wait([noting])
        await asyncio.to_thread(self._orphans.forget, pid)

    async def _prepare(self, model: Model, taken: Collection[int]) -> Launch:
        port = self._ports.take(taken)
        if model.command is not None:
            return Launch(
                argv=build_command(model, EngineOptions(()), Path(), port),
                environment=with_variables(
                    _plain_environment(os.environ, self._hidden()), variables_of(model, os.environ)
                ),
                port=port,
                child_mode=False,
                health=model.health,
                stop=build_stop(model, port),
            )
        program, options = await self._engine()
        key = secrets.token_urlsafe(24)
        return Launch(
            argv=build_command(model, options, program, port),
            environment=self._environment(model, key),
            port=port,
            api_key=key,
            file_size=model.size_bytes or 0,
        )

    async def _engine(self) -> tuple[Path, EngineOptions]:
        """Return the llama-server to run, and what it understands."""
        build = await asyncio.to_thread(find_engine, self._config, self._paths)
        return build.path, await read_options(build.path)

    def _environment(self, model: Model, key: str = "", *, child_mode: bool = True) -> dict[str, str]:
        return engine_environment(
            os.environ,
            api_key=key,
            private_config=self._private_config(),
            child_mode=child_mode,
            hidden=self._hidden(),
            more=variables_of(model, os.environ),
        )

    def _private_config(self) -> Path:
        return self._paths.cache / "engine-config"


def _plain_environment(base: Mapping[str, str], hidden: Collection[str]) -> dict[str, str]:
    """Return the environment for other programs than llama-server: the person's environment without hal0's own
    variables."""
    return {name: value for name, value in base.items() if not name.startswith("HAL0_") and name not in hidden}
