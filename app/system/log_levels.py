"""How much hal0 writes into its log: `HAL0_LOG`, and `--verbose` for all of hal0's own."""

from __future__ import annotations

import logging

ENV = "HAL0_LOG"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
OURS = ("app", "router")

log = logging.getLogger(__name__)


def set_levels(wanted: str) -> None:
    """`debug` for all of hal0, or `router.slots=debug,app=warning` for its parts; "" is `info`.

    What is no level is logged and left out: a typing mistake must not keep hal0 from starting.
    """
    logging.getLogger().setLevel(logging.INFO)
    for part in filter(None, (part.strip() for part in wanted.split(","))):
        name, sign, word = part.rpartition("=")
        level = LEVELS.get(word.strip().lower())
        if level is None:
            log.warning("%s: %r is not one of %s, and is ignored", ENV, part, ", ".join(LEVELS))
            continue
        for logger in (name.strip(),) if sign else OURS:
            logging.getLogger(logger).setLevel(level)
