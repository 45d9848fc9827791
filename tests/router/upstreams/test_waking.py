"""A sleeping computer elsewhere: the packet on a real socket, and a server that comes up when it has come."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from router.base.errors import BadRequest, LocalOnly, NoRoute, UpstreamFailed, UpstreamNotFound
from router.base.tasks import spawn
from router.config.schema import SlotConfig, UpstreamConfig, UpstreamKind
from router.state import UpstreamState
from router.upstreams import health, waking
from router.upstreams.waking import EVERYWHERE, broadcasts, magic_packet, scopes, send_packet
from tests.engines.running import free_port, soon, until
from tests.router.upstreams.conftest import Use, chat
from tests.router.upstreams.servers import StubUpstream, refusing

MAC = "aa:bb:cc:dd:ee:0f"
PACKET = b"\xff" * 6 + b"\xaa\xbb\xcc\xdd\xee\x0f" * 16
LAN = [("127.0.0.1", "255.0.0.0"), ("192.168.1.7", "255.255.255.0"), ("10.0.0.2", "255.255.0.0")]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "WAKE_LOOK_SECONDS", 0.02)


@dataclass
class Card(asyncio.DatagramProtocol):
    """The sleeping computer's network card. `heard` are the packets, `woken` is set by the first right one."""

    heard: list[bytes] = field(default_factory=list)
    woken: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    def datagram_received(self, data: bytes, _address: object) -> None:
        self.heard.append(data)
        if data == PACKET:
            self.woken.set()

    @asynccontextmanager
    async def plugged_in(self) -> AsyncIterator[Card]:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        self.port = transport.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            transport.close()


def sleeper(card: Card, port: int, seconds: float, name: str = "bigpc") -> UpstreamConfig:
    """A server that `card` wakes, waited for so long."""
    url, address = f"http://127.0.0.1:{port}/v1", f"127.0.0.1:{card.port}"
    return UpstreamConfig(name, url, wake=MAC, wake_timeout=seconds, wake_address=address)


@asynccontextmanager
async def asleep(name: str = "bigpc") -> AsyncIterator[tuple[UpstreamConfig, Card, StubUpstream]]:
    """A server that begins to listen once its card has heard the packet."""
    port, server = free_port(), StubUpstream(name)
    async with Card().plugged_in() as card:

        async def wake_up() -> None:
            await card.woken.wait()
            async with server.running(port=port):
                await asyncio.get_running_loop().create_future()

        computer = spawn(wake_up(), name="the other computer")
        config = sleeper(card, port, 20.0, name)
        try:
            yield config, card, server
        finally:
            computer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await computer


def test_the_packet() -> None:
    assert magic_packet(MAC) == PACKET and len(PACKET) == 102


def test_where_it_is_sent() -> None:
    assert broadcasts("192.168.1.20", LAN) == ("192.168.1.255",), "the network it is in"
    assert broadcasts("10.0.77.1", LAN) == ("10.0.255.255",)
    everywhere = ("192.168.1.255", "10.0.255.255", EVERYWHERE)
    assert broadcasts("8.8.8.8", LAN) == everywhere, "behind a router"
    assert broadcasts("", LAN) == everywhere, "a name that nobody tells while it sleeps"
    assert broadcasts("", []) == (EVERYWHERE,)


def test_the_ipv6_links_are_those_with_an_address_of_their_own() -> None:
    loopback = socket.if_nametoindex("lo") if sys.platform == "linux" else 1
    name = "lo" if sys.platform == "linux" else "1"
    assert scopes([f"fe80::1%{name}", f"FE80::2%{name}", "fe80::3%12"]) == [loopback, 12]
    assert scopes(["::1", "2001:db8::1", "fe80::1", "fe80::1%no-such-link"]) == []


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6")
async def test_a_packet_goes_to_ipv6_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a computer whose name only IPv6 knows: heard on a socket of the loopback in its place."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as card:
        try:
            card.bind(("::1", 0))
        except OSError:
            pytest.skip("there is no IPv6")
        card.setblocking(False)
        monkeypatch.setattr(waking, "NEIGHBOURS", "::1")
        monkeypatch.setattr(waking, "WAKE_PORT", card.getsockname()[1])
        monkeypatch.setattr(waking, "_networks", lambda: ([], [0]))
        await send_packet(UpstreamConfig("x", "http://[fd00::2]:8080", wake=MAC))
        heard = await soon(asyncio.get_running_loop().sock_recv(card, 200), "the packet")
    assert heard == PACKET


async def test_it_is_heard_on_a_socket() -> None:
    async with asleep() as (config, card, _server):
        await send_packet(config)
        await soon(card.woken.wait(), "the packet")
    assert card.heard[0] == PACKET


async def test_where_no_network_takes_it_that_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise OSError(101, "Network is unreachable")

    monkeypatch.setattr(socket.socket, "sendto", refuse, raising=False)
    with pytest.raises(OSError, match="unreachable"):
        await send_packet(UpstreamConfig("x", "http://127.0.0.1:1", wake=MAC))


async def test_a_request_wakes_it_and_is_answered(use: Use) -> None:
    async with asleep() as (config, card, server):
        bench = use(config)
        await bench.state("bigpc", UpstreamState.DOWN)
        assert bench.upstream("bigpc").wakes and card.heard == [], "to look at it does not wake it"
        states: list[UpstreamState] = []
        bench.store.subscribe(lambda snapshot: states.append(snapshot.upstreams[0].state))
        async with await bench.ask("bigpc/llama", chat()) as answer:
            assert b"Hello from bigpc." in await answer.read()
        assert states[0] is UpstreamState.WAKING and states[-1] is UpstreamState.OK
        assert UpstreamState.DOWN not in states
        assert server.asked("/v1/chat/completions") == 1


async def test_many_requests_wake_it_once(use: Use) -> None:
    async with asleep() as (config, _card, server):
        bench = use(config)
        await bench.state("bigpc", UpstreamState.DOWN)
        begun = 0

        def count(snapshot: object) -> None:
            nonlocal begun
            begun += bench.upstream("bigpc").state is UpstreamState.WAKING

        bench.store.subscribe(count)
        answers = await asyncio.gather(*(bench.ask("bigpc/llama", chat()) for _ in range(20)))
        assert begun == 1 and server.asked("/v1/chat/completions") == 20
        for answer in answers:
            async with answer:
                assert b"Hello" in await answer.read()


async def test_one_that_fell_asleep_since_it_was_well_is_woken_by_the_request(use: Use) -> None:
    async with asleep() as (config, card, _server):
        port = int(config.base_url.removesuffix("/v1").rpartition(":")[2])
        async with StubUpstream("before").running(port=port):
            bench = use(config)
            await bench.state("bigpc", UpstreamState.OK)
        async with await bench.ask("bigpc/llama", chat()) as answer:
            assert b"Hello from bigpc." in await answer.read()
        assert card.heard


async def test_one_that_does_not_wake_up_is_replaced_and_not_waited_for_again(use: Use) -> None:
    async with Card().plugged_in() as card, StubUpstream("spare").running() as spare:
        deaf = UpstreamConfig(
            "bigpc",
            f"http://127.0.0.1:{free_port()}/v1",
            UpstreamKind.HAL0,
            wake=MAC,
            wake_timeout=0.3,
            wake_address=f"127.0.0.1:{card.port}",
        )
        slot = SlotConfig("far", upstream="bigpc/primary", fallback=("spare",))
        bench = use(deaf, UpstreamConfig("spare", spare.url), slots={"far": slot})
        await bench.state("bigpc", UpstreamState.DOWN)
        await bench.state("spare", UpstreamState.OK)
        async with await bench.ask("far", chat()) as answer:
            assert answer.served_by == "spare/llama"
        assert bench.upstream("bigpc").error == "It did not wake up within 0 s."
        heard = len(card.heard)
        assert heard >= 2, "the first packet may get lost"
        async with await bench.ask("far", chat()) as answer:
            assert answer.served_by == "spare/llama"
        assert len(card.heard) == heard
        spare.chat = None
        with pytest.raises(UpstreamFailed, match="did not wake up within"):
            await bench.registry.wake("bigpc")
        assert len(card.heard) > heard, "a person may want it all the same"


async def test_one_that_came_up_too_late_is_woken_again_when_it_sleeps_again(use: Use) -> None:
    async with Card().plugged_in() as card:
        port = free_port()
        slow = sleeper(card, port, 0.1)
        bench = use(slow)
        await bench.state("bigpc", UpstreamState.DOWN)
        with pytest.raises(UpstreamFailed):
            await bench.ask("bigpc/llama", chat())
        async with StubUpstream("bigpc").running(port=port):
            await soon(bench.registry.wake("bigpc"))
        heard = len(card.heard)
        with pytest.raises(UpstreamFailed):
            await bench.ask("bigpc/llama", chat())
        assert len(card.heard) > heard


async def test_a_client_that_leaves_does_not_stop_what_others_wait_for(use: Use) -> None:
    async with asleep() as (config, card, server):
        bench = use(config)
        await bench.state("bigpc", UpstreamState.DOWN)
        begun = asyncio.Event()
        bench.store.subscribe(
            lambda snapshot: snapshot.upstreams[0].state is UpstreamState.WAKING and begun.set()
        )
        leaves = spawn(bench.ask("bigpc/llama", chat()), name="leaves")
        await soon(begun.wait(), "the waking")
        stays = spawn(bench.ask("bigpc/llama", chat()), name="stays")
        leaves.cancel()
        async with await soon(stays, "the answer") as answer:
            assert b"Hello from bigpc." in await answer.read()
        assert card.heard and server.asked("/v1/chat/completions") == 1


async def test_where_nobody_else_answers_one_sentence_says_why(use: Use) -> None:
    async with Card().plugged_in() as card:
        deaf = sleeper(card, free_port(), 0.1)
        bench = use(deaf)
        await bench.state("bigpc", UpstreamState.DOWN)
        with pytest.raises(UpstreamFailed, match=r"bigpc.*it did not wake up within") as failed:
            await bench.ask("bigpc/llama", chat())
        assert not isinstance(failed.value, NoRoute) and failed.value.mends


async def test_a_person_wakes_it(use: Use) -> None:
    async with asleep() as (config, _card, _server):
        bench = use(config, UpstreamConfig("lxc", "http://127.0.0.1:9/v1"))
        await soon(bench.registry.wake("bigpc"))
        assert bench.upstream("bigpc").state is UpstreamState.OK
        await soon(bench.registry.wake("bigpc"))
        with pytest.raises(BadRequest, match="no address to be woken by"):
            await bench.registry.wake("lxc")
        with pytest.raises(UpstreamNotFound, match="no upstream"):
            await bench.registry.wake("nobody")


async def test_nothing_is_woken_that_may_not_be_asked(use: Use) -> None:
    async with asleep() as (config, card, _server):
        bench = use(config, local_only=True)
        with pytest.raises(LocalOnly):
            await bench.registry.wake("bigpc")
        assert card.heard == []


async def test_one_that_refuses_is_awake_already(use: Use) -> None:
    async with Card().plugged_in() as card, StubUpstream(listing=refusing(401)).running() as server:
        config = UpstreamConfig("bigpc", server.url, wake=MAC, wake_address=f"127.0.0.1:{card.port}")
        bench = use(config)
        await bench.state("bigpc", UpstreamState.DOWN)
        with pytest.raises(UpstreamFailed):
            await bench.ask("bigpc/llama", chat())
        assert card.heard == []


async def test_it_may_be_taken_out_of_the_file_while_it_is_woken(use: Use) -> None:
    async with Card().plugged_in() as card:
        config = UpstreamConfig(
            "bigpc", f"http://127.0.0.1:{free_port()}/v1", wake=MAC, wake_address=f"127.0.0.1:{card.port}"
        )
        bench = use(config)
        await bench.state("bigpc", UpstreamState.DOWN)
        asked = spawn(bench.ask("bigpc/llama", chat()), name="ask")
        await bench.state("bigpc", UpstreamState.WAKING)
        bench.config = replace(bench.config, upstreams={})
        bench.registry.use(bench.config)
        with pytest.raises(UpstreamFailed):
            await soon(asked)
        await until(lambda: bench.store.snapshot.upstreams == (), "its end")
