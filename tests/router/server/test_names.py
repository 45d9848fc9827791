"""Row 16: by which names, from which pages and with which keys one may call, through the real endpoint."""

from __future__ import annotations

import base64
import socket
from dataclasses import replace

import pytest

from router.config.schema import ServerConfig
from tests.router.server.test_edge import Edge, edge, get, post

__all__ = ["edge"]

KEY = "sk-right"
RIGHT = f"Authorization: Bearer {KEY}"
HERE = ("Host: localhost", "Connection: close")


def asks(host: str | None, *headers: str, path: str = "/v1/models", method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.{0 if host is None else 1}", "Connection: close", *headers]
    return "\r\n".join([*lines, *([] if host is None else [f"Host: {host}"]), "", ""]).encode()


async def status(edge: Edge, raw: bytes) -> int:
    return (await edge.told(raw))[0]


# -- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "LOCALHOST:8080",
        "localhost.:8080",
        "[::1]:9",
        "[::1]",
        "[fe80::1%eth0]:8080",
        "192.168.1.7",
        "host.docker.internal:8080",
        "host.containers.internal",
        socket.gethostname(),
        f"{socket.gethostname()}.local:8080",
        "",
        None,
    ],
)
async def test_names_of_this_computer_need_no_key(edge: Edge, host: str | None) -> None:
    assert await status(edge, asks(host)) == 200


@pytest.mark.parametrize(
    "host", ["hal0:8080", "pc.local", "pc.tail1234.ts.net", "evil.example", "127.0.0.1.nip.io"]
)
async def test_other_names_are_told_which_keys_to_set(edge: Edge, host: str) -> None:
    """Row 16: DNS rebinding stays closed where no key is needed."""
    forwarded = "X-Forwarded-Host: localhost"
    given, _, told = await edge.told(asks(host, forwarded))
    assert (given, told["error"]["code"]) == (403, "auth.forbidden_origin")
    assert "server.allowed_hosts" in told["error"]["message"] and "server.api_keys" in told["error"]["message"]


@pytest.mark.parametrize("host", ["hal0:8080", "pc.local", "pc.tail1234.ts.net", "Evil.Example.:1"])
async def test_with_the_right_key_any_name_will_do(edge: Edge, host: str) -> None:
    """Row 16: a page that had its name point here has no key."""
    edge.context.api_keys = (KEY,)
    assert await status(edge, asks(host, RIGHT)) == 200
    assert await status(edge, asks(host, "Authorization: Bearer wrong")) == 403  # reading needs no key here
    assert await status(edge, asks(host, path="/api/unload", method="POST")) == 401


@pytest.mark.parametrize(
    ("host", "given"),
    [
        ("hal0:8080", 200),
        ("HAL0", 200),
        ("hal0.", 200),
        ("hal0.evil.example", 403),
        ("a.ts.net:1", 200),
        ("a.b.ts.net", 200),
        ("ts.net", 403),
        ("evilts.net", 403),
        ("example.org", 200),
        ("ai.example.org", 200),
        ("badexample.org", 403),
    ],
)
async def test_allowed_hosts_may_call_without_a_key(edge: Edge, host: str, given: int) -> None:
    """Row 16: as `server.allowed_hosts` says, from the next request on."""
    assert await status(edge, asks(host)) == 403
    edge.context.admit(ServerConfig(allowed_hosts=("hal0", "*.ts.net", ".example.org")))
    assert await status(edge, asks(host)) == given
    edge.context.admit(ServerConfig())
    assert await status(edge, asks(host)) == 403


async def test_a_name_in_the_request_line_counts_as_well(edge: Edge) -> None:
    """A client that takes hal0 for a proxy."""
    assert await status(edge, get("http://evil.example/v1/models")) == 403
    assert await status(edge, get("http://localhost:8080/v1/models")) == 200


# -- pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    [
        "vscode-file://vscode-app",
        "vscode-webview://1a2b",
        "app://obsidian.md",
        "tauri://localhost",
        "http://tauri.localhost",
        "https://tauri.localhost",
        "capacitor://localhost",
        "ionic://localhost",
        "file://",
        "http://localhost:3000",
        "HTTP://LOCALHOST:3000",
    ],
)
async def test_programs_pages_read_answers_errors_and_preflights(edge: Edge, origin: str) -> None:
    """Row 16, debatable: a web page cannot have these origins."""
    asked = (f"Origin: {origin}", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-a")
    private = "Access-Control-Request-Private-Network: true"
    given, headers, _ = await edge.told(get("/v1/chat/completions", *asked, private, method="OPTIONS"))
    assert given == 204 and headers["access-control-allow-origin"] == origin.lower()
    assert headers["access-control-allow-headers"] == "x-a"
    assert headers["access-control-allow-private-network"] == "true"
    for raw in (get("/v1/models", asked[0]), get("/nowhere", asked[0]), post("/api/chat", b"{", asked[0])):
        _, headers, _ = await edge.told(raw)
        assert headers["access-control-allow-origin"] == origin.lower()
        assert "retry-after" in headers["access-control-expose-headers"]


FOREIGN = [
    "null",
    "https://evil.example",
    "http://192.168.1.7:3000",
    "chrome-extension://abcdef",
    "moz-extension://1234-5678",
    "safari-web-extension://1234",
    "data:",
    "ftp://localhost",
    "appx://a",
]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_other_pages_get_nothing(edge: Edge, origin: str) -> None:
    asked = (f"Origin: {origin}", "Access-Control-Request-Method: POST")
    wants_key = "Access-Control-Request-Headers: authorization"
    for raw in (
        get("/v1/models", *asked),
        post("/v1/chat/completions", b"{}", *asked),
        get("/v1/chat/completions", *asked, wants_key, method="OPTIONS"),
    ):
        given, headers, told = await edge.told(raw)
        assert given == 403 and not any(name.startswith("access-control") for name in headers)
        assert "server.allowed_origins" in told["error"]["message"]


@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_page_that_has_the_key_is_let_in(edge: Edge, origin: str) -> None:
    """Row 16: whoever gave it the key wants it to call. Without one it reads not even what is open here."""
    edge.context.api_keys = (KEY,)
    page, method = f"Origin: {origin}", "Access-Control-Request-Method: POST"
    wants_key = "Access-Control-Request-Headers: content-type, Authorization"
    given, headers, _ = await edge.told(get("/v1/models", page, method, wants_key, method="OPTIONS"))
    assert (given, headers["access-control-allow-origin"]) == (204, origin)
    given, headers, _ = await edge.told(get("/v1/models", page, RIGHT))
    assert (given, headers["access-control-allow-origin"]) == (200, origin)
    for more in ((), ("Authorization: Bearer wrong",)):
        given, headers, _ = await edge.told(get("/v1/models", page, *more))
        assert given == 403 and "access-control-allow-origin" not in headers
    assert await status(edge, get("/v1/models", page, method, method="OPTIONS")) == 403


async def test_a_password_the_browser_remembers_is_no_key_of_a_page(edge: Edge) -> None:
    """It goes along with whatever any page sends here."""
    edge.context.api_keys = (KEY,)
    basic = "Authorization: Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()
    assert await status(edge, post("/api/unload", b"{}", basic)) == 200
    assert await status(edge, post("/api/unload", b"{}", basic, "Origin: https://evil.example")) == 403
    rebound = asks("evil.example", basic, "Origin: http://evil.example", path="/api/unload", method="POST")
    assert await status(edge, rebound) == 403
    assert await status(edge, asks("hal0:8080", basic)) == 200


@pytest.mark.parametrize(
    ("origin", "given"),
    [
        ("https://chat.example.org", 200),
        ("https://chat.example.org:8443", 403),
        ("http://chat.example.org", 403),
        ("chrome-extension://abcdef", 200),
        ("chrome-extension://abcdeg", 403),
        ("https://a.lab.example", 200),
        ("https://lab.example", 403),
        ("http://pc.local:3000", 403),
    ],
)
async def test_allowed_origins(edge: Edge, origin: str, given: int) -> None:
    page = f"Origin: {origin}"
    assert await status(edge, get("/v1/models", page)) == 403
    names = ("https://chat.example.org", "chrome-extension://abcdef", "https://*.lab.example")
    edge.context.admit(ServerConfig(allowed_origins=names))
    assert await status(edge, get("/v1/models", page)) == given


async def test_a_page_of_the_name_that_is_called_came_from_here(edge: Edge) -> None:
    """Behind a proxy the ports differ. A name that is not allowed stays out: it may have been rebound."""
    page = "Origin: https://pc.ts.net"
    assert await status(edge, asks("pc.ts.net", page)) == 403
    edge.context.admit(ServerConfig(allowed_hosts=("pc.ts.net",)))
    assert await status(edge, asks("pc.ts.net", page)) == 200
    assert await status(edge, asks("pc.ts.net:8080", "Origin: http://other.ts.net")) == 403
    assert await status(edge, asks("192.168.1.7:8080", "Origin: http://192.168.1.7:3000")) == 200


# -- keys --------------------------------------------------------------------------------------------------


def basic(text: str) -> str:
    return "Authorization: Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        (RIGHT,),
        (f"Authorization:   BEARER    {KEY}  ",),
        (f"authorization: bearer {KEY}",),
        (f"x-api-key: {KEY}",),
        (f"X-Api-Key: {KEY}",),
        (f"api-key: {KEY}",),
        (f"x-goog-api-key: {KEY}",),
        (basic(f"anyone:{KEY}"),),
        (basic(f"{KEY}:"),),
        (f"x-api-key: {KEY}", "Authorization: Bearer foreign"),
        (f"api-key: {KEY}", "Authorization: Bearer foreign", "x-api-key: none"),
        (RIGHT, "x-api-key: dummy"),
        ("Authorization: Bearer a", RIGHT),
    ],
)
async def test_the_right_key_in_any_place_opens(edge: Edge, headers: tuple[str, ...]) -> None:
    """Debatable, decided: one right key is enough, whatever placeholder stands beside it."""
    edge.context.api_keys = ("other", KEY)
    assert await status(edge, post("/api/unload", b"{}", *headers)) == 200


@pytest.mark.parametrize("name", ["key", "api_key", "API-Key", "token"])
async def test_a_key_in_the_url_is_not_read(edge: Edge, name: str) -> None:
    edge.context.api_keys = (KEY,)
    given, headers, told = await edge.told(post(f"/api/unload?{name}={KEY}", b"{}"))
    assert (given, headers["www-authenticate"]) == (401, "bearer")
    assert "not in the URL" in told["error"]["message"]


async def test_keys_are_told_to_nobody(edge: Edge, caplog: pytest.LogCaptureFixture) -> None:
    edge.context.api_keys = (KEY,)
    for header in ("x-api-key: sk-wrong", "Authorization: Bearer sk-wrong", "Authorization: sk-wrong"):
        _, _, told = await edge.told(post("/api/unload?key=sk-wrong", b"{}", header))
        assert "sk-wrong" not in str(told)
    assert "401 for POST /api/unload" in caplog.text and "sk-" not in caplog.text
    assert KEY not in repr(replace(ServerConfig(), api_keys=(KEY,)))
