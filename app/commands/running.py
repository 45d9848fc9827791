"""The hal0 that runs, told that something on the disk has changed."""

from __future__ import annotations

from contextlib import suppress

from app.link.client import Client, NotRunning, Refused, noted_url
from router.base.paths import Paths
from router.config.load import load_config
from router.config.problems import ConfigErrors
from router.orders.kinds import Reload


def tell_running(paths: Paths) -> None:
    """Have it look now: it would notice in some seconds, and a script should not wait."""
    url = noted_url(paths)
    if url is None:
        return
    with suppress(NotRunning, Refused, ConfigErrors):  # a mistake in hal0.yaml is shown elsewhere
        client = Client(url, load_config(paths.config_file, paths).server.own_key)
        if client.answers():
            client.carry_out(Reload())
