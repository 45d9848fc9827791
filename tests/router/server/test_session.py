"""The cookie for a key, and what a browser must say with it."""

from __future__ import annotations

import pytest

from router.server.session import LIFETIME, is_own_page, issue, key_of

KEYS = ("first-key", "zweiter-schlüssel")
NOW = 1_800_000_000.0


@pytest.mark.parametrize("key", KEYS)
def test_it_stands_for_the_key_that_was_shown_until_its_time(key: str) -> None:
    cookie = issue(key, NOW)
    assert key_of(cookie, KEYS, NOW) == key
    assert key_of(cookie, KEYS, NOW + LIFETIME - 1) == key
    assert key_of(cookie, KEYS, NOW + LIFETIME) is None
    assert key not in cookie


def test_it_ends_with_its_key() -> None:
    cookie = issue("first-key", NOW)
    assert key_of(cookie, ("another",), NOW) is None
    assert key_of(cookie, (), NOW) is None


def test_nobody_else_can_make_one() -> None:
    until, _, signed = issue("first-key", NOW).partition(".")
    later = f"{int(until) + 1}.{signed}"
    forged = [
        later,
        f"{until}.{'0' * 64}",
        f"{until}.",
        until,
        "",
        ".",
        f"{until}.{signed}x",
        f" {until}.{signed}",
    ]
    forged += [f"{until}.{signed.upper()}", "9" * 5000 + "." + signed, f"-1.{signed}", f"١٢٣.{signed}"]
    assert [key_of(cookie, KEYS, NOW) for cookie in forged] == [None] * len(forged)


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Origin": "http://pc:8080"}, True),
        ({"Origin": "https://PC:8080"}, True),
        ({"Origin": "http://pc:8080", "Sec-Fetch-Site": "same-site"}, False),
        ({"Origin": "http://pc:3000"}, False),
        ({"Origin": "http://pc"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "file://"}, False),
        ({"Origin": "http://pc:8080.evil.example"}, False),
    ],
)
def test_only_the_page_itself_may_use_it(headers: dict[str, str], own: bool) -> None:
    assert is_own_page({"Host": "pc:8080", **headers}) is own
