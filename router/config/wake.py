"""What hal0.yaml says of waking another computer: its hardware address, and where the packet goes. Pure."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final

WAKE_PORT: Final = 9
"""Discard: where nobody listens (IANA); the network card reads the packet."""

MAC: Final = "^[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5}$"


def mac_address(text: str) -> str:
    """Return `aa:bb:cc:dd:ee:ff`. Raises ValueError with a sentence."""
    if re.fullmatch(MAC, text) is None:
        raise ValueError(f'must be the hardware address of its network card, aa:bb:cc:dd:ee:ff, not "{text}"')
    digits = re.sub("[:-]", "", text).lower()
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def wake_address(text: str) -> str:
    """Return the text if it is one for `broadcast`. Raises ValueError with a sentence."""
    broadcast(text)
    return text


def broadcast(text: str) -> tuple[str, int]:
    """Return host and port of `192.168.1.255` or `192.168.1.255:7`. Raises ValueError with a sentence."""
    host, colon, port = text.partition(":")
    try:
        IPv4Address(host)
    except AddressValueError:
        raise ValueError(f'must be an IPv4 address such as 192.168.1.255, not "{text}"') from None
    if not colon:
        return host, WAKE_PORT
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ValueError(f'must end with a port of 1 to 65535, not "{port}"')
    return host, int(port)
