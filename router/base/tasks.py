"""Background tasks that cannot vanish: the reference is kept and an exception is logged."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from router.base.errors import RouterError

T = TypeVar("T")

log = logging.getLogger(__name__)
_running: set[asyncio.Task[Any]] = set()


def spawn(coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start `coro` on the running loop; `name` appears in the log if it fails."""
    task = asyncio.get_running_loop().create_task(coro, name=name)
    _running.add(task)
    task.add_done_callback(_finished)
    return task


def _finished(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        if isinstance(error, RouterError):
            log.warning("%s: %s", task.get_name(), error.message)
        else:
            log.error("task %s failed", task.get_name(), exc_info=error)
