"""Two computers and the cables between them, as network namespaces of this one (Linux, root)."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from dataclasses import dataclass
from ipaddress import IPv4Interface

import aiohttp

from tests.e2e.harness import Hal0

KEY = "key-of-the-other-computer"

_numbers = itertools.count(os.getpid() % 200)


def why_not() -> str | None:
    """Why namespaces cannot be made here; None where they can."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's"
    probe = f"hal0probe{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    except FileNotFoundError:
        return "there is no `ip` program (packaging/system_packages.py test)"
    if made.returncode != 0:
        return f"this user may not make network namespaces ({made.stderr.strip()})"
    _ip("netns", "del", probe)
    return None


@dataclass(frozen=True)
class Cable:
    """`near` and `far` are its two addresses; `far` lies in the namespace `ends[1]`, on `device`."""

    near: str
    far: str
    ends: tuple[str, str]
    device: str

    @property
    def broadcast(self) -> str:
        """The address that reaches both ends."""
        return str(IPv4Interface(f"{self.far}/30").network.broadcast_address)

    def pull(self) -> None:
        """Nothing passes any more, and nobody is told: the near side's connections only fall silent."""
        _ip("-n", self.ends[1], "link", "set", self.device, "down")

    def plug(self) -> None:
        _ip("-n", self.ends[1], "link", "set", self.device, "up")


class TwoHosts:
    """`here` and `there`, joined by `between`; this process reaches them by `to_here` and `to_there`.

    `standby` has power while `there` sleeps: over it a network card hears the packet that wakes it.
    """

    def __init__(self) -> None:
        number = next(_numbers)
        self.here, self.there = f"hal0-here-{number}", f"hal0-there-{number}"
        for name in (self.here, self.there):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        self.between = _cable(number, 0, self.here, self.there)
        self.to_here = _cable(number, 4, "", self.here)
        self.to_there = _cable(number, 8, "", self.there)
        self.standby = _cable(number, 12, self.here, self.there)

    def close(self) -> None:
        """The cables go with their ends."""
        for name in (self.here, self.there):
            _ip("netns", "del", name)


def within(namespace: str) -> tuple[str, ...]:
    """What runs a command there; the process is the command's own."""
    return ("ip", "netns", "exec", namespace)


async def on_network(hal0: Hal0, address: str, namespace: str) -> Hal0:
    """To be run in this namespace, listening on all its addresses, for whoever has `KEY`."""
    file = hal0.home / "hal0.yaml"
    server = f"server: {{host: 0.0.0.0, port: {hal0.port}, api_keys: [{KEY}]}}"
    file.write_text(file.read_text().replace(f"server: {{port: {hal0.port}}}", server))
    hal0.host, hal0.within = address, within(namespace)
    await hal0.session.close()
    hal0.session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"})
    return hal0


def _cable(number: int, offset: int, near_end: str, far_end: str) -> Cable:
    """Addresses are 10.231.`number`.`offset`+1 and +2."""
    near, far = (f"10.231.{number}.{offset + side}" for side in (1, 2))
    near_device, far_device = (f"hal{number}n{offset}{side}" for side in "ab")
    _ip("link", "add", near_device, "type", "veth", "peer", "name", far_device)
    for device, address, end in ((near_device, near, near_end), (far_device, far, far_end)):
        place = ["-n", end] if end else []
        if end:
            _ip("link", "set", device, "netns", end)
        _ip(*place, "address", "add", f"{address}/30", "dev", device)
        _ip(*place, "link", "set", device, "up")
    return Cable(near, far, (near_end, far_end), far_device)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
