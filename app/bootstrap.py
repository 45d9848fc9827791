"""Builds everything from the configuration and connects it. There are no globals elsewhere. Imports no Qt."""

from __future__ import annotations

import logging
import logging.handlers
import os
import queue
import sys
from pathlib import Path

from app.system.journal import JournalFormatter, OneLine, is_journal
from app.system.log_levels import ENV, set_levels
from resources import demo_model
from router.base.log_file import LogFile
from router.base.paths import Paths
from router.config.load import load_config
from router.config.schema import Config
from router.service import Service

LOG_BYTES = 5 * 1024 * 1024
LOG_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def read_config(config_file: Path | None) -> tuple[Config, Paths]:
    """Read the configuration and find the folders. Raises RouterError listing every problem of the file."""
    paths = Paths.for_user(config_file)
    return load_config(paths.config_file, paths), paths


def make_service(config: Config, paths: Paths, *, retry_port: bool) -> Service:
    """Build the router, not started yet. `retry_port`: see Service."""
    return Service(config, paths, demo=demo_model(), retry_port=retry_port)


def start_logging(
    paths: Paths, *, to_stderr: bool, least: int = logging.NOTSET
) -> logging.handlers.QueueListener:
    """Log to `hal0.log` in the log folder, through a thread so that no disk stalls a request. `least`: the
    level from which on stderr gets it, too.

    Returns what must be given to `stop_logging` at exit, so that the last lines are written.
    """
    paths.create()
    file = LogFile(paths.logs / "hal0.log", LOG_BYTES, backups=2)
    file.setFormatter(logging.Formatter(LOG_LINE))
    handlers: list[logging.Handler] = [file]
    if to_stderr:
        stderr = logging.StreamHandler(sys.stderr)
        stderr.setFormatter(JournalFormatter() if is_journal(2) else logging.Formatter(LOG_LINE))
        stderr.setLevel(least)
        handlers.append(stderr)
    lines: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
    root = logging.getLogger()
    queued = logging.handlers.QueueHandler(lines)
    queued.setFormatter(OneLine())  # what the handlers behind it get is this text
    root.addHandler(queued)
    listener = logging.handlers.QueueListener(lines, *handlers, respect_handler_level=True)
    listener.start()
    set_levels(os.environ.get(ENV, ""))
    return listener


def stop_logging(listener: logging.handlers.QueueListener) -> None:
    """Write the last lines and close the files."""
    listener.stop()
    for handler in listener.handlers:
        handler.close()
