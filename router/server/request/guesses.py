"""How often wrong keys may be tried: each address alone, and slower with every one."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

FREE: Final = 3
"""So many may be wrong in a row before one has to wait."""
LONGEST: Final = 60.0
"""Seconds."""
_ADDRESSES: Final = 1024


class Guesses:
    """Times are of a monotonic clock. The addresses that failed longest ago are forgotten first."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, address: str | None, now: float) -> float:
        """Seconds until `address` may try again; 0 for at once."""
        return max(0.0, self._failed.get(_network(address), (0, 0.0))[1] - now)

    def wrong(self, address: str | None, now: float) -> None:
        who = _network(address)
        count = self._failed.get(who, (0, 0.0))[0] + 1
        pause = min(LONGEST, 2.0 ** min(count - FREE, 10)) if count >= FREE else 0.0
        self._failed[who] = count, now + pause
        self._failed.move_to_end(who)
        while len(self._failed) > _ADDRESSES:
            self._failed.popitem(last=False)

    def right(self, address: str | None) -> None:
        self._failed.pop(_network(address), None)


def _network(address: str | None) -> str:
    """Of IPv6 the /64: who has one address there has all."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return address or ""
    return str(found) if found.version == 4 else str(ipaddress.ip_network((int(found), 64), strict=False))
