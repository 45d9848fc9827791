"""The packet that wakes another computer (AMD's Magic Packet), and where it is sent."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network
from typing import Final
from urllib.parse import urlsplit

import psutil

from router.config.schema import UpstreamConfig
from router.config.wake import WAKE_PORT, broadcast

log = logging.getLogger(__name__)

EVERYWHERE: Final = "255.255.255.255"
NEIGHBOURS: Final = "ff02::1"
"""All that are on one link (RFC 4291); which link the scope says."""

Target = tuple[str, int] | tuple[str, int, int, int]
"""Where a datagram goes: host and port; of IPv6 also flow and scope."""


def magic_packet(mac: str) -> bytes:
    """Return what wakes the card with this address: six times 0xff, then the address sixteen times."""
    return b"\xff" * 6 + bytes.fromhex(mac.replace(":", "")) * 16


def broadcasts(host: str, networks: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return the broadcast addresses to send to: that of the network which `host` is in, else all there are.

    `networks`: this computer's, each as its own address and netmask. `host`: "" or a name if its address is not
    known.
    """
    known = [IPv4Network(network, strict=False) for network in map("/".join, networks)]
    known = [network for network in known if not network.is_loopback and network.prefixlen < 31]
    try:
        its = [network for network in known if IPv4Address(host) in network]
    except ValueError:
        its = []
    found = [str(network.broadcast_address) for network in its or known]
    return tuple(dict.fromkeys([*found, *([] if its else [EVERYWHERE])]))


async def send_packet(upstream: UpstreamConfig) -> None:
    """Send the packet for `upstream`, to `wake_address` or where it is found to be. Raises OSError if it could
    be sent nowhere."""
    assert upstream.wake is not None, "only those with an address are woken"
    targets: list[Target]
    if upstream.wake_address is not None:
        targets = [broadcast(upstream.wake_address)]
    else:
        host = await _address(urlsplit(upstream.base_url).hostname or "")
        networks, links = await asyncio.to_thread(_networks)
        targets = [(address, WAKE_PORT) for address in broadcasts(host, networks)]
        if not host:  # it may have IPv6 alone
            targets += [(NEIGHBOURS, WAKE_PORT, 0, link) for link in links]
    await asyncio.to_thread(_send, magic_packet(upstream.wake), targets)


async def _address(host: str) -> str:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, family=socket.AF_INET)
    except OSError:
        return ""  # a name that only the sleeping one itself could tell
    return str(found[0][4][0])


def _networks() -> tuple[list[tuple[str, str]], list[int]]:
    """Return this computer's IPv4 networks, as `broadcasts` takes them, and the scopes of its IPv6 links."""
    found = [one for addresses in psutil.net_if_addrs().values() for one in addresses]
    networks = [(one.address, one.netmask) for one in found if one.family is socket.AF_INET and one.netmask]
    return networks, scopes(one.address for one in found if one.family is socket.AF_INET6)


def scopes(addresses: Iterable[str]) -> list[int]:
    """Return the numbers of the links in `fe80::1%eth0` (Windows: `%12`), each once; of others none."""
    found: list[int] = []
    for address in addresses:
        host, _, link = address.partition("%")
        if not link or not host.lower().startswith("fe80"):
            continue
        try:
            found.append(int(link) if link.isdecimal() else socket.if_nametoindex(link))
        except OSError as error:
            log.debug("%s has no number: %s", link, error)
    return list(dict.fromkeys(found))


def _send(packet: bytes, targets: Sequence[Target]) -> None:
    """Raise OSError if no target took it."""
    failed: OSError | None = None
    sent = 0
    for target in targets:
        family = socket.AF_INET6 if len(target) == 4 else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as out:
                if family == socket.AF_INET:
                    out.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
                out.sendto(packet, target)
            sent += 1
        except OSError as error:
            log.debug("no packet to %s: %s", target[0], error)
            failed = error
    if failed is not None and not sent:
        raise failed
