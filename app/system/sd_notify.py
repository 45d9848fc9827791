"""Tells systemd how a service is doing (sd_notify(3)): datagrams to the socket named by NOTIFY_SOCKET."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Mapping

from router.state import Snapshot, StateStore

log = logging.getLogger(__name__)

ENV = "NOTIFY_SOCKET"


class Notifier:
    """Says nothing where nobody listens: `hal0 serve` from a terminal has no NOTIFY_SOCKET."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = _address(environment.get(ENV, ""))

    def ready(self) -> None:
        """Say that the service has started: what waits for it may start."""
        self._send("READY=1")

    def status(self, line: str) -> None:
        """Set what `systemctl status` shows."""
        self._send(f"STATUS={line}")

    def stopping(self, seconds: float) -> None:
        """Say that the service is ending, and may take `seconds` from now before systemd kills it."""
        self._send("STOPPING=1", "STATUS=Stopping", f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def _send(self, *fields: str) -> None:
        if self._address is None:
            return
        message = "\n".join(field.replace("\n", " ") for field in fields)
        try:
            # The socket never blocks long: systemd reads it, and a full queue fails at once.
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
                sender.sendto(message.encode(), self._address)
        except OSError as error:
            log.warning("systemd cannot be told how hal0 is doing: %s", error)


def tell_status(notifier: Notifier, store: StateStore) -> Callable[[], None]:
    """Tell the status now and whenever it changes, until the returned function is called."""
    last_line = ""

    def tell(snapshot: Snapshot) -> None:
        nonlocal last_line
        if (line := status_line(snapshot)) != last_line:
            last_line = line
            notifier.status(line)

    tell(store.snapshot)
    return store.subscribe(tell)


def status_line(snapshot: Snapshot) -> str:
    """Return where hal0 answers, and each slot with its model and state."""
    slots = [f"{slot.name}: {slot.target or slot.model or 'empty'} {slot.state}" for slot in snapshot.slots]
    return " · ".join((f"{snapshot.server.url}/v1", *slots))


def _address(value: str) -> str | None:
    """Return a path, or `@name` in Linux's abstract namespace; None for none and for kinds hal0 does not
    speak."""
    if value.startswith("@"):
        return "\0" + value[1:]
    return value if value.startswith("/") else None
