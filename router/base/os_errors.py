"""What an error of a connection says, in the same words on every system."""

from __future__ import annotations

import os
from typing import Final

# Windows' own codes and Winsock's (winerror.h): errno is EINVAL for the former, and its strerror knows none of
# the latter.
_WINDOWS: Final = {
    **dict.fromkeys((1225, 10061), "Connection refused"),
    **dict.fromkeys((64, 1236, 10053, 10054), "Connection reset by peer"),
    **dict.fromkeys((121, 10060), "Connection timed out"),
    **dict.fromkeys((1231, 10051), "Network is unreachable"),
    **dict.fromkeys((1232, 10065), "No route to host"),
}


def connection_words(error: OSError) -> str | None:
    """Return `Connection refused`, without addresses and numbers; None where the error has no number."""
    if words := _WINDOWS.get(getattr(error, "winerror", None) or 0):
        return words
    return os.strerror(error.errno) if error.errno and error.errno > 0 else None
