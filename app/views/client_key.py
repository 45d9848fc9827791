"""Which API key a client has to send, and where to find it when hal0 cannot say."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from app.link.link import Link
from app.views.settings_document import ENVIRONMENT, NotReadable, WrittenSettings, api_keys
from router.base.errors import RouterError
from router.config.change import ConfigDocument
from router.config.hidden import HIDDEN
from router.orders.kinds import ReadConfig

log = logging.getLogger(__name__)

ANY = "hal0"
PLACEHOLDER = "YOUR-HAL0-KEY"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """`value` goes into the client. `needed`: requests without it are refused. `secret`: `value` is the key
    itself, else something that stands for it. `variable`: the environment variable that holds it, or ""."""

    value: str = ANY
    needed: bool = False
    secret: bool = False
    variable: str = ""


NO_KEY = ClientKey()
UNKNOWN = ClientKey(PLACEHOLDER, needed=True)


def key_of(document: ConfigDocument) -> ClientKey:
    """Return the first key that is written out; else the variable that holds one.

    Over HTTP the keys are not told, so that a written one is only known to exist.
    """
    try:
        written = WrittenSettings(document.text)
    except NotReadable:
        return UNKNOWN if document.config.server.api_keys else NO_KEY
    texts = written.texts("server", "api_keys") or ()
    if not texts and not document.config.server.api_keys:
        return NO_KEY
    keys = [key for key in api_keys(document, written) or () if key and key != HIDDEN]
    literal = next((key for key in keys if not key.startswith(ENVIRONMENT)), "")
    if literal:
        return ClientKey(literal, needed=True, secret=True)
    variable = next((t.removeprefix(ENVIRONMENT) for t in texts if t.startswith(ENVIRONMENT)), "")
    return ClientKey(f"VALUE-OF-{variable}", needed=True, variable=variable) if variable else UNKNOWN


async def read_key(link: Link) -> ClientKey | None:
    """Return the key as hal0.yaml has it now; None where it cannot be read."""
    try:
        return key_of(await link.carry_out(ReadConfig()))
    except RouterError as error:
        log.info("hal0.yaml was not read for a client's key: %s", error.message)
        return None
