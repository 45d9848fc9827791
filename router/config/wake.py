"""What hal0.yaml says of waking another computer: its hardware address, and where the packet goes. Pure."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address
from typing import Final

WAKE_PORT: Final = 9
"""Discard: where nobody listens (IANA); the network card reads the packet."""

MAC: Final = "^[0-9A-Fa-f]{2}([:.-]?[0-9A-Fa-f]{2}){5}$"
_FOR_MANY: Final = 0x01
"""The bit of the first byte that makes an address one of a group (IEEE 802)."""


def mac_address(text: str) -> str:
    """Return `aa:bb:cc:dd:ee:ff`, also of `AA-BB-CC-DD-EE-FF`, `aabb.ccdd.eeff` and `aabbccddeeff`. Raises
    ValueError with a sentence."""
    if re.fullmatch(MAC, text) is None:
        raise ValueError(f'must be the hardware address of its network card, aa:bb:cc:dd:ee:ff, not "{text}"')
    card = bytes.fromhex(re.sub("[:.-]", "", text))
    if not any(card):
        raise ValueError(f'must be the address of its network card; "{text}" stands for none')
    if card[0] & _FOR_MANY:
        everybody = card == b"\xff" * len(card)
        raise ValueError(
            f'must be the address of its own network card; "{text}" is one for '
            f"{'everybody (broadcast)' if everybody else 'a group of them (multicast)'}"
        )
    return card.hex(":")


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
