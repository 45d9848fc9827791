"""Engines that outlived a hal0 which was killed, on systems where nothing else ends them.

Each engine is noted in a file with its process id and start time, and that of the hal0 that owns it. At the
next start, engines whose owner is gone are ended. Blocking: call in a thread.
"""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import psutil

from router.base.files import write_atomic

log = logging.getLogger(__name__)


class Orphans:
    """The file of running engines; entries are [engine pid, its start, owner pid, its start]."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = threading.Lock()  # engines of several slots start and stop at once

    def note(self, pid: int) -> None:
        """Remember that the engine `pid` is ours."""
        mine = psutil.Process()
        try:
            started = psutil.Process(pid).create_time()
        except psutil.Error:
            return
        with self._lock:
            self._write([*self._alive(), [pid, started, mine.pid, mine.create_time()]])

    def forget(self, pid: int) -> None:
        """Forget the engine `pid`, which has been reaped."""
        with self._lock:
            self._write([entry for entry in self._alive() if entry[0] != pid])

    def reap(self) -> int:
        """End engines whose owner is gone; return how many there were."""
        orphans = [e for e in self._alive() if not _is_running(e[2], e[3])]
        for pid, *_ in orphans:
            log.warning("ending engine %d, left over from an earlier hal0", pid)
            _end(pid)
        if orphans:
            with self._lock:
                self._write([e for e in self._alive() if e not in orphans])
        return len(orphans)

    def _alive(self) -> list[list[Any]]:
        return [entry for entry in self._read() if _is_running(entry[0], entry[1])]

    def _read(self) -> list[list[Any]]:
        try:
            entries = json.loads(self._file.read_bytes())
        except (OSError, ValueError):
            return []
        return [e for e in entries if _is_entry(e)] if isinstance(entries, list) else []

    def _write(self, entries: list[list[Any]]) -> None:
        try:
            write_atomic(self._file, json.dumps(entries).encode())
        except OSError as error:
            # Only a second line of defence is lost: no reason to fail a launch or a stop.
            log.warning("the list of running engines could not be saved: %s", error)


def _is_entry(entry: object) -> bool:
    if not isinstance(entry, list) or not all(isinstance(part, int | float) for part in entry):
        return False
    return len(entry) == 4 and all(isinstance(pid, int) and pid > 0 for pid in entry[::2])


def _end(pid: int) -> None:
    """Kill the process and all it started; one that is gone already does not save the others."""
    try:
        process = psutil.Process(pid)
        family = [*process.children(recursive=True), process]
    except psutil.Error as error:
        log.info("engine %d: %s", pid, error)
        return
    for member in family:
        try:
            member.kill()
        except psutil.Error as error:
            log.info("engine %d: %s", pid, error)
    psutil.wait_procs(family, timeout=5)


def _is_running(pid: int, started: float) -> bool:
    """Return whether the process that started then still has this id."""
    try:
        return abs(psutil.Process(pid).create_time() - started) < 0.01
    except psutil.Error:
        return False
