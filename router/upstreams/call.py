"""What is sent to a server elsewhere: the address, the headers, the body. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from router.config.schema import UpstreamConfig, UpstreamKind

HOPS: Final = "X-Hal0-Hops"
MAX_HOPS: Final = 3
"""hal0s that ask each other go round in a circle; after so many the request comes home as an error."""

# Only these of the client's headers go on: never its key, its cookies, or where it is.
_FORWARDED: Final = ("Accept", "Anthropic-Version", "Anthropic-Beta", "OpenAI-Beta")


def _no_headers() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it could be sent to any upstream.

    Attributes:
        path: as hal0's own API has it, such as `/v1/chat/completions`.
        body: makes the body for the model of that name there.
        streams: whether the body asks for a stream.
        headers: the client's, with names in any case.
        inputs: how many texts are to be embedded or ranked; None where that is not known.
        takes_base64: whether embeddings may come in base64.
    """

    path: str
    body: Callable[[str], bytes]
    content_type: str = "application/json"
    method: str = "POST"
    streams: bool = False
    headers: Mapping[str, str] = field(default_factory=_no_headers, repr=False)
    inputs: int | None = None
    takes_base64: bool = True

    @property
    def hops(self) -> int:
        """How many hal0s it has come through before this one."""
        text = _get(self.headers, HOPS) or "0"
        return int(text) if text.isdecimal() and len(text) < 4 else MAX_HOPS


def url_for(upstream: UpstreamConfig, path: str) -> str | None:
    """Return where `path` is there; None where only a hal0 or llama-server would have it."""
    if upstream.kind is UpstreamKind.HAL0:
        return upstream.base_url + path
    return upstream.base_url + path.removeprefix("/v1") if path.startswith("/v1/") else None


def headers_for(call: Call, key: str | None) -> dict[str, str]:
    """`key` is the upstream's own. Nothing is compressed: streams are read as they come."""
    headers = {name: value for name in _FORWARDED if (value := _get(call.headers, name)) is not None}
    headers |= {"Accept-Encoding": "identity", HOPS: str(call.hops + 1)}
    if call.method != "GET":
        headers["Content-Type"] = call.content_type
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
        if "Anthropic-Version" in headers:
            headers["x-api-key"] = key
    return headers


def _get(headers: Mapping[str, str], name: str) -> str | None:
    """Look a header up by name in any case, in a mapping of any kind."""
    return next((value for key, value in headers.items() if key.lower() == name.lower()), None)
