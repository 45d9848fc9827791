"""A request's body as the handlers want it: whole, unpacked, its JSON in UTF-8; bounded in size and time."""

from __future__ import annotations

import asyncio
import codecs
import math
import zlib
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, BOM_UTF32_BE, BOM_UTF32_LE
from typing import Final

from aiohttp import web

from router.base.errors import BadRequest, BodyTooLarge, RouterError, SlowBody, UnreadableBody
from router.config.sizes import memory_size
from router.server.request.context import RECORDING
from router.wire.encode import JSON

MAX_BODY: Final = 256 * 1024 * 1024
"""Bytes of the largest request body, also once it is unpacked: several photographs in base64."""

SILENCE_SECONDS: Final = 60.0
"""How long the rest of a body may stay away: a client on a poor link goes on sending."""

CODINGS = web.RequestKey("content codings", str)
"""`Content-Encoding` of a body that is still packed; absent where aiohttp has unpacked it."""

ACCEPTED: Final = "gzip, deflate"
_MOST_CODINGS: Final = 3
_IN_A_THREAD: Final = 16 * 1024  # bytes from which unpacking may take long enough to delay others
_STEP: Final = 1024 * 1024
_BOMS: Final = (
    (BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (BOM_UTF32_BE, "utf-32"),
    (BOM_UTF16_LE, "utf-16"),
    (BOM_UTF16_BE, "utf-16"),
)

_MARKED: Final = frozenset(mark[:1] for mark, _name in _BOMS)


async def read_body(request: web.Request) -> bytes:
    """Return the bytes that were packed. Raises BadRequest, BodyTooLarge, SlowBody, UnreadableBody."""
    written = request.get(CODINGS) if "Content-Encoding" in request.headers else None
    codings = _codings(written) if written else []
    raw = await _all(request)
    length = len(raw)
    limit = request.client_max_size
    for coding in reversed(codings):
        if not raw:
            break
        if len(raw) > _IN_A_THREAD:
            raw = await asyncio.to_thread(unpack, raw, coding, limit)
        else:
            raw = unpack(raw, coding, limit)
    try:
        request[RECORDING].read(raw, length)
    except KeyError:
        return raw  # it is nothing that is recorded
    return raw


async def read_json(request: web.Request) -> bytes:
    """Do the same as `read_body`, in UTF-8 whatever the client wrote it in."""
    raw = await read_body(request)
    if request.headers.get("Content-Type") == JSON and raw[:1] not in _MARKED:
        return raw  # most are: it names no charset
    return as_utf8(raw, request.charset)


def too_large(limit: int = MAX_BODY) -> BodyTooLarge:
    return BodyTooLarge(f"The request body is over {memory_size(limit)}; send less.")


def unpack(raw: bytes, coding: str, limit: int) -> bytes:
    """`raw` without its `coding` (`gzip`, `deflate`). No more than `limit` bytes are ever made of it.

    Raises BadRequest, BodyTooLarge.
    """
    parts, size = [], 0
    while raw:
        unpacker = zlib.decompressobj(_window(raw, coding))
        while not unpacker.eof:
            try:
                part = unpacker.decompress(raw, _STEP)
            except zlib.error as error:
                raise _damaged(coding, str(error)) from None
            parts.append(part)
            size += len(part)
            if size > limit:
                raise too_large(limit)
            if not part and not unpacker.unconsumed_tail and not unpacker.eof:
                raise _damaged(coding, "it ends too early")
            raw = unpacker.unconsumed_tail
        raw = unpacker.unused_data.lstrip(b"\0")  # gzip may come in several members
    return b"".join(parts)


def as_utf8(raw: bytes, charset: str | None) -> bytes:
    """JSON text as UTF-8. A byte order mark counts more than `charset`. Raises BadRequest, UnreadableBody."""
    marked = next((name for mark, name in _BOMS if raw.startswith(mark)), None)
    name = marked or charset or "utf-8"
    try:
        codec = codecs.lookup(name).name
        if codec in ("utf-8", "ascii"):
            return raw  # whether it is UTF-8 turns out when it is read
        return codecs.decode(raw, codec).encode()
    except UnicodeError as error:
        raise BadRequest(f"The request body is not {name} text as it says ({error}); send UTF-8.") from None
    except (LookupError, ValueError, TypeError, AttributeError):
        raise UnreadableBody(f'hal0 knows no charset "{name[:40]}"; send UTF-8.') from None


def _codings(written: str) -> list[str]:
    """Return the codings in the order in which they were applied. Raises UnreadableBody."""
    names = [name.strip().lower().removeprefix("x-") for name in written.split(",")]
    codings = [name for name in names if name not in ("", "identity")]
    for name in codings:
        if name not in ("gzip", "deflate") or len(codings) > _MOST_CODINGS:
            raise UnreadableBody(
                f"The body's Content-Encoding ({written[:80]}) cannot be read; send it as it is, or with one "
                f"of: {ACCEPTED}."
            )
    return codings


def _window(raw: bytes, coding: str) -> int:
    """zlib's `wbits`. What is called deflate has zlib's head, except from those who took the name literally."""
    if coding == "gzip":
        return 31
    has_head = raw[0] & 0x0F == 8 and len(raw) > 1 and (raw[0] << 8 | raw[1]) % 31 == 0
    return 15 if has_head else -15


def _damaged(coding: str, reason: str) -> BadRequest:
    return BadRequest(f"The request body is no {coding} ({reason}); send it again, or as it is.")


async def _all(request: web.Request) -> bytes:
    body, limit, content = bytearray(), request.client_max_size, request.content
    if content.is_eof() and content.total_bytes <= limit:  # it has come with its head, as most do
        return content.read_nowait()
    try:
        while not request.content.at_eof():
            async with asyncio.timeout(SILENCE_SECONDS):
                body += await request.content.readany()
            if len(body) > limit:
                raise too_large(limit)
    except TimeoutError:
        raise SlowBody(
            f"Nothing of the body came for {SILENCE_SECONDS:g} s, though it is not complete; send it again."
        ) from None
    return bytes(body)


def error_headers(error: RouterError) -> dict[str, str]:
    """Return what a refusal says besides its body: when to try again, or not to, and what could have been
    read."""
    headers = {}
    if error.retry_after is not None and error.mends:
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if error.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, UnreadableBody):
        headers["Accept-Encoding"] = ACCEPTED
    if not error.mends:
        headers["X-Should-Retry"] = "false"  # OpenAI's and Anthropic's SDKs go by it
    return headers
