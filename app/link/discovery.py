"""Is there a hal0 already? Then the tray shows that one instead of starting another. Imports no Qt."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Any

import psutil

from app.link.client import Client, NotRunning, Refused
from router.base.errors import NotAllowed, Unauthorized
from router.base.files import read
from router.base.paths import Paths
from router.config.load import load_config
from router.config.problems import ConfigErrors
from router.config.schema import ServerConfig
from router.state import ServerStatus
from router.wire.snapshot_read import SchemaMismatch, parse_snapshot

log = logging.getLogger(__name__)

PROBE_SECONDS = 2.0


def find_running(config_file: Path | None) -> tuple[str, str | None] | None:
    """Return the address of the hal0 that runs, and the key for it; None where none does. Blocks for some
    seconds.

    Looked for where the last one wrote that it is, if that process lives, and where hal0.yaml puts it.
    """
    paths = Paths.for_user(config_file)
    try:
        server = load_config(paths.config_file, paths).server
    except ConfigErrors:
        server = None  # whoever starts a router of their own is told
    key = server.own_key if server is not None else None
    for url in _candidates(paths, server):
        if _is_hal0(url, key):
            log.info("hal0 runs already, at %s", url)
            return url, key
    return None


def noted_pid(paths: Paths, url: str) -> int | None:
    """Return the process of the hal0 at `url`, if it left its address in this person's folder and lives."""
    noted = _noted(paths)
    return noted[1] if noted is not None and noted[0] == url else None


def _candidates(paths: Paths, server: ServerConfig | None) -> list[str]:
    noted = _noted(paths)
    found = [noted[0]] if noted is not None else []
    if server is not None:
        found.append(ServerStatus(host=server.host, port=server.port).url)
    return list(dict.fromkeys(found))


def _noted(paths: Paths) -> tuple[str, int] | None:
    """Return address and process from the instance file, as long as that process lives."""
    try:
        document: Any = json.loads(read(paths.state / "instance.json"))
        url, pid = str(document["url"]), int(document["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # What this process itself has noted is no other hal0.
    return (url, pid) if pid != os.getpid() and psutil.pid_exists(pid) else None


def _is_hal0(url: str, key: str | None) -> bool:
    """Return whether it is a hal0, not just any server: one that tells its state as hal0 does, or refuses
    `key` as hal0 does."""
    try:
        document = Client(url, key).state(PROBE_SECONDS)
        return bool(parse_snapshot(document).server.version)
    except Refused as refused:
        return refused.code in (NotAllowed.code, Unauthorized.code)  # whoever attaches to it is told why
    except (NotRunning, SchemaMismatch):
        return False
