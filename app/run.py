"""The two ways to run hal0: with the tray, or headless."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from app.bootstrap import make_service, read_config, start_logging, stop_logging
from app.link.discovery import find_running, noted_pid
from app.system.display import has_display
from app.system.signals import wait_for_children
from app.views.announcement import Icon, announcement
from router.base.errors import RouterError
from router.base.loop import run
from router.base.paths import Paths
from router.config.file import last_good
from router.config.problems import ConfigErrors
from router.service import Service
from router.state import ServerStatus

if TYPE_CHECKING:
    from app.link.remote_link import RemoteLink


def run_tray(config_file: Path | None, *, hidden: bool = False) -> int:
    """Run the desktop; where there is no display, say so and serve headless."""
    if not has_display():
        return run_headless(config_file, announce=_say_without_display, least=logging.WARNING)
    wait_for_children()
    paths = Paths.for_user(config_file)
    listener = start_logging(paths, to_stderr=False)
    try:
        from app.desktop import run_desktop
        from app.system.qt_messages import log_qt_messages

        log_qt_messages()
        return run_desktop(
            lambda: _make_for_desktop(config_file),
            paths,
            hidden=hidden,
            find_other=lambda: _link_to_running(config_file, paths),
            announce=_say,
            make_last_good=lambda: _make_as_it_worked(paths),
        )
    finally:
        stop_logging(listener)


def _link_to_running(config_file: Path | None, paths: Paths) -> RemoteLink | None:
    """Make a link to the hal0 that runs already, if one does."""
    from app.link.remote_link import RemoteLink

    found = find_running(config_file)
    if found is None:
        return None
    url, key = found
    return RemoteLink(url, key, lambda: noted_pid(paths, url))


def _make_for_desktop(config_file: Path | None) -> Service:
    """Read hal0.yaml behind the window: a person who starts hal0 from a menu or at login sees no terminal."""
    try:
        config, paths = read_config(config_file)
    except ConfigErrors as error:
        print(f"hal0: {error.message}", file=sys.stderr)
        raise
    return make_service(config, paths, retry_port=True)


def _make_as_it_worked(paths: Paths) -> Service:
    """Make it of the hal0.yaml that was valid last; the window tells what is wrong with the one of now."""
    config = last_good(paths)
    if config is None:
        raise RouterError("No hal0.yaml that worked was kept; correct the one there is, then start hal0 again.")
    return make_service(config, paths, retry_port=True)


def _say(line: str) -> None:
    """Print it at once, also into a pipe; nobody may be there to read it."""
    with suppress(OSError):
        print(line, flush=True)


def _say_without_display(server: ServerStatus) -> None:
    if (line := announcement(server, Icon.NO_DISPLAY, os.environ)) is not None:
        _say(line)


def run_headless(
    config_file: Path | None,
    *,
    announce: Callable[[ServerStatus], None] = lambda _server: None,
    least: int = logging.NOTSET,
) -> int:
    """Serve until a signal ends it. `announce` is told once the endpoint answers; `least`: see
    start_logging."""
    from app.serve import serve

    wait_for_children()
    config, paths = read_config(config_file)
    listener = start_logging(paths, to_stderr=True, least=least)
    try:
        run(serve(make_service(config, paths, retry_port=False), announce))
        return 0
    finally:
        stop_logging(listener)
