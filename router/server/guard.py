"""Who may talk to the endpoint: Host and Origin against web pages, keys against everyone else.

A page in the person's browser can reach 127.0.0.1. It is kept out by its Origin, and by its Host when its
DNS name was made to point here (DNS rebinding); addresses and localhost cannot be rebound. Neither can get at a
key: a client that sends one may come by any name and from any page. Pure functions.
"""

from __future__ import annotations

import base64
import functools
import hmac
import socket
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum, auto
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from router.base.errors import ForbiddenOrigin, Unauthorized
from router.config import places

# Desktop programs' own pages; a web site cannot have these origins. (Ollama's defaults, and more
# frameworks.) Not those of browser extensions: any extension has one, and a hostile one would be let in, too.
_APP_SCHEMES: Final = frozenset(
    {"app", "capacitor", "file", "ionic", "tauri", "vscode-file", "vscode-webview", "wails"}
)
_CONTAINERS: Final = frozenset({"host.docker.internal", "gateway.docker.internal", "host.containers.internal"})
_KEY_HEADERS: Final = ("x-api-key", "api-key", "x-goog-api-key")  # Anthropic's, Azure's, Google's
_KEYS_IN_URLS: Final = frozenset({"key", "api_key", "api-key", "apikey", "token", "access_token"})


class Key(Enum):
    """How a right key came. AMBIENT: by Basic, which a browser adds by itself once a person has typed it in, so
    that it proves nothing about the page."""

    EXPLICIT = auto()
    AMBIENT = auto()


class Given(NamedTuple):
    """A right key, and how it came."""

    key: str
    how: Key


@functools.lru_cache(maxsize=64)  # 25 µs; a client sends the same one with every request
def check_host(host: str | None, allowed: tuple[str, ...] = ()) -> None:
    """Raise ForbiddenOrigin unless the Host header names this computer by address or a local name, or as one of
    `allowed` (server.allowed_hosts)."""
    name = _hostname(host or "")
    own = socket.gethostname().lower()
    local = name in {"localhost", own, f"{own}.local"} or name in _CONTAINERS or name.endswith(".localhost")
    if local or places.is_address(name) or matches(name, allowed):
        return
    raise ForbiddenOrigin(
        f'This endpoint does not answer to the name "{name[:80]}", as a web page could have made it point '
        "here; add it to server.allowed_hosts in hal0.yaml, set server.api_keys and send a key, "
        "or use 127.0.0.1 or localhost."
    )


def check_origin(origin: str | None, allowed: tuple[str, ...] = (), host: str | None = None) -> None:
    """Raise ForbiddenOrigin if a web page of another computer sent the request. No Origin: not a page.

    `allowed`: server.allowed_origins. `host`: the Host header, if `check_host` has nothing against it: a page
    of that name came from here, by whatever port or proxy.
    """
    if origin is None:
        return
    scheme, _, place = origin.lower().partition("://")
    if scheme in _APP_SCHEMES or origin_allowed(origin, allowed):
        return
    name = _hostname(without_dot(place)) if scheme in ("http", "https") else ""
    if name and (is_loopback(name) or name == _hostname(host or "")):
        return
    raise ForbiddenOrigin(
        f'Web pages of "{origin[:80]}" may not use this endpoint; add that to server.allowed_origins in '
        "hal0.yaml, set server.api_keys and send a key, or use a program on this computer."
    )


def check_key(headers: Mapping[str, str], keys: tuple[str, ...], query: Iterable[str] = ()) -> Key:
    """Return how one of `keys` came. Raises Unauthorized; `query`: the names in the URL's; no value is looked
    at."""
    found = given_key(headers, keys)
    if found is not None:
        return found.how
    if any(True for _ in _offered(headers)):
        raise Unauthorized("The API key is not one of server.api_keys in hal0.yaml; correct it in the client.")
    advice = "This endpoint needs an API key; send it as `Authorization: Bearer <key>`"
    if _KEYS_IN_URLS & {name.lower() for name in query}:
        advice += ", not in the URL: URLs are written into logs"
    raise Unauthorized(f"{advice}.")


def given_key(headers: Mapping[str, str], keys: tuple[str, ...]) -> Given | None:
    """Return which one of `keys` came as Bearer, as Basic's user or password, or in a header of its own.
    Where several came, one that is right is enough: programs send their own placeholder beside it."""
    found: Given | None = None
    for given, how in _offered(headers):
        offered = given.encode(errors="surrogateescape")
        # Every key is compared, so that the time tells nothing about which one was close.
        matching = [key for key in keys if hmac.compare_digest(offered, key.encode())]
        if matching and (found is None or found.how is not Key.EXPLICIT):
            found = Given(matching[0], how)
    return found


def sends_key(named: str) -> bool:
    """Return whether a preflight that asks for the headers `named` is for a request with a key."""
    return bool({"authorization", *_KEY_HEADERS} & {name.strip().lower() for name in named.split(",")})


def is_loopback(host: str | None) -> bool:
    """Return whether an address or name is this computer itself."""
    if host is None:
        return False
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return places.is_address(host) and places.is_loopback(host)


def without_dot(host: str) -> str:
    """`host` without the dot that ends a name which is meant to be complete: `localhost.:8080`."""
    if not host.endswith(".") and ".:" not in host:
        return host
    name, colon, port = host.partition(":")
    return f"{name.removesuffix('.')}{colon}{port}"


def matches(name: str, allowed: Iterable[str]) -> bool:
    """Return whether a host is one of `allowed`: `pc.local`, `*.ts.net` (all below it), `.example.org` (it,
    too)."""
    for pattern in allowed:
        below = pattern[1:] if pattern.startswith("*.") else pattern
        if name == pattern.removeprefix(".") or (below.startswith(".") and name.endswith(below)):
            return True
    return False


def origin_allowed(origin: str, allowed: Iterable[str]) -> bool:
    """Return whether it is one of `allowed`: `https://chat.example.org`, `https://*.example.org`."""
    lowered = origin.lower()
    scheme, _, place = lowered.partition("://")
    for pattern in allowed:
        if lowered == pattern:
            return True
        wanted, _, host = pattern.partition("://")
        if host.startswith("*.") and scheme == wanted and matches(place, (host,)):
            return True
    return False


def _offered(headers: Mapping[str, str]) -> Iterator[tuple[str, Key]]:
    """Yield everything that may be meant as a key."""
    for name, value in headers.items():
        if name.lower() == "authorization":
            scheme, _, rest = value.strip().partition(" ")
            if scheme.lower() == "bearer" and rest.strip():
                yield rest.strip(), Key.EXPLICIT
            elif scheme.lower() == "basic":
                yield from ((part, Key.AMBIENT) for part in _basic(rest.strip()))
            elif scheme and not rest and scheme.lower() != "bearer":  # the key alone
                yield scheme, Key.EXPLICIT
        elif name.lower() in _KEY_HEADERS:
            yield value.strip(), Key.EXPLICIT


def _basic(value: str) -> tuple[str, ...]:
    """Password and user; some programs put the key into the one, some into the other."""
    try:
        user, colon, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:  # not base64, not ASCII, not UTF-8
        return ()
    return (password, user) if colon and user else (password,)


def _hostname(netloc: str) -> str:
    """Return the host without port and brackets, in lower case."""
    try:
        return (urlsplit(f"//{netloc}").hostname or "").lower()
    except ValueError:
        return ""
