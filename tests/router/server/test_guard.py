"""Who may talk to the endpoint, as tables."""

from __future__ import annotations

import base64
import socket

import pytest

from router.base.errors import ForbiddenOrigin, Unauthorized
from router.server.guard import check_host, check_key, check_origin, is_loopback

KEYS = ("first-key", "zweiter-schlüssel")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.1:8080",
        "localhost",
        "LocalHost:8080",
        "hal0.localhost:8080",
        "[::1]:8080",
        "192.168.1.7:8080",
        "host.docker.internal:8080",
        socket.gethostname(),
        f"{socket.gethostname().upper()}:8080",
    ],
)
def test_addresses_and_local_names_are_this_computer(host: str) -> None:
    check_host(host)


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8080",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "notlocalhost",
        "127.0.0.1@evil.example",
        "localhost.",
        "127.1",
        "[::1",
        "[]",
        ":8080",
    ],
)
def test_other_names_may_have_been_rebound(host: str | None) -> None:
    with pytest.raises(ForbiddenOrigin, match=r"use 127\.0\.0\.1 or localhost"):
        check_host(host)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "http://localhost",
        "http://localhost:3000",
        "https://app.localhost",
        "http://127.0.0.1:5173",
        "http://127.9.9.9",
        "http://[::1]:3000",
        "vscode-webview://1a2b3c",
        "tauri://localhost",
        "app://obsidian.md",
        "file://",
    ],
)
def test_programs_and_pages_of_this_computer_may_ask(origin: str | None) -> None:
    check_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "null",
        "https://evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "http://192.168.1.7:3000",
        "http://10.0.0.1",
        "http://user@localhost@evil.example",
        "http:localhost",
        "http://",
        "http://[::1",
        "http://[evil]",
        "ftp://localhost",
        "chrome-extension://abcdef",
        "javascript:alert(1)",
    ],
)
def test_pages_of_other_places_may_not(origin: str) -> None:
    with pytest.raises(ForbiddenOrigin, match="may not use this endpoint"):
        check_origin(origin)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer first-key"},
        {"Authorization": "bearer  first-key "},
        {"Authorization": "first-key"},
        {"Authorization": "Bearer zweiter-schlüssel"},
        {"Authorization": basic("anyone:first-key")},
        {"Authorization": basic(":zweiter-schlüssel")},
        {"x-api-key": "first-key"},
        {"Authorization": "Bearer ", "x-api-key": "first-key"},
    ],
)
def test_a_key_may_come_in_three_ways(headers: dict[str, str]) -> None:
    check_key(headers, KEYS)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({}, "needs an API key"),
        ({"Authorization": ""}, "needs an API key"),
        ({"Authorization": "Bearer"}, "needs an API key"),
        ({"Authorization": "Basic first-key"}, "needs an API key"),
        ({"Authorization": "Basic é"}, "needs an API key"),
        ({"Authorization": basic("first-key")}, "not one of"),
        ({"Authorization": "Basic " + base64.b64encode(b"\xff:\xff").decode()}, "needs an API key"),
        ({"Authorization": "Bearer wrong"}, "not one of"),
        ({"Authorization": "Bearer first-key2"}, "not one of"),
        ({"Authorization": "Bearer \udcff"}, "not one of"),
        ({"Authorization": "Digest first-key"}, "needs an API key"),
        ({"x-api-key": ""}, "not one of"),
        ({"x-api-key": "first-kez"}, "not one of"),
    ],
)
def test_anything_else_is_refused_and_never_repeated(headers: dict[str, str], words: str) -> None:
    with pytest.raises(Unauthorized) as refused:
        check_key(headers, KEYS)
    assert words in refused.value.message
    assert not any(key in refused.value.message for key in KEYS)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("a.localhost", True),
        ("192.168.1.7", False),
        ("::ffff:192.168.1.7", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("example.org", False),
        ("", False),
        (None, False),
    ],
)
def test_loopback(host: str | None, expected: bool) -> None:
    assert is_loopback(host) is expected
