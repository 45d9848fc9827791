"""The page's files, ready to be sent. They are read when somebody opens the page, and stay in memory."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from router.server.routes.page_document import Document, joined

TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
ICON: Final = "icon.svg"
INDEX: Final = "index.html"


@dataclass(frozen=True, slots=True)
class PageFile:
    """`body` as it is, `packed` with gzip; `etag` with its quotes."""

    content_type: str
    body: bytes = field(repr=False)
    packed: bytes = field(repr=False)
    etag: str


class PageFiles:
    """`folder` holds them; their names are relative to it, with slashes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: tuple[Mapping[str, PageFile], Document] | None = None
        self._reading = asyncio.Lock()

    async def get(self, name: str) -> PageFile | None:
        return (await self._all())[0].get(name)

    async def document(self) -> Document:
        return (await self._all())[1]

    async def _all(self) -> tuple[Mapping[str, PageFile], Document]:
        async with self._reading:
            if self._read is None:
                self._read = await asyncio.to_thread(_read, self._folder)
        return self._read


def _read(folder: Path) -> tuple[Mapping[str, PageFile], Document]:
    files = read_files(folder)
    return files, joined(files[INDEX].body.decode(), {name: file.body for name, file in files.items()})


def read_files(folder: Path) -> dict[str, PageFile]:
    """Every file below `folder` of a type that a page is made of, and hal0's icon. Raises OSError."""
    found = {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.suffix in TYPES}
    found[ICON] = folder.parent / "icons" / "hal0.svg"
    return {name: _page_file(file) for name, file in sorted(found.items())}


def _page_file(file: Path) -> PageFile:
    body = file.read_bytes()
    etag = f'"{hashlib.sha256(body).hexdigest()[:20]}"'
    return PageFile(TYPES[file.suffix], body, gzip.compress(body, 9, mtime=0), etag)
