"""macOS has no parent-death signal: llama-server in child mode ends at stdin's EOF, and any engine left over is
reaped at the next start (router.engine.orphans). Not run in CI: untested here."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

if sys.platform != "win32":
    from router.platforms.mounts import is_remote as is_remote
    from router.platforms.page_cache import missing_blocks as missing_blocks
    from router.platforms.posix import kill as kill
    from router.platforms.posix import terminate as terminate

    _DISK, _THREAD, _UTILITY, _THROTTLE = 0, 1, 4, 3  # sys/resource.h: IOPOL_TYPE_DISK, IOPOL_SCOPE_THREAD, ...

    def spawn_options() -> dict[str, Any]:
        """Return keyword arguments for the subprocess call."""
        return {"start_new_session": True}

    def adopt(_pid: int) -> None:
        """Do nothing: the process needs no more once it runs."""

    def lower_priority(*, idle: bool) -> None:
        """Lower the calling thread's priority, for the disk; `idle`: below everybody who is at work."""
        ctypes.CDLL(None).setiopolicy_np(_DISK, _THREAD, _THROTTLE if idle else _UTILITY)
