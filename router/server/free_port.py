"""Another port to listen on, where the one of hal0.yaml is taken."""

from __future__ import annotations

import socket
from typing import Final

TRIES: Final = 50
LAST: Final = 65535


def free_port(host: str, taken: int, engines: tuple[int, int]) -> int | None:
    """Return the next port after `taken` that `host` can listen on now, none of the `engines`' (inclusive).

    None where no near one can be. Blocking, should `host` have to be looked up.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(taken + 1, min(taken + TRIES, LAST) + 1):
        if not engines[0] <= port <= engines[1] and _is_free(family, host, port):
            return port
    return None


def _is_free(family: socket.AddressFamily, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as tried:
            tried.bind((host, port))
    except OSError:
        return False
    return True
