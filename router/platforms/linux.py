"""Linux: a parent-death signal ends the engine even when hal0 is killed with SIGKILL, also mid-load."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any

if sys.platform != "win32":
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
