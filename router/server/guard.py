"""Who may talk to the endpoint: Host and Origin against web pages, keys against everyone else.

A page in the person's browser can reach 127.0.0.1. It is kept out by its Origin, and by its Host when its
DNS name was made to point here (DNS rebinding); addresses and localhost cannot be rebound. Pure functions.
"""

from __future__ import annotations

import base64
import functools
import hmac
import ipaddress
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from router.errors import ForbiddenOrigin, Unauthorized

# Desktop programs' own pages; a web site cannot have these origins. (Ollama's defaults are the same.)
_APP_SCHEMES = frozenset({"app", "file", "tauri", "vscode-webview"})


@functools.lru_cache(maxsize=64)  # 25 µs; a client sends the same one with every request
def check_host(host: str | None) -> None:
    """Raise ForbiddenOrigin unless the Host header names this computer by address or a local name."""
    name = _hostname(host or "")
    local = {"localhost", "host.docker.internal", socket.gethostname().lower()}
    if name in local or name.endswith(".localhost") or _is_address(name):
        return
    raise ForbiddenOrigin(f'This endpoint does not answer to the name "{name}"; use 127.0.0.1 or localhost.')


def check_origin(origin: str | None) -> None:
    """Raise ForbiddenOrigin if a web page of another computer sent the request. No Origin: not a page."""
    if origin is None:
        return
    scheme, _, place = origin.partition("://")
    if scheme in _APP_SCHEMES:
        return
    if scheme in ("http", "https") and is_loopback(_hostname(place)):
        return
    raise ForbiddenOrigin(f'Web pages of "{origin}" may not use this endpoint; use a program on this computer.')


def check_key(headers: Mapping[str, str], keys: tuple[str, ...]) -> None:
    """Raise Unauthorized unless one of `keys` came as Bearer, Basic password, or x-api-key."""
    given = _given_key(headers)
    if given is None:
        raise Unauthorized("This endpoint needs an API key; send it as `Authorization: Bearer <key>`.")
    # Every key is compared, so that the time tells nothing about which one was close.
    offered = given.encode(errors="surrogateescape")
    matches = [hmac.compare_digest(offered, key.encode()) for key in keys]
    if not any(matches):
        raise Unauthorized("The API key is not one of server.api_keys in hal0.yaml; correct it in the client.")


def is_loopback(host: str | None) -> bool:
    """Whether an address or name is this computer itself."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if not _is_address(host):
        return False
    address = ipaddress.ip_address(host)
    # A socket on "::" sees this computer's IPv4 clients as ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def _given_key(headers: Mapping[str, str]) -> str | None:
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    if scheme.lower() == "basic" and value:
        return _basic_password(value)
    return headers.get("x-api-key")


def _basic_password(value: str) -> str | None:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except ValueError:  # not base64, not ASCII, not UTF-8
        return None


def _hostname(netloc: str) -> str:
    """Without port and brackets, in lower case."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
