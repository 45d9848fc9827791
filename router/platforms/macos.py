"""macOS has no parent-death signal: llama-server in child mode ends at stdin's EOF, and what is left over
is reaped at the next start (router.engine.orphans). Not run in CI: untested here."""

from __future__ import annotations

import sys
from typing import Any

if sys.platform != "win32":
    from router.platforms.posix import kill as kill
    from router.platforms.posix import terminate as terminate

    def spawn_options() -> dict[str, Any]:
        """Return keyword arguments for the subprocess call."""
        return {"start_new_session": True}

    def adopt(_pid: int) -> None:
        """Do nothing: the process needs no more once it runs."""
