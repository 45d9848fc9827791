"""Process groups, shared by Linux and macOS: an engine leads its own, so its helpers end with it."""

from __future__ import annotations

import os
import signal
import sys

if sys.platform != "win32":

    def terminate(pid: int) -> None:
        """Ask the engine's whole process group to end (SIGTERM)."""
        _signal_group(pid, signal.SIGTERM)

    def kill(pid: int) -> None:
        """End whatever is left of the engine's process group (SIGKILL)."""
        _signal_group(pid, signal.SIGKILL)

    def _signal_group(pid: int, number: signal.Signals) -> None:
        try:
            os.killpg(pid, number)
        except (ProcessLookupError, PermissionError):
            # Gone already. macOS answers EPERM for a group of zombies only.
            return
