"""A local server that speaks Hugging Face's protocol, as far as hal0 and huggingface_hub use it: two origins.

As there, `/resolve/` answers with the file's checksum and commit in headers and redirects to a content network,
which knows ranges and must never see the token. It can misbehave; each fault is named by an attribute.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import web

COMMIT = "c0ffee" + "0" * 34
DEADLINE = 20.0
WINDOW = 4 << 20
"""What is asked for to read a header; only longer answers are held."""


@dataclass
class Repo:
    """`token`: who may see it, None for everybody. `gated`: its list is public, its files want the token.
    `gguf`: what the hub has read in its files."""

    files: dict[str, bytes]
    token: str | None = None
    gated: bool = False
    commit: str = COMMIT
    downloads: int = 0
    licence: str | None = None
    gguf: dict[str, object] | None = None

    def row(self, expand: set[str]) -> dict[str, object]:
        """One row of a search."""
        tags = ["gguf", *([f"license:{self.licence}"] if self.licence else [])]
        whole: dict[str, object] = {
            "downloads": self.downloads,
            "likes": 3,
            "gated": "manual" if self.gated else False,
            "tags": tags,
            "siblings": [{"rfilename": path} for path in self.files],
            **({"gguf": self.gguf} if self.gguf else {}),
        }
        return {name: value for name, value in whole.items() if name in expand}


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    range: str | None
    authorization: str | None
    cdn: bool


@dataclass
class HubServer:
    """Faults: `cuts`: the next downloads end after so many bytes. `busy`: the next requests for a file are
    refused with (status, Retry-After). `corrupt`: names of files that arrive changed. `ignores_ranges`.
    `sign_in_page`: a search is answered as a hotel's network does.
    `hold_after`: a download stops after so many bytes and sets `held`, until `release` is set."""

    repos: dict[str, Repo] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    busy: list[tuple[int, str | None]] = field(default_factory=list)
    corrupt: set[str] = field(default_factory=set)
    ignores_ranges: bool = False
    sign_in_page: bool = False
    hold_after: int | None = None
    held: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    url: str = ""
    cdn: str = ""

    def add(self, repo: str, files: Mapping[str, bytes], **kw: object) -> Repo:
        self.repos[repo] = Repo(dict(files), **kw)  # type: ignore[arg-type]
        return self.repos[repo]

    @property
    def downloads(self) -> list[Seen]:
        """What the content network was asked for."""
        return [request for request in self.seen if request.cdn]

    def sent_from(self, name: str) -> list[int]:
        """The offsets at which downloads of a file began."""
        ranges = [seen.range or "bytes=0-" for seen in self.downloads if seen.path.endswith(name)]
        return [int(text.removeprefix("bytes=").split("-")[0]) for text in ranges]

    # -- the hub ---------------------------------------------------------------------------------------

    def _note(self, request: web.Request, *, cdn: bool) -> None:
        headers = request.headers
        seen = Seen(request.method, request.path, headers.get("Range"), headers.get("Authorization"), cdn)
        self.seen.append(seen)

    def _allowed(self, request: web.Request, repo: Repo) -> bool:
        return repo.token is None or request.headers.get("Authorization") == f"Bearer {repo.token}"

    async def info(self, request: web.Request) -> web.Response:
        self._note(request, cdn=False)
        name = f"{request.match_info['org']}/{request.match_info['name']}"
        repo = self.repos.get(name)
        if repo is None or (not repo.gated and not self._allowed(request, repo)):
            headers = {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}
            return web.json_response({"error": "Repository not found"}, status=401, headers=headers)
        siblings = [
            {
                "rfilename": path,
                "size": len(data),
                "blobId": hashlib.sha1(data).hexdigest(),  # noqa: S324 - git's own
                "lfs": {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 135},
            }
            for path, data in repo.files.items()
        ]
        return web.json_response(
            {
                **{"_id": "1", "id": name, "modelId": name, "sha": repo.commit, "private": False, "tags": []},
                **{"gated": "manual" if repo.gated else False, "siblings": siblings},
            }
        )

    async def search(self, request: web.Request) -> web.Response:
        """Every word must be in the name; rows are as `expand` asks for them, as the hub's are."""
        self._note(request, cdn=False)
        if self.sign_in_page:
            return web.Response(text="<h1>Welcome to the hotel</h1>", content_type="text/html")
        query = request.query
        words, most = query.get("search", "").casefold().split(), int(query.get("limit", "1000"))
        found = [
            (name, repo)
            for name, repo in self.repos.items()
            if all(word in name.casefold() for word in words)
            and (query.get("filter") != "gguf" or any(path.endswith(".gguf") for path in repo.files))
            and (repo.token is None or repo.gated)
        ]
        if query.get("sort") == "downloads":
            found.sort(key=lambda item: -item[1].downloads)
        expand = set(query.getall("expand", []))
        rows = [{"id": name, "modelId": name} | repo.row(expand) for name, repo in found[:most]]
        return web.json_response(rows)

    async def resolve(self, request: web.Request) -> web.StreamResponse:
        self._note(request, cdn=False)
        match = request.match_info
        name = f"{match['org']}/{match['name']}"
        repo = self.repos.get(name)
        if self.busy:
            status, wait = self.busy.pop(0)
            return web.Response(status=status, headers={"Retry-After": wait} if wait else {})
        if repo is None:
            return web.Response(status=401, headers={"X-Error-Code": "RepoNotFound"})
        if not self._allowed(request, repo):
            code = "GatedRepo" if repo.gated else "RepoNotFound"
            return web.Response(status=403 if repo.gated else 401, headers={"X-Error-Code": code})
        data = repo.files.get(match["path"])
        if data is None:
            return web.Response(status=404, headers={"X-Error-Code": "EntryNotFound"})
        sha256 = hashlib.sha256(data).hexdigest()
        headers = {
            "Location": f"{self.cdn}/{name}/{sha256}/{match['path']}",
            "X-Repo-Commit": repo.commit,
            "X-Linked-Etag": f'"{sha256}"',
            "X-Linked-Size": str(len(data)),
            "ETag": f'"{hashlib.sha1(data).hexdigest()}"',  # noqa: S324
        }
        return web.Response(status=302, headers=headers)

    # -- the content network ---------------------------------------------------------------------------

    async def content(self, request: web.Request) -> web.StreamResponse:
        self._note(request, cdn=True)
        match = request.match_info
        data = self.repos[f"{match['org']}/{match['name']}"].files[match["path"]]
        start, end = self._asked(request, len(data))
        if start >= len(data):
            return web.Response(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
        partial = (start, end) != (0, len(data)) or "Range" in request.headers
        response = web.StreamResponse(status=206 if partial and not self.ignores_ranges else 200)
        response.content_length = end - start
        response.headers["Accept-Ranges"] = "bytes"
        if response.status == 206:
            response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        if match["path"].rsplit("/", 1)[-1] in self.corrupt:
            data = bytes(len(data) // 2) + data[len(data) // 2 :]
        await response.prepare(request)
        await self._send(request, response, data[start:end])
        return response

    def _asked(self, request: web.Request, size: int) -> tuple[int, int]:
        text = request.headers.get("Range")
        if text is None or self.ignores_ranges:
            return 0, size
        first, _, last = text.removeprefix("bytes=").partition("-")
        return int(first), min(int(last) + 1 if last else size, size)

    async def _send(self, request: web.Request, response: web.StreamResponse, body: bytes) -> None:
        if self.cuts:
            await response.write(body[: self.cuts.pop(0)])
            assert request.transport is not None
            request.transport.close()
            return
        if self.hold_after is not None and len(body) > WINDOW:
            await response.write(body[: self.hold_after])
            body = body[self.hold_after :]
            self.held.set()
            await asyncio.to_thread(self.release.wait, DEADLINE)
        for at in range(0, len(body), 1 << 18):
            await response.write(body[at : at + (1 << 18)])
        await response.write_eof()


@contextmanager
def hub_server() -> Iterator[HubServer]:
    """A hub on a thread of its own: its clients block."""
    hub = HubServer()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="hub server")
    thread.start()
    try:
        runners = asyncio.run_coroutine_threadsafe(_serve(hub), loop).result(DEADLINE)
        yield hub
    finally:
        hub.release.set()
        for runner in runners:
            asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(DEADLINE)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(DEADLINE)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _serve(hub: HubServer) -> list[web.AppRunner]:
    front, back = web.Application(), web.Application()
    front.router.add_get("/api/models", hub.search)
    front.router.add_get("/api/models/{org}/{name}", hub.info)
    front.router.add_get("/api/models/{org}/{name}/revision/{revision}", hub.info)
    front.router.add_get("/{org}/{name}/resolve/{revision}/{path:.+}", hub.resolve)
    back.router.add_get("/{org}/{name}/{sha256}/{path:.+}", hub.content)
    runners = [web.AppRunner(app, shutdown_timeout=0.5) for app in (front, back)]
    addresses = []
    for runner in runners:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        addresses.append(f"http://127.0.0.1:{runner.addresses[0][1]}")
    hub.url, hub.cdn = addresses
    return runners
