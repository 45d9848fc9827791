"""Why a server elsewhere did not answer, in words, and whether another may be asked instead. No I/O.

The next one is asked where the fault lies with this one: out of reach, overloaded, unpaid, a key it does not
accept, a model it does not have. What it finds wrong with the request itself, every other would, too.
"""

from __future__ import annotations

import ssl
from typing import Final

import aiohttp

from router.base.error_text import error_text
from router.base.os_errors import connection_words

_EXPLAINED: Final = {
    401: "it does not accept the key",
    402: "it wants to be paid first",
    403: "it does not allow this",
    404: "it has no such model or path",
    405: "it has no such path",
    408: "it gave up waiting",
    410: "it no longer has that",
    423: "it is locked",
    424: "something it needs has failed",
    425: "it is too early for it",
    429: "it has too many requests",
    451: "it may not answer that where it is",
}

# The other numbers below 500 that are known: what was asked is wrong, and would be anywhere.
_REQUESTS_FAULT: Final = frozenset({400, 406, 409, *range(411, 419), 422, 426, 428, 431})


def moves_on(status: int) -> bool:
    """Return whether an answer with this status sends the request to the next upstream."""
    return status >= 300 and status not in _REQUESTS_FAULT


def status_reason(status: int, phrase: str, body: bytes | str) -> str:
    """`402 Payment Required (it wants to be paid first): Insufficient credits`."""
    head = f"{status} {phrase}".strip()
    if 300 <= status < 400:
        return f"{head}: it sends requests elsewhere, which hal0 does not follow; correct its base_url"
    explained = f" ({_EXPLAINED[status]})" if status in _EXPLAINED else ""
    said = error_text(body).rstrip(" .")
    if said.casefold().replace(" ", "") == head.casefold().replace(" ", ""):
        said = ""  # nginx's page says the status again
    return f"{head}{explained}: {said}" if said else f"{head}{explained}"


def failure_reason(error: BaseException) -> str:
    """Return what an exception of aiohttp's client means."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {_certificate(error.certificate_error)}"
        case aiohttp.ClientConnectorSSLError():
            return "it does not speak TLS as https:// needs it; is it http://?"
        case aiohttp.ClientConnectorDNSError():
            return "its name could not be found (DNS)"
        case aiohttp.ClientConnectorError():
            return f"it could not be reached ({_plain(error.os_error)})"
        case aiohttp.ConnectionTimeoutError():
            return "it did not take the connection in time"
        case TimeoutError():
            return "it did not answer in time"
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError():
            return "it closed the connection"
        case aiohttp.ClientResponseError():
            return "its answer is not HTTP"
        case OSError():
            return f"the connection broke ({_plain(error)})"
        case aiohttp.ClientConnectionError():
            return "the connection broke"
    return type(error).__name__


def is_link_failure(error: BaseException) -> bool:
    """Return whether the server as a whole is out of reach, and not only this request."""
    return not isinstance(error, TimeoutError) or isinstance(error, aiohttp.ConnectionTimeoutError)


def is_of_answer(error: BaseException) -> bool:
    """Return whether the server took the request, and only what came of it is none: others are answered."""
    return isinstance(error, aiohttp.ClientResponseError | aiohttp.ServerDisconnectedError)


def _certificate(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"{error.verify_message}".rstrip(".")
    return "it is made out to another name"


def _plain(error: OSError) -> str:
    """Return `Connection refused`, without addresses and numbers: asyncio's own text has both."""
    return connection_words(getattr(error, "os_error", error)) or "no address of it answers"
