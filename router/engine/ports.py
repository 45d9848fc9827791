"""Ports for engines: one nobody listens on, and proof that our child is who answers there."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import psutil

from router.base.errors import EngineFailed
from router.platforms.sock_diag import listening_inodes


class PortPool:
    """Hands out free ports of an inclusive range in turn, so that a port just left is not reused at once."""

    def __init__(self, ports: tuple[int, int]) -> None:
        self._first, self._last = ports
        self._next = self._first

    def take(self, taken: Collection[int] = ()) -> int:
        """Return a port nobody listens on, not in `taken`. Raises EngineFailed when the range is used up."""
        size = self._last - self._first + 1
        for offset in range(size):
            port = self._first + (self._next - self._first + offset) % size
            if port not in taken and is_free(port):
                self._next = port + 1
                return port
        raise EngineFailed(
            f"All ports from {self._first} to {self._last} are in use by other programs; "
            "widen engine.ports in hal0.yaml."
        )


def is_free(port: int) -> bool:
    """Return whether a server could listen on `port` now."""
    with socket.socket() as probe:
        if sys.platform != "win32":
            # Old connections in TIME_WAIT do not hinder an engine. On Windows the option would steal.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError:
            return False
    return True


def listens_alone(pid: int, port: int) -> bool:
    """Return whether the process `pid` (or a child of it) listens on `port` and nobody else does.

    llama-server sets SO_REUSEPORT, so a bind that succeeded proves nothing. Blocking: call in a thread.
    """
    try:
        process = psutil.Process(pid)
        if psutil.LINUX:
            return _linux_listens_alone(process, port)
        family = [process, *process.children(recursive=True)]
        ours = sum(_listeners(member, port) for member in family)
    except psutil.Error:
        return False
    return ours > 0 and ours == _all_listeners(port, ours)


def _linux_listens_alone(process: psutil.Process, port: int) -> bool:
    """Do the same in 1 ms instead of 20: which sockets listen, and whose they are. Its children are looked for
    only if need be, as that means looking at every process."""
    try:
        listening = {f"socket:[{inode}]" for inode in listening_inodes(port)}
    except OSError:  # a container may forbid it
        tables = (Path("/proc/net", table) for table in ("tcp", "tcp6"))
        listening = {link for table in tables for link in _listening_sockets(table, port)}
    left = listening - _sockets(process.pid)
    if left:
        for child in process.children(recursive=True):
            left -= _sockets(child.pid)
    return bool(listening) and not left


def _listening_sockets(table: Path, port: int) -> list[str]:
    """Return sockets as /proc/*/fd names them: rows of a proc_net_tcp(5) table in state LISTEN (0A) on
    `port`."""
    if not table.exists():
        return []
    place = f":{port:04X} "
    rows = (line.split() for line in table.read_text().splitlines() if place in line)
    return [f"socket:[{row[9]}]" for row in rows if row[3] == "0A" and row[1].endswith(place.strip())]


def _sockets(pid: int) -> set[str]:
    found = set()
    with contextlib.suppress(OSError):  # it has ended, or is another user's
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                found.add(str(link.readlink()))
    return found


def _listeners(process: psutil.Process, port: int) -> int:
    return sum(is_listener(c, port) for c in process.net_connections("tcp"))


def _all_listeners(port: int, otherwise: int) -> int:
    try:
        return sum(is_listener(c, port) for c in psutil.net_connections("tcp"))
    except psutil.AccessDenied:  # macOS shows other users' sockets to root alone
        return otherwise


def is_listener(connection: Any, port: int) -> bool:
    """Return whether a psutil connection listens on `port`."""
    listening = connection.status == psutil.CONN_LISTEN and bool(connection.laddr)
    return listening and connection.laddr.port == port
