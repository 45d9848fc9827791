"""systemd-logind, over the system's D-Bus: a lock against sleep, and the signal before and after one.

Source: https://systemd.io/INHIBITOR_LOCKS and org.freedesktop.login1(5).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Any, Final

from router.power.awake import WHY

log = logging.getLogger(__name__)

_ANSWER_SECONDS: Final = 5.0
_WHAT: Final = "sleep:idle"
_NAME, _PATH, _INTERFACE = "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"


class InhibitorLock:
    """An Inhibitor: held for as long as a descriptor that logind gives is open, so that it ends with hal0."""

    def __init__(self) -> None:
        self._descriptor: int | None = None

    def hold(self) -> None:
        """See Inhibitor."""
        from jeepney import DBusAddress, MessageType, new_method_call
        from jeepney.io.blocking import open_dbus_connection

        manager = DBusAddress(_PATH, _NAME, _INTERFACE)
        ask = new_method_call(manager, "Inhibit", "ssss", (_WHAT, "hal0", WHY, "block"))
        try:
            with open_dbus_connection(bus="SYSTEM", enable_fds=True) as connection:
                answer = connection.send_and_get_reply(ask, timeout=_ANSWER_SECONDS)
        except Exception as error:
            raise OSError(f"logind cannot be reached ({error or type(error).__name__})") from error
        if answer.header.message_type is not MessageType.method_return:
            raise OSError(f"logind refuses ({answer.body[0] if answer.body else 'without a reason'})")
        self._descriptor = answer.body[0].to_raw_fd()

    def release(self) -> None:
        """See Inhibitor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


async def follow_sleep(sleeps: Callable[[], None], woke: Callable[[], None]) -> None:
    """Call `sleeps` before this computer does and `woke` when it runs again, as logind says, until cancelled.
    Returns, with a line in the log, where that cannot be heard: the clocks tell it later."""
    try:
        await _follow(sleeps, woke)
    except Exception as error:  # noqa: BLE001 - D-Bus and its library fail in many ways, and none matters
        log.info("logind does not tell of sleep here: %s", error or type(error).__name__)


async def _follow(sleeps: Callable[[], None], woke: Callable[[], None]) -> None:
    from jeepney import MatchRule, message_bus
    from jeepney.io.asyncio import open_dbus_router

    rule: Any = MatchRule(type="signal", interface=_INTERFACE, member="PrepareForSleep", path=_PATH)
    heard: asyncio.Queue[Any] = asyncio.Queue(16)
    async with open_dbus_router(bus="SYSTEM") as router:
        with router.filter(rule, queue=heard):
            async with asyncio.timeout(_ANSWER_SECONDS):
                await router.send_and_get_reply(message_bus.AddMatch(rule))
            while True:
                before = (await heard.get()).body[0]
                (sleeps if before else woke)()
