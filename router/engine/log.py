"""An engine's output: its last lines, all of it in a rotating file, and the line that `explain` picks."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from router.base.log_file import LogFile
from router.base.names import speakable
from router.engine.explain import Asides, Rank, Reason, better, clean, reason_in

RING_LINES = 2000
FILE_BYTES = 5 * 1024 * 1024
FILE_BACKUPS = 2
QUEUE_LINES = 4000

log = logging.getLogger(__name__)

LAST_WORDS_SECONDS = 5.0
"""An error that a running engine told of longer ago is not why it ends."""


class EngineLog:
    """Collects one engine process's lines, and which of them explains its end.

    Attributes:
        last_line: what it said last.
        ready: it has been; what it complained of while it started does not explain its end any more.
    """

    def __init__(
        self,
        ring: deque[str] | None = None,
        sink: LogFiles | None = None,
        name: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ring` may be shared by successive engines of one slot; `name` is the log file's stem."""
        self.ring = ring if ring is not None else deque(maxlen=RING_LINES)
        self.last_line: str | None = None
        self.ready = False
        self._reason: Reason | None = None
        self._reason_at = 0.0
        self._asides = Asides()
        self._sink = sink
        self._name = name
        self._clock = clock

    def add(self, line: str) -> None:
        line = speakable(clean(line), keep="\t")
        if not line.strip():
            return
        self.ring.append(line)
        self.last_line = line
        if self._sink is not None:
            self._sink.write(self._name, line)
        found = None if self._asides.takes(line) else reason_in(line)
        if found is None or (self.ready and found.rank <= Rank.WEAK):
            return
        now = self._clock()
        if self.ready and self._is_old(now):
            self._reason = None
        kept = better(self._reason, found)
        if kept is not self._reason:
            self._reason, self._reason_at = kept, now

    def is_ready(self) -> None:
        """Note that the engine is ready: what it complained of so far does not explain its end."""
        self.ready, self._reason = True, None

    def explanation(self, *, killed: bool = False) -> str | None:
        """Return the engine's own words for why it ended. `killed` from outside: it knew nothing of it, so only
        errors of its start count."""
        reason = self._reason
        if reason is None or (killed and (self.ready or reason.rank < Rank.ERROR)):
            return None
        return None if self.ready and self._is_old(self._clock()) else reason.text

    def _is_old(self, now: float) -> bool:
        """Return whether a client's request caused the line and the engine outlived it."""
        old = now - self._reason_at > LAST_WORDS_SECONDS
        return old and (self._reason is None or self._reason.rank < Rank.FATAL)


class LogFiles:
    """Rotating log files, written by one thread so that no disk stalls the router's loop."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._queue: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self._handler = _ByName(folder)
        self._listener = logging.handlers.QueueListener(self._queue, self._handler)
        self._listener.start()
        self._left_out = 0

    def write(self, name: str, line: str) -> None:
        """Append a line to `<folder>/<name>.log`; returns at once.

        An engine that writes faster than the disk takes would fill the memory: lines beyond QUEUE_LINES are
        left out, and the file says how many.
        """
        if self._queue.qsize() >= QUEUE_LINES:
            self._left_out += 1
            return
        if self._left_out:
            line = f"[hal0: {self._left_out} lines left out here]\n{line}"
            self._left_out = 0
        self._queue.put(logging.LogRecord(name, logging.INFO, "", 0, line, None, None))

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def close(self) -> None:
        """Write what is queued and close the files."""
        self._listener.stop()
        self._handler.close()


class _ByName(logging.Handler):
    """Sends each record to the rotating file of its name."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._files: dict[str, logging.Handler] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in self._files:
            self._files[record.name] = self._open(record.name)
        self._files[record.name].emit(record)

    def _open(self, name: str) -> logging.Handler:
        try:
            return LogFile(self._folder / f"{name}.log", FILE_BYTES, FILE_BACKUPS)
        except OSError as error:
            # An exception here would end the thread that writes for all engines.
            log.warning("the log file of %s cannot be written: %s", name, error)
            return logging.NullHandler()

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        super().close()
