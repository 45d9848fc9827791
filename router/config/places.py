"""Paths and addresses as they are written in the configuration."""

from __future__ import annotations

import ipaddress
import re
import shutil
import socket
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def expand(text: str, folder: Path) -> Path:
    """An absolute path: `~` is the home folder, a relative one starts at `folder`. May raise ValueError."""
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f'the home folder in "{text}" is not known; write the whole path') from None


def find(text: str, folders: Iterable[Path]) -> Path:
    """The first of `folders` that has `text`, else where it would be in the first. May raise ValueError."""
    candidates = [expand(text, folder) for folder in folders]
    return next((path for path in candidates if _exists(path)), candidates[0])


def program(text: str, folder: Path) -> Path:
    """A program's path; a bare name (`llama-server`) is looked up as a shell would. May raise ValueError."""
    bare = Path(text).name == text and not text.startswith("~")
    found = shutil.which(text) if bare else None
    return Path(found).absolute() if found else expand(text, folder)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # such as a name longer than the file system allows
        return False


class Reach(StrEnum):
    """Who could use an endpoint that listens on an address."""

    NOBODY = "nobody"
    HERE = "here"
    NETWORK = "network"


def reach(text: str, resolves: Callable[[str], bool]) -> Reach:
    """Who reaches `text`, as typed; NOBODY: it is no address to listen on. `resolves` is asked about names.

    A name that resolves counts as open to the network: what it stands for may change.
    """
    bare = text.removeprefix("[").removesuffix("]") if text.endswith("]") else text
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        if text.lower() == "localhost":
            return Reach.HERE
        named = _HOST_NAME.fullmatch(text) and not re.fullmatch(r"[0-9.]+", text)
        return Reach.NETWORK if named and resolves(text) else Reach.NOBODY
    if address.is_multicast or text == "255.255.255.255":
        return Reach.NOBODY
    return Reach.HERE if is_loopback(bare) else Reach.NETWORK


def host(text: str) -> str:
    """An IP address or host name to listen on. Raises ValueError for anything else, such as a URL.

    A name with a dot may belong to a network that comes up later, so only plain ones are looked up. May block.
    """
    if reach(text, lambda name: "." in name or resolves(name)) is Reach.NOBODY:
        extra = "; the port is a setting of its own" if ":" in text.rpartition("]")[2] else ""
        raise ValueError(
            f'"{text}" is no IP address or host name{extra}; write 127.0.0.1 for this computer only, '
            "or 0.0.0.0 for the network"
        )
    bare = text.removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return text


def resolves(name: str) -> bool:
    """Whether this computer knows an address for `name` now. Blocks."""
    try:
        return bool(socket.getaddrinfo(name, None))
    except (OSError, UnicodeError):
        return False


def all_here(addresses: str) -> bool:
    """Whether of `host:port,host:port` only this computer answers."""
    hosts = (address.rpartition(":")[0].strip(" []") for address in addresses.split(","))
    return all(is_loopback(host) for host in hosts)


def host_and_port(text: str) -> str:
    """`host:port` as written. Raises ValueError for anything else."""
    name, colon, port = text.rpartition(":")
    bare = name.removeprefix("[").removesuffix("]")
    try:
        ipaddress.ip_address(bare)
        known = True
    except ValueError:
        known = bool(_HOST_NAME.fullmatch(name)) and not re.fullmatch(r"[0-9.]+", name)
    if not (known and colon and port.isdecimal() and 1 <= int(port) <= 65535):
        raise ValueError(f'"{text}" is no host and port; write something like 10.0.0.3:50052')
    return text


def is_loopback(text: str) -> bool:
    """Whether only this computer can reach `text` (from `host`)."""
    try:
        address = ipaddress.ip_address(text)
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        return text.lower() == "localhost"
