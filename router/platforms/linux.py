"""Linux: a parent-death signal ends the engine even when hal0 is killed with SIGKILL, also mid-load."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

import psutil

if sys.platform != "win32":
    from router.platforms.mounts import is_remote as is_remote
    from router.platforms.page_cache import missing_blocks as missing_blocks
    from router.platforms.posix import kill as kill
    from router.platforms.posix import terminate as terminate

    _PR_SET_PDEATHSIG = 1  # linux/prctl.h
    # Loaded before any fork: the child between fork and exec may only make the call.
    _libc = ctypes.CDLL(None, use_errno=True)

    def spawn_options() -> dict[str, Any]:
        """Return keyword arguments for the subprocess call.

        The signal is tied to the thread that spawns: it must live until all engines are gone.
        """
        parent = os.getpid()

        def die_with_parent() -> None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        return {"start_new_session": True, "preexec_fn": die_with_parent}

    def adopt(_pid: int) -> None:
        """Do nothing: the process needs no more once it runs."""

    def lower_priority(*, idle: bool) -> None:
        """Let the calling thread yield to others at the disk; `idle`: to all who are at work, at the CPU, too.

        Not `idle` if an engine will wait for a page: it would then also wait for whoever else uses the disk.
        And a thread that hardly needs the CPU, but is last to get it, keeps the disk waiting.
        """
        thread = psutil.Process(threading.get_native_id())
        with suppress(psutil.Error, OSError):  # some containers forbid it: then its priority stays normal
            if idle:
                thread.ionice(psutil.IOPRIO_CLASS_IDLE)
                thread.nice(19)
            else:
                thread.ionice(psutil.IOPRIO_CLASS_BE, 7)
