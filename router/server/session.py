"""Make the cookie that stands for a key in a browser, so that a person types the key once. Pure.

It holds no key: the time until which it is valid, and that time signed with the key. So nothing is to be
remembered here, it outlives a restart, and it ends when its key is taken out of hal0.yaml.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from typing import Final

COOKIE: Final = "hal0_session"
LIFETIME: Final = 30 * 24 * 3600
"""Seconds."""

_VALUE: Final = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})")
_OWN: Final = frozenset({"same-origin", "none"})  # "none": typed in, or a bookmark


def issue(key: str, now: float) -> str:
    """Make the cookie's value for who has shown `key` at Unix time `now`."""
    until = str(int(now) + LIFETIME)
    return f"{until}.{_signed(key, until)}"


def key_of(cookie: str, keys: Iterable[str], now: float) -> str | None:
    """Find the one of `keys` that `cookie` was issued for; None if that is none, or it was too long ago."""
    parts = _VALUE.fullmatch(cookie)
    if parts is None or int(parts[1]) <= now:
        return None
    found = None
    for key in keys:  # all of them, so that the time tells nothing
        if hmac.compare_digest(parts[2], _signed(key, parts[1])):
            found = key
    return found


def is_own_page(headers: Mapping[str, str]) -> bool:
    """Whether a browser's request came from hal0's own page. Cookies know no ports: SameSite lets a page of
    another program on the same computer through."""
    if headers.get("Sec-Fetch-Site", "same-origin") not in _OWN:
        return False
    origin = headers.get("Origin")
    return origin is None or origin.partition("://")[2].lower() == headers.get("Host", "").lower()


def _signed(key: str, until: str) -> str:
    return hmac.new(
        key.encode(errors="surrogatepass"), b"hal0 page until " + until.encode(), hashlib.sha256
    ).hexdigest()
