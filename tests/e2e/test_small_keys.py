"""Another hal0, with a key for less than is wanted: everybody is told which, what it lacks and what to do."""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from app.link.discovery import find_running
from app.link.remote_link import RemoteLink
from app.views.remote import groups
from router.base.errors import NotAllowed, RouterError
from router.orders.kinds import ForgetActivity, Unload
from router.orders.order import Order
from router.state import ServerState
from router.wire.snapshot_read import parse_snapshot
from tests.e2e.conftest import ALPHA
from tests.e2e.harness import Hal0
from tests.engines.running import until

KEYS = (
    "{name: phone, key: k-phone, may: [infer]}, {name: wall, key: k-wall, may: [observe]}, "
    "{name: guest, key: k-guest, may: [manage], slots: [primary]}, {name: admin, key: k-admin}"
)
NAMES = ("phone", "wall", "guest", "wrong")
PHONE = 'The key "phone" may not read the state, activity and logs: that takes `may: [observe]` at its entry'
WALL = 'The key "wall" may not give orders: that takes `may: [manage]` at its entry'
WRONG = "The API key is not one of server.api_keys"


def own_address() -> str | None:
    """An address of this computer from which it is reached as from another one: reading needs a key, too."""
    for addresses in psutil.net_if_addrs().values():
        for found in addresses:
            if found.family is socket.AF_INET and not found.address.startswith("127."):
                return str(found.address)
    return None


address = own_address()
pytestmark = pytest.mark.skipif(address is None, reason="this computer is in no network")


@dataclass
class Pair:
    """`far` has the keys; `here` follows it once with each. `url` reaches `far` as from another computer."""

    here: Hal0
    far: Hal0
    url: str


@pytest.fixture
async def pair(tmp_path: Path, llama_server: Path, model_folder: Path) -> AsyncIterator[Pair]:
    shutil.copytree(model_folder, tmp_path / "far" / "models")
    far = Hal0.prepare(
        tmp_path / "far", llama_server, "slots:\n  primary: {model: alpha, autoload: true}\n  spare: {}\n"
    )
    config = far.home / "hal0.yaml"
    config.write_text(config.read_text().replace("server: {", f"server: {{host: 0.0.0.0, api_keys: [{KEYS}], "))
    far.session.headers["Authorization"] = "Bearer k-admin"
    url = f"http://{address}:{far.port}"
    followed = (f"  {name}: {{base_url: '{url}', kind: hal0, api_key: k-{name}}}\n" for name in NAMES)
    here = Hal0.prepare(tmp_path / "here", llama_server, f"slots: {{}}\nupstreams:\n{''.join(followed)}")
    await far.start()
    await far.until_ready("alpha")
    await here.start()
    yield Pair(here, far, url)
    await here.close()
    await far.close()


async def test_followed_from_here(pair: Pair) -> None:
    state = await pair.here.until_state(
        lambda s: all(u["remote"] or u["error"] for u in s["upstreams"]), "a word of each"
    )
    told = {upstream["name"]: upstream for upstream in state["upstreams"]}
    assert told["phone"]["error"].startswith(PHONE) and told["phone"]["remote"] is None
    assert WRONG in told["wrong"]["error"] and "models:" not in told["wrong"]["error"]
    seen = {n: [slot["name"] for slot in told[n]["remote"]["slots"]] for n in ("wall", "guest")}
    assert seen == {"wall": ["primary", "spare"], "guest": ["primary"]}

    shown = {group.name: group for group in groups(parse_snapshot(state))}
    assert shown["phone"].facts.startswith(PHONE) and WRONG in shown["wrong"].facts, "in tray and window"
    status = await asyncio.to_thread(pair.here.cli, "status")
    assert PHONE in status.stdout and WRONG in status.stdout

    assert await pair.here.chat("phone/primary") == ALPHA, "its slots are not seen, but may be asked"
    for path, code, sentence in (
        ("wall%2Fprimary/unload", 403, WALL),
        ("guest%2Fspare/unload", 403, 'The key "guest" is only for primary'),
        ("phone%2Fprimary/unload", 502, PHONE),
    ):
        status_code, body = await pair.here.post(f"/api/slots/{path}")
        assert status_code == code and sentence in body["error"]["message"]
    assert (await pair.far.slot())["state"] == "ready"


async def test_attached_to_it(pair: Pair) -> None:
    assert await shows(pair.url, "k-phone", lambda link: link.snapshot.server.state is ServerState.FAILED) == (
        [],
        PHONE,
    )
    slots, none = await shows(pair.url, "k-wall", lambda link: bool(link.snapshot.slots))
    assert (slots, none) == (["primary", "spare"], "")
    assert await refusal(pair.url, "k-wall", Unload("primary")) == WALL
    assert await refusal(pair.url, "k-wall", ForgetActivity()) == WALL
    assert (await refusal(pair.url, "k-guest", ForgetActivity())).startswith(
        'The key "guest" is only for primary'
    )


async def shows(url: str, key: str, ready: Callable[[RemoteLink], bool]) -> tuple[list[str], str]:
    """The slots that a window over this link has, and what the endpoint's line says is wrong."""
    link = RemoteLink(url, key)
    link.start()
    try:
        await until(lambda: ready(link), "a word of it")
        error = link.snapshot.server.error or ""
        return [slot.name for slot in link.snapshot.slots], error.partition(" of server.api_keys")[0]
    finally:
        await asyncio.to_thread(link.stop)


async def refusal(url: str, key: str, order: Order[object]) -> str:
    link = RemoteLink(url, key)
    link.start()
    try:
        await until(lambda: bool(link.snapshot.slots), "contact")
        with pytest.raises(NotAllowed) as caught:
            await link.carry_out(order)
        error: RouterError = caught.value
        return error.message.partition(" of server.api_keys")[0]
    finally:
        await asyncio.to_thread(link.stop)


async def test_no_second_one_is_started_where_the_key_may_not_read(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would find the port taken, and not say why the first one is not shown."""
    for name, value in pair.here.env.items():
        monkeypatch.setenv(name, value)
    told = tmp_path / "here" / "state" / "hal0" / "instance.json"
    await until(told.exists, "what is written once it answers")
    told.unlink()
    file = tmp_path / "tray.yaml"
    for key in ("k-phone", "k-wrong"):
        file.write_text(f"server: {{host: {address}, port: {pair.far.port}, api_keys: [{key}]}}\n")
        assert await asyncio.to_thread(find_running, file) == (pair.url, key)


async def test_the_command_line(pair: Pair, tmp_path: Path) -> None:
    file = tmp_path / "small.yaml"
    pair.here.env["HAL0_CONFIG"] = str(file)
    for key, words, sentence in (
        ("k-phone", ["status"], PHONE),
        ("k-phone", ["activity"], PHONE),
        ("k-wall", ["unload", "primary"], WALL),
        ("k-wall", ["model", "rm", "alpha", "--yes"], WALL),
        ("k-guest", ["unload", "spare"], 'The key "guest" is only for primary'),
        ("k-wrong", ["models"], WRONG),
    ):
        file.write_text(f"server: {{port: {pair.here.port}, api_keys: [{key}]}}\n")
        done = await asyncio.to_thread(pair.here.cli, *words, "--url", pair.url)
        assert done.returncode == 1 and sentence in done.stderr, (words, done.stderr)
        assert "Traceback" not in done.stderr and key not in done.stderr
