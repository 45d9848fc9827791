"""Hears from the system that it is about to sleep, and that it runs again."""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

log = logging.getLogger(__name__)

Tell = Callable[[bool], None]
"""Called, in any thread, with True before a sleep and False after it."""


class Subscription(Protocol):
    """Ends what told of sleep."""

    def close(self) -> None: ...


async def follow_sleep(sleeps: Callable[[], None], woke: Callable[[], None]) -> None:
    """Call `sleeps` before this computer does and `woke` when it runs again, on the loop, until cancelled.
    Returns, with a line in the log, where that cannot be heard: the clocks tell it later."""
    if sys.platform == "linux":
        from router.power.logind import follow_sleep as follow

        await follow(sleeps, woke)
    elif sys.platform == "win32":
        from router.power.windows import SleepNotification

        await follow_with(SleepNotification, sleeps, woke)
    else:
        from router.power.macos import SleepNotification

        await follow_with(SleepNotification, sleeps, woke)


async def follow_with(
    subscribe: Callable[[Tell], Subscription], sleeps: Callable[[], None], woke: Callable[[], None]
) -> None:
    """Do that by a system that calls back in threads of its own."""
    loop = asyncio.get_running_loop()

    def tell(before: bool) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(sleeps if before else woke)

    try:
        subscription = subscribe(tell)
    except OSError as error:
        log.info("this system does not tell of sleep: %s", error)
        return
    try:
        await asyncio.Event().wait()
    finally:
        subscription.close()
