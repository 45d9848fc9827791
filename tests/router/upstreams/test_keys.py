"""Keys are found where hal0.yaml says, and why one cannot be is a sentence without it."""

from __future__ import annotations

import logging

import keyring
import pytest
from aiohttp import web
from keyring.backends import fail

from router.config.schema import SlotConfig, UpstreamConfig
from router.state import UpstreamState
from router.upstreams import health
from router.upstreams.keys import SERVICE, KeyMissing, Keys, redact, store_in_keyring
from tests.fixtures_keyring import KeyringStorage
from tests.router.upstreams.conftest import Use, chat
from tests.router.upstreams.servers import StubUpstream, refusing

KEY = "sk-secret-0123456789"


async def test_where_keys_come_from(keyring_storage: KeyringStorage) -> None:
    store_in_keyring("router", f"{KEY}\n")
    assert keyring_storage.held == {(SERVICE, "router"): KEY}
    keys = Keys({"NAME": "from-the-environment"})
    assert await keys.find(None) is None
    assert await keys.find("as-written") == "as-written"
    assert await keys.find("env:NAME") == "from-the-environment"
    assert await keys.find("keyring:router") == KEY


async def test_a_keyring_is_asked_once_until_its_key_is_refused(keyring_storage: KeyringStorage) -> None:
    store_in_keyring("router", KEY)
    keys = Keys()
    for _ in range(3):
        await keys.find("keyring:router")
    assert keyring_storage.asked == 1
    keys.forget("keyring:router")
    await keys.find("keyring:router")
    assert keyring_storage.asked == 2


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("env:ABSENT", "ABSENT is not set"),
        ("env:EMPTY", "EMPTY is not set"),
        ("env:BROKEN", "holds spaces or signs"),
        ("keyring:absent", "store it with `hal0 upstream key absent`"),
        ("keyring:broken", "holds spaces or signs"),
    ],
)
async def test_why_there_is_none(keyring_storage: KeyringStorage, written: str, words: str) -> None:
    keyring_storage.held[SERVICE, "broken"] = f"{KEY}\r\nX-Evil: 1"
    with pytest.raises(KeyMissing, match=words) as caught:
        await Keys({"EMPTY": "", "BROKEN": f"{KEY} {KEY}"}).find(written)
    assert KEY not in str(caught.value)


async def test_a_key_that_was_stored_anew_is_found_by_the_next_look(
    use: Use, keyring_storage: KeyringStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No request is sent to a server that is down, so a look must find out."""
    monkeypatch.setattr(health, "DOWN_SECONDS", (0.05,))

    async def listing(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            return web.json_response({"error": {"message": "No."}}, status=401)
        return web.json_response({"data": [{"id": "llama"}]})

    store_in_keyring("router", "an-old-one")
    slots = {"cluster": SlotConfig("cluster", upstream="ray/llama")}
    async with StubUpstream(listing=listing).running() as server:
        bench = use(UpstreamConfig("ray", server.url, api_key="keyring:router"), slots=slots)
        await bench.state("ray", UpstreamState.DOWN)
        store_in_keyring("router", KEY)
        await bench.state("ray", UpstreamState.OK)


async def test_a_locked_keyring_and_none_at_all(keyring_storage: KeyringStorage) -> None:
    keyring_storage.locked = KEY
    with pytest.raises(KeyMissing, match="is locked") as caught:
        await Keys().find("keyring:router")
    assert KEY not in repr(caught.value) + repr(caught.value.__cause__)
    keyring.set_keyring(fail.Keyring())
    with pytest.raises(KeyMissing, match="no keyring that hal0 can use; use env:NAME"):
        await Keys().find("keyring:router")
    with pytest.raises(KeyMissing, match="no keyring"):
        store_in_keyring("router", KEY)


async def test_without_its_key_an_upstream_is_down_and_not_asked(use: Use) -> None:
    async with StubUpstream().running() as server:
        bench = use(UpstreamConfig("lxc", server.url, api_key="env:ABSENT"))
        status = await bench.state("lxc", UpstreamState.DOWN)
        assert status.error == "The environment variable ABSENT is not set; set it before hal0 starts."
        assert server.requests == []


async def test_a_refused_key_is_looked_up_again(
    use: Use, keyring_storage: KeyringStorage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store_in_keyring("router", KEY)
    async with StubUpstream(chat=refusing(401)).running() as server:
        bench = use(UpstreamConfig("lxc", server.url, api_key="keyring:router"))
        await bench.state("lxc", UpstreamState.OK)
        with pytest.raises(Exception, match="does not accept the key"):
            await bench.ask("lxc/llama", chat())
        assert bench.upstream("lxc").state is UpstreamState.DOWN
        store_in_keyring("router", "sk-the-new-one")
        server.chat = None
        bench.registry._watches["lxc"]._due_at = 0.0  # as if its time had passed
        async with await bench.ask("lxc/llama", chat()) as answer:
            await answer.read()
        assert server.requests[-1][2]["Authorization"] == "Bearer sk-the-new-one"
    assert KEY not in caplog.text


def test_a_quoted_key_is_hidden() -> None:
    assert redact(f"no {KEY}, {KEY}", KEY) == "no [hidden], [hidden]"
    assert redact("no key", None) == "no key"
