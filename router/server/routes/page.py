"""The page for browsers, at `/`: static files, which ask the same API as everybody; and the state."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from resources import page_folder
from router.base.errors import PathNotFound
from router.server.request.context import OBSERVES
from router.server.request.within import seen
from router.server.routes.page_document import Document
from router.server.routes.page_files import PageFile, PageFiles
from router.state import Snapshot
from router.wire.snapshot import snapshot_json

PREFIX: Final = "/page/"


def _policy(scripts: Sequence[str] = (), styles: Sequence[str] = ()) -> str:
    """Return a policy that also allows what has these hashes."""
    return "; ".join(
        (
            "default-src 'none'",
            " ".join(("script-src 'self'", *scripts)),
            " ".join(("style-src 'self'", *styles)),
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            # Nothing becomes HTML but what the sanitiser has made.
            "require-trusted-types-for 'script'",
            "trusted-types dompurify",
        )
    )


HEADERS: Final = {
    "Content-Security-Policy": _policy(),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",  # asked for each time, answered with 304
}
_FILES: Final = web.AppKey("page files", PageFiles)


def add_routes(app: web.Application) -> None:
    app[_FILES] = PageFiles(page_folder())
    app.router.add_get(PREFIX + "{file:.+}", one_file)


async def front(request: web.Request) -> web.Response:
    """`/`, for who takes HTML: with the state for who may read it, so it is nothing to keep."""
    document = await request.app[_FILES].document()
    state = seen(request) if request.get(OBSERVES) else None
    packed = _takes_gzip(request)
    headers = {
        **HEADERS,
        "Content-Security-Policy": _policy(document.scripts, document.styles),
        "Cache-Control": "no-store",
        "Vary": "Accept, Accept-Encoding",
        "Content-Type": "text/html; charset=utf-8",
        **({"Content-Encoding": "gzip"} if packed else {}),
    }
    return web.Response(body=await asyncio.to_thread(_body, document, state, packed), headers=headers)


def _body(document: Document, state: Snapshot | None, packed: bool) -> bytes:
    told = snapshot_json(state) if state is not None else None
    return document.gzipped(told) if packed else document.plain(told)


async def one_file(request: web.Request) -> web.Response:
    name = request.match_info["file"]
    found = await request.app[_FILES].get(name)
    if found is None:
        raise PathNotFound(f"The page has no file {name[:200]}; open /.")
    return _answer(request, found)


def is_wanted(request: web.Request) -> bool:
    """Whether a browser asks for `/`: it names text/html, and likes nothing better. `*/*` is a program."""
    accepted = _accepted(request.headers.get("Accept", ""))
    html = accepted.get("text/html", 0.0)
    return _FILES in request.app and html > 0 and html >= accepted.get("application/json", 0.0)


def _accepted(header: str) -> dict[str, float]:
    """Media type -> its q (RFC 9110, 12.5.1)."""
    found: dict[str, float] = {}
    for entry in header.lower().split(","):
        kind, *parameters = (part.strip() for part in entry.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            found[kind] = float(quality)
        except ValueError:
            found[kind] = 0.0
    return found


def _answer(request: web.Request, file: PageFile) -> web.Response:
    headers = {**HEADERS, "ETag": file.etag, "Vary": "Accept, Accept-Encoding"}
    if file.etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    headers["Content-Type"] = file.content_type
    if _takes_gzip(request):
        return web.Response(body=file.packed, headers={**headers, "Content-Encoding": "gzip"})
    return web.Response(body=file.body, headers=headers)


def _takes_gzip(request: web.Request) -> bool:
    return _accepted(request.headers.get("Accept-Encoding", "")).get("gzip", 0.0) > 0
