"""A desktop's threads without its Qt: the real RouterHost, and a main thread that stalls when told to.

Reads `stall`, `calm` and, at its end, nothing from stdin.

    python -m benchmarks.ui_host
"""

from __future__ import annotations

import sys
import threading
import time

from app.bootstrap import make_service, read_config, start_logging
from app.link.router_host import RouterHost

STALL_SECONDS = 0.15


def main() -> None:
    config, paths = read_config(None)
    listener = start_logging(paths, to_stderr=True)
    host = RouterHost(lambda: make_service(config, paths, retry_port=False))
    host.start()
    orders = Orders()
    orders.start()
    while not orders.ended:
        if orders.stalling:
            _hold_the_interpreter(STALL_SECONDS)
        orders.wait(1.0 - STALL_SECONDS)
    host.stop()
    listener.stop()


def _hold_the_interpreter(seconds: float) -> None:
    """Python code is the worst a UI can do: it holds the lock the router's thread needs as well."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(100))


class Orders(threading.Thread):
    """Listens on stdin."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.stalling = False
        self.ended = False
        self._changed = threading.Event()

    def wait(self, seconds: float) -> None:
        self._changed.wait(seconds)
        self._changed.clear()

    def run(self) -> None:
        for line in sys.stdin:
            self.stalling = line.strip() == "stall"
            self._changed.set()
        self.ended = True
        self._changed.set()


if __name__ == "__main__":
    main()
