"""The other hal0s of hal0.yaml: followed while they stand there, and told of without echo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from router.base.errors import LocalOnly, SlotNotFound, Unauthorized, UpstreamFailed
from router.config.schema import Config, Kind, UpstreamConfig, UpstreamKind
from router.orders.kinds import Load, Unload
from router.remote.follow import Remotes
from router.remote.names import all_slots, find_slot
from router.state import SlotStatus, Snapshot, UpstreamStatus
from tests.engines.running import free_port, until
from tests.router.server.conftest import Serve, Served


class Heard:
    """Remotes, and what they say."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Snapshot | None, str | None]] = []
        self.remotes = Remotes(lambda *said: self.said.append(said), self.find_key)

    async def find_key(self, written: str | None) -> str | None:
        if written == "env:MISSING":
            raise UpstreamFailed("The environment variable MISSING is not set.")
        return written.removeprefix("env:") if written else None

    def last(self, name: str = "bigpc") -> tuple[Snapshot | None, str | None]:
        return next(((seen, error) for who, seen, error in reversed(self.said) if who == name), (None, None))


@pytest.fixture
async def heard() -> AsyncIterator[Heard]:
    made = Heard()
    yield made
    await made.remotes.close()


def url_of(served: Served) -> str:
    return str(served.server.make_url("/")).rstrip("/")


def config(url: str, key: str | None = None, *, local_only: bool = False) -> Config:
    bigpc = UpstreamConfig("bigpc", url, UpstreamKind.HAL0, key)
    cloud = UpstreamConfig("cloud", "http://127.0.0.1:9")
    return Config(upstreams={"bigpc": bigpc, "cloud": cloud}, local_only=local_only)


async def test_a_remote_slot_is_found_by_its_name_and_commanded(serve: Serve, heard: Heard) -> None:
    served = await serve(api_keys=("secret",))
    heard.remotes.use(config(url_of(served), "env:secret"))
    await until(lambda: heard.last()[0] is not None, "contact")
    found = heard.remotes.find("bigpc/primary")
    assert found is not None and found[1] == "primary"
    await found[0].carry_out(Load("primary", "beta"))
    assert served.store.snapshot.slots[0].model == "beta"
    await until(
        lambda: (heard.last()[0] or Snapshot()).slots[:1] == served.store.snapshot.slots, "its state here"
    )
    assert heard.remotes.find("primary") is None
    with pytest.raises(SlotNotFound, match=r'no other hal0 "cloud".*there are: bigpc'):
        heard.remotes.find("cloud/primary")


async def test_what_it_sees_of_others_is_no_news(serve: Serve, heard: Heard) -> None:
    served = await serve()
    heard.remotes.use(config(url_of(served)))
    await until(lambda: heard.last()[0] is not None, "contact")
    count = len(heard.said)
    us = UpstreamStatus("us", UpstreamKind.HAL0, "http://x", remote=Snapshot())
    for revision in range(5):
        seen = replace(us, remote=Snapshot(revision=revision))
        served.store.update(upstreams=(seen,))
    served.store.update(headroom=1)
    await until(lambda: (heard.last()[0] or Snapshot()).headroom == 1, "what is news")
    assert len(heard.said) == count + 1
    assert heard.last()[0] == replace(served.store.snapshot, upstreams=())


async def test_one_that_is_gone_from_the_file_is_left_and_a_changed_one_followed_anew(
    serve: Serve, heard: Heard
) -> None:
    served = await serve()
    heard.remotes.use(config(url_of(served)))
    await until(lambda: heard.last()[0] is not None, "contact")
    before = heard.remotes.find("bigpc/primary")
    heard.remotes.use(config(url_of(served)))
    assert heard.remotes.find("bigpc/primary") == before
    heard.remotes.use(config(url_of(served), "another-key"))
    assert heard.remotes.find("bigpc/primary") != before
    await until(lambda: heard.last()[0] is not None, "contact again")
    heard.remotes.use(Config())
    assert heard.last() == (None, None)
    with pytest.raises(SlotNotFound):
        heard.remotes.find("bigpc/primary")
    await until(lambda: served.store.observers == 0, "both to be left")


async def test_nothing_is_asked_where_all_stays_here(serve: Serve, heard: Heard) -> None:
    served = await serve()
    heard.remotes.use(config(url_of(served)))
    await until(lambda: heard.last()[0] is not None, "contact")
    heard.remotes.use(config(url_of(served), local_only=True))
    await until(lambda: served.store.observers == 0, "contact to end")
    with pytest.raises(LocalOnly):
        heard.remotes.find("bigpc/primary")


async def test_lost_contact_is_said_with_its_reason(heard: Heard) -> None:
    heard.remotes.use(config(f"http://127.0.0.1:{free_port()}"))
    await until(lambda: heard.last()[1] is not None, "the reason")
    assert heard.last()[0] is None and "Connection refused" in (heard.last()[1] or "")


async def test_a_key_that_cannot_be_found_or_is_wrong_is_the_reason(serve: Serve, heard: Heard) -> None:
    served = await serve(api_keys=("secret",))
    heard.remotes.use(config(url_of(served), "env:MISSING"))
    await until(lambda: heard.last()[1] is not None, "the reason")
    assert heard.last() == (None, "The environment variable MISSING is not set.")
    heard.remotes.use(config(url_of(served), "wrong"))
    await until(lambda: heard.last()[0] is not None, "contact: reading here needs no key")
    found = heard.remotes.find("bigpc/primary")
    assert found is not None
    with pytest.raises(Unauthorized):
        await asyncio.wait_for(found[0].carry_out(Unload("primary")), 10)


def test_names_of_slots_here_and_elsewhere() -> None:
    here, there = SlotStatus("primary", Kind.CHAT), SlotStatus("primary", Kind.TTS)
    bigpc = UpstreamStatus("bigpc", UpstreamKind.HAL0, "http://b", remote=Snapshot(slots=(there,)))
    lost = UpstreamStatus("lost", UpstreamKind.HAL0, "http://l")
    cloud = UpstreamStatus("cloud", UpstreamKind.OPENAI, "http://c")
    snapshot = Snapshot(slots=(here,), upstreams=(bigpc, lost, cloud))
    assert [p.slot for p in all_slots(snapshot)] == [here, replace(there, name="bigpc/primary")]
    place = find_slot(snapshot, "bigpc/primary")
    assert place is not None and (place.slot.kind, place.snapshot) == (Kind.TTS, bigpc.remote)
    absent = ("nope", "bigpc/nope", "lost/primary", "cloud/primary", "bigpc/", "/primary", "bigpc/primary/x")
    assert [name for name in absent if find_slot(snapshot, name)] == []


async def test_after_a_sleep_nothing_old_is_shown_and_it_is_asked_anew(serve: Serve, heard: Heard) -> None:
    served = await serve()
    heard.remotes.use(config(url_of(served)))
    await until(lambda: heard.last()[0] is not None, "contact")
    heard.remotes.resumed()
    assert heard.last() == (None, None), "what it said is from before"
    await until(lambda: heard.last()[0] is not None, "contact again")
    await until(lambda: served.store.observers == 1, "the old connection to end")
