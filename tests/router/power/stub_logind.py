"""logind as far as hal0 asks it, on a private bus: a lock is a pipe, and its holder has the writing end."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbus_fast import BusType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusError
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from tests.engines.running import until

NAME, PATH, MANAGER = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"


class Logind(ServiceInterface):
    """Attributes:
    address: of the bus, for DBUS_SYSTEM_BUS_ADDRESS.
    asked: what each lock was asked for with.
    refuses: locks are not given.
    """

    def __init__(self, address: str) -> None:
        super().__init__(MANAGER)
        self.address = address
        self.asked: list[tuple[str, str, str, str]] = []
        self.refuses = False
        self._locks: list[int] = []
        self._given: list[int] = []

    @dbus_method()
    def Inhibit(self, what: "s", who: "s", why: "s", mode: "s") -> "h":  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        self.asked.append((what, who, why, mode))
        if self.refuses:
            raise DBusError("org.freedesktop.DBus.Error.AccessDenied", "Permission denied")
        reading, writing = os.pipe()
        self._locks.append(reading)
        self._given.append(writing)
        return writing

    @dbus_signal()
    def PrepareForSleep(self, before: "b") -> "b":  # type: ignore[name-defined]  # noqa: F821, N802, UP037
        return before

    @property
    def held(self) -> int:
        """How many locks somebody has. Nobody has the writing end of one that was released."""
        for given in self._given:  # sent by now, as whoever asks has the answer
            os.close(given)
        self._given.clear()
        gone = select.select(self._locks, [], [], 0)[0] if self._locks else []
        for lock in gone:
            os.close(lock)
            self._locks.remove(lock)
        return len(self._locks)

    async def until_held(self, count: int) -> None:
        await until(lambda: bool(self.asked) and self.held == count, f"{count} locks held")

    def close(self) -> None:
        for descriptor in (*self._locks, *self._given):
            os.close(descriptor)


@asynccontextmanager
async def stub_logind() -> AsyncIterator[Logind]:
    argv = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--nosyslog", "--print-address"]
    daemon = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        assert daemon.stdout is not None
        logind = Logind(daemon.stdout.readline().decode().strip())
        bus = await MessageBus(
            bus_address=logind.address, bus_type=BusType.SESSION, negotiate_unix_fd=True
        ).connect()
        bus.export(PATH, logind)
        await bus.request_name(NAME)
        yield logind
        bus.disconnect()
        await bus.wait_for_disconnect()
        logind.close()
    finally:
        daemon.terminate()
        daemon.wait()
        assert daemon.stdout is not None
        daemon.stdout.close()
