"""A local server that speaks as much of GitHub's release API as hal0 uses, and can misbehave."""

from __future__ import annotations

import asyncio
import hashlib
import io
import platform
import tarfile
import zipfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum

from aiohttp import web
from aiohttp.test_utils import TestServer

from router.engine.store import SERVER_NAME
from tests.router.engine.fake_engines import script

_OS = {"Linux": "ubuntu", "Darwin": "macos"}.get(platform.system(), "win-cpu")
_ARCH = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
WINDOWS = platform.system() == "Windows"
NAME = f"llama-b11433-bin-{_OS}-{_ARCH}{'.zip' if WINDOWS else '.tar.gz'}"


class Fault(StrEnum):
    NONE = "none"
    WRONG_DIGEST = "wrong digest"
    NO_DIGEST = "no digest"
    CUT = "cut"
    STALL = "stall"
    RATE_LIMIT = "rate limit"
    NO_BINARIES = "no binaries"


def archive(content: bytes | None = None, *, evil: bool = False) -> bytes:
    """A release archive around a fake llama-server, large enough to be cut in half."""
    folder, library = ("", "llama.dll") if WINDOWS else ("llama-b11433/", "libllama.so")
    files = {f"{folder}{SERVER_NAME}": content or script("0.6.0 (build 11433, commit x)")}
    if evil:
        files["../../../evil"] = b"evil"
    return pack({**files, f"{folder}{library}": bytes(3 << 20)})


def pack(files: Mapping[str, bytes]) -> bytes:
    """An archive as the releases for this system are."""
    packed = io.BytesIO()
    if WINDOWS:
        with zipfile.ZipFile(packed, "w") as zipped:
            for name, data in files.items():
                zipped.writestr(name, data)
        return packed.getvalue()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=0) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o755
            tar.addfile(info, io.BytesIO(data))
    return packed.getvalue()


class ReleaseServer:
    """`api` goes to install_engine. `stalled` is set when a STALL download has sent its first half; `fetched`
    are the names of the files that were asked for."""

    def __init__(self, content: bytes, fault: Fault, files: Mapping[str, bytes] | None = None) -> None:
        self.content = content
        self.files = files or {NAME: content, "llama-b11433-ui.tar.gz": content}
        self.fault = fault
        self.fetched: list[str] = []
        self.stalled = asyncio.Event()
        self.released = asyncio.Event()
        app = web.Application()
        app.router.add_get("/releases/latest", self._latest)
        app.router.add_get("/releases/tags/b11433", self._build)
        app.router.add_get("/file/nightly-tag.txt", self._pointer)
        app.router.add_get("/file/{name}", self._file)
        self.server = TestServer(app)

    @property
    def downloads(self) -> int:
        return len(self.fetched)

    @property
    def api(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    def _asset(self, name: str, data: bytes) -> dict[str, object]:
        digest: str | None = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if self.fault is Fault.WRONG_DIGEST and name == NAME:
            digest = f"sha256:{'0' * 64}"
        if self.fault is Fault.NO_DIGEST:
            digest = None if name == NAME else digest
        return {
            "name": name,
            "size": len(data),
            "digest": digest,
            "browser_download_url": f"{self.api}/file/{name}",
        }

    async def _latest(self, _request: web.Request) -> web.Response:
        if self.fault is Fault.RATE_LIMIT:
            return web.json_response({"message": "API rate limit exceeded"}, status=403)
        pointer = self._asset("nightly-tag.txt", b"b11433\n")
        return web.json_response({"tag_name": "v0.6.0", "assets": [pointer]})

    async def _build(self, _request: web.Request) -> web.Response:
        shown = {n: data for n, data in self.files.items() if n != NAME or self.fault is not Fault.NO_BINARIES}
        assets = [self._asset(name, data) for name, data in shown.items()]
        return web.json_response({"tag_name": "b11433", "assets": assets})

    async def _pointer(self, _request: web.Request) -> web.Response:
        return web.Response(body=b"b11433\n")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        content = self.files[name]
        self.fetched.append(name)
        response = web.StreamResponse(headers={"Content-Length": str(len(content))})
        await response.prepare(request)
        half = len(content) // 2
        await response.write(content[:half])
        if self.fault is Fault.CUT:
            assert request.transport is not None
            request.transport.abort()
            return response
        if self.fault is Fault.STALL:
            self.stalled.set()
            await self.released.wait()
            return response
        await response.write(content[half:])
        return response


@asynccontextmanager
async def serving(
    content: bytes | None = None, fault: Fault = Fault.NONE, files: Mapping[str, bytes] | None = None
) -> AsyncIterator[ReleaseServer]:
    releases = ReleaseServer(content or archive(), fault, files)
    await releases.server.start_server()
    try:
        yield releases
    finally:
        releases.released.set()
        await releases.server.close()
