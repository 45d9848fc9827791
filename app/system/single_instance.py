"""One hal0 per person: the second launch makes the first show its window."""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from pathlib import Path

from PySide6.QtCore import QDeadlineTimer, QLockFile, QObject, QThread, Signal, Slot
from PySide6.QtNetwork import QLocalServer, QLocalSocket

log = logging.getLogger(__name__)

SHOW = b"show\n"
SHOWN = b"ok\n"
CALL_MS = 3000
_RETRY_MS = 50
# sun_path holds 104 bytes on macOS, and Qt first binds in a temporary folder beside the socket.
_LONGEST_PATH = 80


class SingleInstance(QObject):
    """The lock file is the mutex; the local socket only carries the wish to see the window.

    A `QLocalServer` alone is no mutex: two processes may both remove the "stale" socket and listen.

    Signals:
        show_requested: another launch wants the window to be seen.
    """

    show_requested = Signal()

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.lock_file = folder / "desktop.lock"
        self._lock = QLockFile(str(self.lock_file))
        # Only a dead owner makes a lock stale, not its age: hal0 runs for weeks.
        self._lock.setStaleLockTime(0)
        self._name = _socket_name(folder)
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._on_connection)

    def acquire(self) -> bool:
        """Become the one instance and listen; False if another is."""
        if not self._lock.tryLock(0):
            return False
        QLocalServer.removeServer(self._name)
        if not self._server.listen(self._name):
            log.warning("a second launch cannot show the window: %s", self._server.errorString())
        return True

    @property
    def owner(self) -> int | None:
        """Process id of the instance that holds the lock; None if it is no process but an unwritable folder."""
        pid, _host, _program = self._lock.getLockInfo()
        return pid or None

    def ask_to_show(self) -> bool:
        """Ask the other instance to show its window; False if it does not confirm within `CALL_MS`."""
        deadline = QDeadlineTimer(CALL_MS)
        while not deadline.hasExpired():
            # Launched a moment ago, the other may hold the lock and not listen yet.
            if self._call_once(deadline):
                return True
        return False

    def release(self) -> None:
        self._server.close()
        self._lock.unlock()

    def _call_once(self, deadline: QDeadlineTimer) -> bool:
        socket = QLocalSocket()
        socket.connectToServer(self._name)
        if not socket.waitForConnected(max(1, deadline.remainingTime())):
            QThread.msleep(_RETRY_MS)
            return False
        socket.write(SHOW)
        answered = socket.waitForReadyRead(max(1, deadline.remainingTime()))
        return answered and socket.readAll().data() == SHOWN

    @Slot()
    def _on_connection(self) -> None:
        while (socket := self._server.nextPendingConnection()) is not None:
            socket.readyRead.connect(self._on_message)
            socket.disconnected.connect(socket.deleteLater)

    @Slot()
    def _on_message(self) -> None:
        socket = self.sender()
        if isinstance(socket, QLocalSocket) and socket.canReadLine():
            if socket.readLine().data() == SHOW:
                self.show_requested.emit()
                socket.write(SHOWN)
            socket.disconnectFromServer()


def _socket_name(folder: Path) -> str:
    """Name the socket: on Unix a file in the private folder, where nobody else can put one first; else a
    system-wide name."""
    path = folder.absolute() / "desktop.sock"
    if sys.platform != "win32" and len(os.fsencode(path)) <= _LONGEST_PATH:
        return str(path)
    return "hal0-" + hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
