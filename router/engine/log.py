"""An engine's output: the last lines in memory, all of it in a rotating file, and the line that explains."""

from __future__ import annotations

import logging
import logging.handlers
import queue
import re
from collections import deque
from pathlib import Path

from router.names import speakable

RING_LINES = 2000
FILE_BYTES = 5 * 1024 * 1024
FILE_BACKUPS = 2
QUEUE_LINES = 4000

log = logging.getLogger(__name__)

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# "0.00.011.271 E gguf_init_from_file: failed to open ..." (llama.cpp common/log.cpp), or "error: invalid ..."
_ERROR = re.compile(r"^(?:[\d.]+ )?E (?P<text>.*)$|^(?P<plain>error: .*)$", re.IGNORECASE)
_FUNCTION = re.compile(r"^(?:\w+ +)?[\w()~:]+: +(?=\S)")


def error_text(line: str) -> str | None:
    """What an error line says, without time, level and function; None for other lines."""
    match = _ERROR.match(line)
    if match is None:
        return None
    if (plain := match["plain"]) is not None:
        return str(plain)
    text = str(match["text"]).strip()
    return text if text.startswith("error:") else _FUNCTION.sub("", text, count=1)


class EngineLog:
    """Collects one engine process's lines.

    Attributes:
        first_error: the first error line's text. llama-server's later ones are ever more general.
        last_line: what a program without llama-server's log format said last.
    """

    def __init__(self, ring: deque[str] | None = None, sink: LogFiles | None = None, name: str = "") -> None:
        """`ring` may be shared by successive engines of one slot; `name` is the log file's stem."""
        self.ring = ring if ring is not None else deque(maxlen=RING_LINES)
        self.first_error: str | None = None
        self.last_line: str | None = None
        self._sink = sink
        self._name = name

    def add(self, line: str) -> None:
        line = speakable(_ANSI.sub("", line).rstrip(), keep="\t")
        if not line:
            return
        self.ring.append(line)
        self.last_line = line
        if self.first_error is None:
            self.first_error = error_text(line)
        if self._sink is not None:
            self._sink.write(self._name, line)

    def forget_errors(self) -> None:
        """The engine is ready: what it complained of so far does not explain its end."""
        self.first_error = None

    @property
    def explanation(self) -> str | None:
        """The engine's own words for why it ended."""
        return self.first_error or self.last_line


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
            return logging.handlers.RotatingFileHandler(
                self._folder / f"{name}.log",
                maxBytes=FILE_BYTES,
                backupCount=FILE_BACKUPS,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            # An exception here would end the thread that writes for all engines.
            log.warning("the log file of %s cannot be written: %s", name, error)
            return logging.NullHandler()

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        super().close()
