"""Which signals end hal0, and what it does not want to inherit. POSIX; Windows has Ctrl+C and Ctrl+Break."""

from __future__ import annotations

import signal


def stop_signals() -> list[signal.Signals]:
    """SIGTERM always; Ctrl+C, Ctrl+Break and the end of the terminal unless whoever started hal0 said to ignore
    them, as nohup does, and a script for what it starts with `&`."""
    names = ("SIGINT", "SIGHUP", "SIGBREAK")  # not all of them are on every system
    asked = [signal.Signals[name] for name in names if name in signal.Signals.__members__]
    return [signal.SIGTERM, *(number for number in asked if signal.getsignal(number) is not signal.SIG_IGN)]


def wait_for_children() -> None:
    """Restore SIGCHLD: where it is ignored, as some supervisors leave it, no child's exit code can be read."""
    if hasattr(signal, "SIGCHLD"):
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
