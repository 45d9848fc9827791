"""The page's own routes: who gets it, what comes with it, and who may use a cookie."""

from __future__ import annotations

import base64
import gzip
import json
import re
import runpy
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.test_utils import TestServer

from resources import page_folder
from router.server.app import make_app
from router.server.request.context import Context
from router.server.routes.page_files import read_files
from router.server.session import COOKIE
from router.state import StateStore

KEY = "a-good-key"
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"
FAR = {"X-Forwarded-For": "192.0.2.7"}
LIMIT = 150_000
BUNDLING = runpy.run_path(str(Path(__file__).parents[3] / "packaging" / "page_bundle.py"))

Ask = Callable[..., Awaitable[tuple[int, str, Mapping[str, str]]]]
Serve = Callable[..., Awaitable[Ask]]


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8")


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """`serve(keys)`: an endpoint without slots; returns `ask(method, path, headers)`."""
    made: list[tuple[TestServer, ClientSession]] = []

    async def start(keys: tuple[str, ...] = ()) -> Ask:
        absent: Any = None
        context = Context(StateStore(), absent, absent, absent, absent, api_keys=keys)
        server = TestServer(make_app(context), host="127.0.0.1")
        session = ClientSession(connector=TCPConnector(force_close=True))
        made.append((server, session))
        await server.start_server()

        async def ask(method: str, path: str, headers: Mapping[str, str] | None = None, **kw: Any) -> Any:
            url = str(server.make_url("/")).rstrip("/") + path
            async with session.request(method, url, headers=headers, **kw) as answer:
                return answer.status, await answer.text(), answer.headers

        return ask

    yield start
    for server, session in made:
        await session.close()
        await server.close()


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        (BROWSER, True),
        ("text/html", True),
        ("TEXT/HTML; charset=utf-8", True),
        ("application/json, text/html", True),
        (None, False),
        ("*/*", False),
        ("text/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.5", False),
        ("text/html;q=0", False),
        ("text/html;q=nonsense", False),
        ("", False),
    ],
)
async def test_browsers_get_the_page_and_programs_what_they_always_got(
    serve: Serve, accept: str | None, is_page: bool
) -> None:
    ask = await serve()
    headers = {"Accept": accept} if accept is not None else {}
    status, body, answer = await ask("GET", "/", headers, skip_auto_headers=["Accept"])
    assert status == 200 and "Accept" in answer["Vary"]
    if is_page:
        assert answer["Content-Type"] == "text/html; charset=utf-8" and body.startswith("<!doctype html>")
    else:
        assert answer["Content-Type"].startswith("application/json") and json.loads(body)["name"] == "hal0"
    assert json.loads((await ask("GET", "/v1", {"Accept": BROWSER}))[1])["name"] == "hal0"


async def test_every_file_has_a_strict_policy_and_comes_from_here(serve: Serve) -> None:
    ask = await serve()
    for name in read_files(page_folder()):
        status, _, headers = await ask("GET", f"/page/{name}")
        policy = headers["Content-Security-Policy"]
        assert status == 200 and headers["X-Content-Type-Options"] == "nosniff", name
        assert policy.startswith("default-src 'none'; script-src 'self';") and "unsafe" not in policy
        assert headers["Cache-Control"] == "no-cache"
    for file in page_folder().rglob("*"):
        if file.suffix in (".html", ".css") or (file.suffix == ".js" and "vendor" not in file.parts):
            text = file.read_text(encoding="utf-8")
            assert not re.search(r"""(?:src|href|from|import|url)\W{1,4}(?:https?:)?//""", text), file
    assert "<script>" not in (page_folder() / "index.html").read_text(encoding="utf-8")


async def test_what_the_browser_has_is_not_sent_again(serve: Serve) -> None:
    ask = await serve()
    _, _, headers = await ask("GET", "/page/js/main.js")
    assert "Content-Encoding" not in headers or headers["Content-Encoding"] == "gzip"
    status, again, told = await ask("GET", "/page/js/main.js", {"If-None-Match": f'W/"x", {headers["ETag"]}'})
    assert (status, again) == (304, "") and told["ETag"] == headers["ETag"]
    status, _, _ = await ask("GET", "/page/js/main.js", {"If-None-Match": '"other"'})
    assert status == 200


async def test_it_is_packed_for_who_can_unpack(serve: Serve) -> None:
    ask = await serve()
    _, plain, headers = await ask("GET", "/page/css/base.css", {"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in headers and plain == (page_folder() / "css" / "base.css").read_text(
        encoding="utf-8"
    )
    _, _, headers = await ask("GET", "/page/css/base.css", {"Accept-Encoding": "br, gzip"})
    assert headers["Content-Encoding"] == "gzip" and int(headers["Content-Length"]) < len(plain) / 2
    _, _, headers = await ask("GET", "/page/css/base.css", {"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in headers


@pytest.mark.parametrize(
    "name", ["", "nope.js", "../__init__.py", "..%2f__init__.py", "%2e%2e/hal0-demo.gguf", "vendor/lock.json"]
)
async def test_nothing_else_can_be_had(serve: Serve, name: str) -> None:
    status, body, _ = await (await serve())("GET", f"/page/{name}")
    assert status == 404 and json.loads(body)["error"]["code"] == "path.not_found"


def test_all_of_it_is_small() -> None:
    """The promise is 150 KB compressed."""
    files = read_files(page_folder())
    packed = sum(len(file.packed) for name, file in files.items() if not name.startswith("vendor/licenses/"))
    assert 50_000 < packed <= LIMIT, packed
    assert all(gzip.decompress(file.packed) == file.body for file in files.values())


def test_what_came_from_npm_is_locked_and_has_its_licence() -> None:
    vendor = page_folder() / "vendor"
    lock = json.loads((vendor / "lock.json").read_text(encoding="utf-8"))
    named = {name for package in lock for name in package["files"]}
    assert named == {file.name for file in vendor.iterdir() if file.suffix in (".js", ".css")}
    for package in lock:
        assert len(base64.b64decode(package["integrity"].removeprefix("sha512-"))) == 64
        assert "opyright" in (vendor / "licenses" / f"{package['name']}.txt").read_text(encoding="utf-8")


def test_every_module_that_is_asked_for_is_there() -> None:
    folder = page_folder()
    for file in folder.rglob("*.js"):
        if "vendor" not in file.parts:
            for found in re.findall(
                r"""(?:from|import)\s*\(?"(\.[^"]+)";?""", file.read_text(encoding="utf-8")
            ):
                assert (file.parent / found).is_file(), (file, found)
            for found in re.findall(r'import\("/page/([^"]+)"\)', read(file)):
                assert (folder / found).is_file(), (file, found)
    for found in re.findall(
        r'(?:href|src)="/page/([^"]+)"', (folder / "index.html").read_text(encoding="utf-8")
    ):
        assert found == "icon.svg" or (folder / found).is_file(), found


def test_the_first_view_is_made_of_the_sources_that_are_there() -> None:
    """Whoever changes one runs packaging/page_bundle.py."""
    bundle = read(page_folder() / "js" / "app.js")
    names = {file.name for file in BUNDLING["parts"](bundle)}
    assert {"main.js", "slots.js", "preact.js"} <= names
    assert f"sha256 {BUNDLING['checksum'](bundle)}" in bundle.splitlines()[0]


def test_what_later_views_share_with_the_first_is_offered() -> None:
    folder = page_folder()
    shared = read(folder / "js" / "shared.js")
    assert shared == BUNDLING["shared"](read(folder / "js" / "app.js"))
    offered = set(re.findall(r"^  (\w+),$", shared, re.MULTILINE))
    for file in (folder / "js").rglob("*.js"):
        for names in re.findall(r'^import \{([^}]*)\} from "[./]+/shared\.js";', read(file), re.MULTILINE):
            wanted = {name.strip() for name in names.split(",")} - {""}
            assert wanted and wanted <= offered, file


def test_no_later_view_brings_a_second_copy_of_what_the_first_view_has() -> None:
    """What stands in both would be there twice: two stores, of which one is empty."""
    folder = page_folder()
    bundled = set(BUNDLING["parts"](read(folder / "js" / "app.js"))) | {folder / "js" / "first_view.js"}
    for file in (folder / "js").rglob("*.js"):
        if file not in bundled and file.name != "app.js":
            asked = re.findall(r"""(?:from|import)\s*\(?"(\.[^"]+)";?""", read(file))
            assert bundled.isdisjoint((file.parent / found).resolve() for found in asked), file


def state_in(page: str) -> dict[str, Any] | None:
    """What the page begins with."""
    found = re.search(r'<script type="application/json" id="state">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1]) if found else None


async def test_the_page_brings_the_state_and_is_not_kept(serve: Serve) -> None:
    ask = await serve()
    state = json.loads((await ask("GET", "/api/state"))[1])
    for coding in ("gzip", "identity"):
        _, page, headers = await ask("GET", "/", {"Accept": BROWSER, "Accept-Encoding": coding})
        assert state_in(page) == state and headers.get("Content-Encoding", "identity") == coding
        assert headers["Cache-Control"] == "no-store" and "ETag" not in headers
        policy = headers["Content-Security-Policy"]
        assert re.search(r"script-src 'self' 'sha256-[^' ]+'; style-src 'self'( 'sha256-[^' ]+')+;", policy)
        assert "unsafe" not in policy and "require-trusted-types-for 'script'" in policy


# -- who may --


async def sign_in(ask: Ask, **headers: str) -> str:
    status, _, told = await ask("POST", "/api/login", {**FAR, **headers}, json={"key": KEY})
    assert status == 200
    return told["Set-Cookie"]


async def test_with_a_key_set_the_page_comes_and_what_it_shows_does_not(serve: Serve) -> None:
    ask = await serve((KEY,))
    assert (await ask("GET", "/", {**FAR, "Accept": BROWSER}))[0] == 200
    assert (await ask("GET", "/page/js/main.js", FAR))[0] == 200
    assert json.loads((await ask("GET", "/api/login", FAR))[1]) == {"needed": True, "signed_in": False}
    for path in ("/api/state", "/api/events", "/api/models", "/api/memory/history", "/v1/models"):
        status, body, _ = await ask("GET", path, FAR)
        assert (status, json.loads(body)["error"]["code"]) == (401, "auth.invalid_key"), path


async def test_with_a_key_set_the_state_comes_only_to_who_has_shown_it(serve: Serve) -> None:
    ask = await serve((KEY,))
    assert state_in((await ask("GET", "/", {"Accept": BROWSER}))[1]), "on this computer it is no secret"
    cookie = (await sign_in(ask)).partition(";")[0]
    for headers, is_told in (
        ({}, False),
        ({"Authorization": "Bearer wrong"}, False),
        ({"Authorization": f"Bearer {KEY}"}, True),
        ({"Cookie": f"{COOKIE}=1.{'0' * 64}"}, False),
        ({"Cookie": cookie}, True),
        ({"Cookie": cookie, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Cookie": cookie, "Sec-Fetch-Site": "same-site"}, False),
        ({"Cookie": cookie, "Sec-Fetch-Site": "none"}, True),
    ):
        status, page, _ = await ask("GET", "/", {**FAR, "Accept": BROWSER, **headers})
        assert status == 200 and (state_in(page) is not None) is is_told, headers


async def test_a_key_is_shown_once_for_a_cookie_that_scripts_cannot_read(serve: Serve) -> None:
    ask = await serve((KEY,))
    cookie = await sign_in(ask)
    value, *attributes = [part.strip() for part in cookie.split(";")]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(attributes) and KEY not in cookie
    assert "Domain" not in cookie and "Secure" not in attributes, "or it would not come back over http"
    assert (await ask("GET", "/api/state", {**FAR, "Cookie": value}))[0] == 200
    told = json.loads((await ask("GET", "/api/login", {**FAR, "Cookie": value}))[1])
    assert told == {"needed": True, "signed_in": True}
    assert "Secure" in await sign_in(ask, **{"X-Forwarded-Proto": "https"})
    status, _, headers = await ask("POST", "/api/logout", {**FAR, "Cookie": value})
    assert status == 200 and f'{COOKIE}=""' in headers["Set-Cookie"] and "Max-Age=0" in headers["Set-Cookie"]


async def test_wrong_keys_are_refused_and_slowed_down(serve: Serve) -> None:
    ask = await serve((KEY,))
    seen = [await ask("POST", "/api/login", json={"key": f"guess-{n}"}) for n in range(4)]
    assert [status for status, _, _ in seen] == [401, 401, 401, 429]
    assert all("Set-Cookie" not in headers for _, _, headers in seen)
    status, body, headers = await ask("POST", "/api/login", json={"key": KEY})
    assert (status, json.loads(body)["error"]["code"]) == (429, "auth.too_many_guesses")
    assert int(headers["Retry-After"]) >= 1, "also the right one has to wait"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"key": 5}', b'{"key": null}', b'{"key": "\\ud800"}'])
async def test_other_bodies_are_no_key(serve: Serve, body: bytes) -> None:
    status, _, headers = await (await serve((KEY,)))("POST", "/api/login", data=body)
    assert status in (400, 401) and "Set-Cookie" not in headers


async def test_without_keys_there_is_nobody_to_sign_in(serve: Serve) -> None:
    ask = await serve()
    status, body, headers = await ask("POST", "/api/login", json={"key": "anything"})
    assert (status, json.loads(body)) == (200, {"needed": False, "signed_in": False})
    assert "Set-Cookie" not in headers


FOREIGN = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"},  # another program's page: same site
    {"Origin": "http://127.0.0.1:1"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["/api/unload", "/v1/chat/completions", "/api/config", "/api/downloads"])
async def test_no_other_page_can_use_the_cookie(serve: Serve, path: str, headers: dict[str, str]) -> None:
    """CSRF: the browser would add it by itself."""
    ask = await serve((KEY,))
    cookie = (await sign_in(ask)).partition(";")[0]
    status, body, _ = await ask("POST", path, {**FAR, **headers, "Cookie": cookie}, data=b"{}")
    assert status in (401, 403) and json.loads(body)["error"]["code"].startswith("auth."), (status, body)


async def test_the_page_itself_can(serve: Serve) -> None:
    ask = await serve((KEY,))
    cookie = (await sign_in(ask)).partition(";")[0]
    own = {"Host": "127.0.0.1:8080", "Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}
    status, body, _ = await ask("POST", "/api/slots/none/load", {**FAR, **own, "Cookie": cookie}, data=b"{}")
    assert status == 400 and "which model" in body, "past the guard, and on to the order"


@pytest.mark.parametrize("path", ["/", "/page/js/main.js", "/api/login", "/api/state", "/api/memory/history"])
@pytest.mark.parametrize("keys", [(), (KEY,)])
async def test_a_name_that_was_made_to_point_here_gets_nothing(
    serve: Serve, path: str, keys: tuple[str, ...]
) -> None:
    """DNS rebinding: to the browser, the attacker's page and this endpoint are one site."""
    ask = await serve(keys)
    headers = {"Host": "evil.example:8080", "Accept": BROWSER, "Sec-Fetch-Site": "same-origin"}
    status, body, _ = await ask("GET", path, headers)
    assert (status, json.loads(body)["error"]["code"]) == (403, "auth.forbidden_origin")
    if path == "/api/login":
        status, _, answer = await ask("POST", path, headers, json={"key": KEY})
        assert status == 403 and "Set-Cookie" not in answer


def test_the_wheel_has_the_page() -> None:
    """Package data is a pattern: hidden files and folders would be left out."""
    assert all(not part.startswith(".") for file in page_folder().rglob("*") for part in file.parts[-4:])
    assert Path(page_folder()).parent.name == "resources"
