"""One engine process, from spawn to reaped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from router.base.errors import EngineFailed, PortTaken
from router.base.tasks import spawn
from router.engine.child import EXIT_ORDER, ChildState, parse_child_line
from router.engine.explain import exit_sentence, is_of_a_port
from router.engine.log import EngineLog
from router.platforms import current as platform

_MAX_LINE = 16 * 1024
_READ_SIZE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything needed to start one engine.

    Attributes:
        argv: program and arguments; never through a shell.
        environment: the whole environment, with the API key (`LLAMA_API_KEY`).
        port: on 127.0.0.1, free a moment ago.
        api_key: what the engine asks for; "" for programs that know none.
        child_mode: whether llama-server's child protocol is spoken (router.engine.child).
        health: path that answers 200 when the engine is ready.
        stop: program and arguments that end it, with its process id for `{pid}`; empty: only signals do.
        file_size: bytes of the model, to estimate progress; 0 if unknown.
    """

    argv: list[str]
    environment: Mapping[str, str] = field(repr=False)
    port: int
    api_key: str = field(default="", repr=False)
    child_mode: bool = True
    health: str = "/health"
    file_size: int = 0
    folder: Path | None = None
    stop: list[str] = field(default_factory=list)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass(frozen=True, slots=True)
class StopGrace:
    """Seconds each rung of the stop ladder is given (one SIGTERM can deadlock llama-server).

    `command`: what `Launch.stop` and the engine take together. `kill`: what a driver may take to give the
    memory of a killed process back.
    """

    command: float = 15.0
    order: float = 3.0
    terminate: float = 2.0
    again: float = 3.0
    kill: float = 30.0


class EngineProcess:
    """A running engine. Start it once; stop it once; it is reaped in every case.

    Attributes:
        pid: its process id, None before `start`.
        exited: resolves to the exit code (negative: killed by that signal) once it is reaped.
        child_state: the newest state of the child protocol, None while it has not spoken.
        changed: set when `child_state` changes and when it exits.
    """

    def __init__(self, launch: Launch, log: EngineLog, grace: StopGrace | None = None) -> None:
        self.launch = launch
        self.log = log
        self.pid: int | None = None
        self.exited: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.child_state: ChildState | None = None
        self.changed = asyncio.Event()
        self._grace = grace or StopGrace()
        self._process: asyncio.subprocess.Process | None = None
        self._killed_for: str | None = None

    async def start(self) -> None:
        """Spawn it. Raises EngineFailed if the program cannot be run at all."""
        loop = asyncio.get_running_loop()
        try:
            transport, protocol = await loop.subprocess_exec(
                _Protocol,
                *self.launch.argv,
                env=dict(self.launch.environment),
                cwd=self.launch.folder,
                **platform.spawn_options(),
            )
        except OSError as error:
            raise EngineFailed(
                f"{self.launch.argv[0]} could not be started: {error.strerror or error}; check its path."
            ) from error
        process = asyncio.subprocess.Process(transport, protocol, loop)
        self._process, self.pid = process, process.pid
        spawn(self._watch(process, transport, protocol.ended), name=f"engine {process.pid}")
        platform.adopt(process.pid)

    def failure(self) -> EngineFailed:
        """Return why it ended by itself, in its own words."""
        code = self.exited.result() if self.exited.done() else None
        if self._killed_for is not None:
            return EngineFailed(f"The engine was ended: {self._killed_for}.", details={"exit_code": code})
        killed = code in (-9, -15)
        explanation = self.log.explanation(killed=killed)
        sentence = exit_sentence(code, explanation, ready=self.log.ready)
        lost_port = not self.log.ready and explanation is not None and is_of_a_port(explanation)
        return (PortTaken if lost_port else EngineFailed)(sentence, details={"exit_code": code})

    async def stop(self) -> None:
        """Climb the stop ladder until it is gone, with every process it started.

        Raises EngineFailed for one that even a kill does not end: a process stuck in a driver's call.
        """
        process = self._process
        if process is None:
            return
        if self.launch.stop and not self.exited.done():
            await self._run_stop(process.pid)
        for rung, grace in self._ladder(process):
            if self.exited.done():
                break
            rung()
            await asyncio.wait([self.exited], timeout=grace)
        if not self.exited.done():
            raise EngineFailed(
                f"The engine (process {process.pid}) could not be ended, not even by killing it, and holds its "
                "memory; restart the computer if it stays.",
                details={"pid": process.pid},
            )

    async def _run_stop(self, pid: int) -> None:
        """Have the engine's own command end it, and wait for that; how it fared shows in the engine alone."""
        argv = [part.replace("{pid}", str(pid)) for part in self.launch.stop]
        nothing = asyncio.subprocess.DEVNULL
        try:
            order = await asyncio.create_subprocess_exec(
                *argv, env=dict(self.launch.environment), stdin=nothing, stdout=nothing, stderr=nothing
            )
        except OSError as error:
            self.log.add(f"{argv[0]}, which is to stop it, could not be started: {error.strerror or error}")
            return
        try:
            await asyncio.wait([self.exited], timeout=self._grace.command)
        finally:
            if order.returncode is None:
                with suppress(ProcessLookupError):
                    order.kill()
            await order.wait()

    def kill(self, reason: str | None = None) -> None:
        """End it at once, with every process it started; `stop` reaps it. `reason`: for `failure` to say."""
        if self._process is not None and not self.exited.done():
            self._killed_for = reason
            platform.kill(self._process.pid)

    def _ladder(self, process: asyncio.subprocess.Process) -> list[tuple[Callable[[], None], float]]:
        terminate = (lambda: platform.terminate(process.pid), self._grace.terminate)
        again = (lambda: platform.terminate(process.pid), self._grace.again)
        ladder = [terminate, again, (lambda: platform.kill(process.pid), self._grace.kill)]
        return [(self._order_exit, self._grace.order), *ladder] if self.child_state else ladder

    def _order_exit(self) -> None:
        stdin = self._process.stdin if self._process else None
        if stdin is not None and not stdin.is_closing():
            stdin.write(EXIT_ORDER)

    async def _watch(
        self,
        process: asyncio.subprocess.Process,
        transport: asyncio.SubprocessTransport,
        ended: asyncio.Future[int],
    ) -> None:
        assert process.stdout is not None and process.stderr is not None
        readers = asyncio.gather(self._read_stdout(process.stdout), self._read_stderr(process.stderr))
        code = await ended
        # Helpers of the engine may hold the pipes open for ever: its last words are there already.
        await asyncio.wait([readers], timeout=0.5)
        readers.cancel()
        try:
            platform.kill(process.pid)
        finally:
            transport.close()
            self.exited.set_result(code)  # whatever happened: a slot waits for this
            self.changed.set()

    async def _read_stdout(self, stream: asyncio.StreamReader) -> None:
        async for line in _lines(stream):
            state = parse_child_line(line) if self.launch.child_mode else None
            if state is None:
                self.log.add(line)
            else:
                self.child_state = state
                self.changed.set()

    async def _read_stderr(self, stream: asyncio.StreamReader) -> None:
        async for line in _lines(stream):
            self.log.add(line)


class _Protocol(asyncio.subprocess.SubprocessStreamProtocol):
    """Tells of the exit at once. `Process.wait` waits for the pipes to close, too (bpo/gh-119710), and they
    are held open by helpers that outlive the engine.

    Attributes:
        ended: resolves to the exit code.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(limit=_READ_SIZE, loop=loop)
        self.ended: asyncio.Future[int] = loop.create_future()
        self._own_transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # Not an isinstance check: uvloop's transports are no subclasses of asyncio's.
        self._own_transport = cast(asyncio.SubprocessTransport, transport)

    def process_exited(self) -> None:
        super().process_exited()
        code = self._own_transport.get_returncode() if self._own_transport else None
        assert code is not None, "the exit comes with its code"
        self.ended.set_result(code)


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Return lines of any length; what is longer than _MAX_LINE is cut, so that no output fills the memory."""
    rest = b""
    while chunk := await stream.read(_READ_SIZE):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line[:_MAX_LINE].decode(errors="replace")
        rest = rest[:_MAX_LINE]
    if rest:
        yield rest.decode(errors="replace")
