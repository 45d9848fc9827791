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
from urllib.parse import urlsplit

_ADDRESS: Final = re.compile(
    r"(?:https?|hf|ollama|docker)://|(?:hf|huggingface|hf\.co|ollama):?[:/]", re.IGNORECASE
)
_VARIABLE: Final = re.compile(r"\$\{?[A-Za-z_]|%[A-Za-z_][\w()]*%")
_PRIVATE: Final = frozenset({"local", "lan", "home", "internal", "localdomain", "localhost", "test"})
"""Top-level names that nobody can register, so that no web page can have a name below them."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*")
_NAME_IN_URL: Final = re.compile(r"[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?")  # compose services have underscores
_HOST_NAME: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?")


def expand(text: str, folder: Path) -> Path:
    """Return an absolute path: `~` is the home folder, a relative one starts at `folder`. May raise
    ValueError."""
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        raise ValueError(f'the home folder in "{text}" is not known; write the whole path') from None


def find(text: str, folders: Iterable[Path]) -> Path:
    """Return `text` in the first of `folders` that has it, else where it would be in the first. May raise
    ValueError."""
    candidates = [expand(text, folder) for folder in folders]
    return next((path for path in candidates if exists(path)), candidates[0])


def program(text: str, folder: Path) -> Path:
    """Return a program's path; a bare name (`llama-server`) is looked up as a shell would. May raise
    ValueError."""
    bare = Path(text).name == text and not text.startswith("~")
    found = shutil.which(text) if bare else None
    return Path(found).absolute() if found else expand(text, folder)


def unexpanded(path: str) -> str:
    """Return a remark on a path that does not exist, where it looks as if a shell should have expanded
    something."""
    if path.lower().startswith("file:"):
        return " (write the path alone, without file://)"
    if _ADDRESS.match(path):
        return " (that is no path: `hal0 model pull org/repo` fetches a model, which then needs no file:)"
    if (variable := _VARIABLE.search(path)) is None:
        return ""
    written = "%NAME%" if variable[0].startswith("%") else "$NAME"
    return f" ({written} is not filled in here: write the whole path, or ~)"


def exists(path: Path) -> bool:
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
    """Return who reaches `text`, as typed; NOBODY: it is not an address to listen on. `resolves` is asked about
    names.

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
    """Return an IP address or host name to listen on. Raises ValueError for anything else, such as a URL.

    A name with a dot may belong to a network that comes up later, so only names without one are looked up. May
    block.
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
    """Return whether this computer knows an address for `name` now. Blocks."""
    try:
        return bool(socket.getaddrinfo(name, None))
    except (OSError, UnicodeError):
        return False


def all_here(addresses: str) -> bool:
    """Return whether only this computer answers at all of `host:port,host:port`."""
    hosts = (address.rpartition(":")[0].strip(" []") for address in addresses.split(","))
    return all(is_loopback(host) for host in hosts)


def host_and_port(text: str) -> str:
    """Return `host:port` as written. Raises ValueError for anything else."""
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


class NotWritten(ValueError):
    """An entry that cannot be used; `suggestion`: what was most likely meant."""

    def __init__(self, sentence: str, suggestion: str | None = None) -> None:
        super().__init__(sentence)
        self.suggestion = suggestion


def host_pattern(text: str) -> str:
    """Return `pc.local`, `*.ts.net` (every name below it) or `.example.org` (itself, too), in lower case.

    Raises NotWritten for anything else, including `*` and `*.com`, by which any web page could call.
    """
    text = text.strip()
    plain = _ascii(text.lower()).removesuffix(".")
    name = plain.removeprefix("*").removeprefix(".")
    wild = name != plain
    if "*" in name or not name:
        raise NotWritten(
            f'"{text}" would let web pages of any name call; name the hosts (pc.local, *.ts.net), or set '
            "api_keys: who sends a key may come by any name"
        )
    bare = name.removeprefix("[").removesuffix("]")
    if is_address(bare):
        return bare
    if not _NAME_IN_URL.fullmatch(name):
        meant = urlsplit(name if "://" in name else f"//{name}").hostname if name.isprintable() else None
        good = meant if meant and _NAME_IN_URL.fullmatch(meant) else None
        raise NotWritten(f'"{text}" is no host name; write it without http://, port and path', good)
    if wild and "." not in name and name not in _PRIVATE:
        raise NotWritten(
            f'"{text}" holds names of anybody; write the one of your own, such as *.example.{name}'
        )
    return plain


def _ascii(name: str) -> str:
    """Return it as browsers send it: `büro.local` is `xn--bro-hoa.local` there."""
    try:
        return name if name.isascii() else name.encode("idna").decode()
    except UnicodeError:
        return name


def origin_pattern(text: str) -> str:
    """Return `https://chat.example.org[:port]`, `https://*.example.org` or `chrome-extension://id`, in lower
    case.

    Raises NotWritten for anything else.
    """
    text = text.strip()
    told = text.lower().removesuffix("/")
    scheme, sign, place = told.partition("://")
    told = f"{scheme}://{_ascii(place)}" if sign else told
    scheme, sign, place = told.partition("://")
    name, colon, port = place.partition(":") if not place.startswith("[") else (place, "", "")
    if told in ("*", "null") or place == "*":
        raise NotWritten(
            f'"{text}" would let any web page call; name the pages (https://chat.example.org), or set '
            "api_keys: a page that sends a key is let in"
        )
    if not sign:
        good = f"https://{told}" if _NAME_IN_URL.fullmatch(told) else None
        raise NotWritten(
            f'"{text}" is no origin; write scheme and host, such as https://chat.example.org', good
        )
    if "/" in place:
        raise NotWritten(
            f'"{text}" holds a path; write scheme and host alone', f"{scheme}://{place.split('/')[0]}"
        )
    if not _SCHEME.fullmatch(scheme) or (colon and not port.isdecimal()) or not _is_origin_host(name):
        raise NotWritten(f'"{text}" is no origin; write scheme and host, such as https://chat.example.org')
    return told


def _is_origin_host(name: str) -> bool:
    if name.startswith("*."):
        host_pattern(name)
        name = name[2:]
    bare = name.removeprefix("[").partition("]")[0]
    return bool(_NAME_IN_URL.fullmatch(name)) or is_address(bare)


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(text: str) -> bool:
    """Return whether only this computer can reach `text` (from `host`)."""
    try:
        address = ipaddress.ip_address(text)
        # A socket on "::" sees this computer's IPv4 clients as ::ffff:127.0.0.1.
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    except ValueError:
        return text.lower() == "localhost"
