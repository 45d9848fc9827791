"""Row 38: what Connect copies works when it is pasted, whatever key and address hal0 was given."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import yaml

from app.views.client_key import key_of
from app.views.connect import Client, recipe
from router.config.change import ConfigDocument
from router.config.hidden import hide_keys
from router.config.load import parse_text
from router.config.schema import Kind
from router.state import ServerStatus, SlotStatus, Snapshot
from tests.e2e.conftest import ALPHA, SLOTS
from tests.e2e.harness import Hal0


@dataclass(frozen=True)
class Case:
    name: str
    server: dict[str, object] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)


CASES = [
    Case("no key"),
    Case("a key", {"api_keys": ["hal0-secret-1234567890"]}),
    Case("a key of signs", {"api_keys": ["""a'b"c$HOME`\\x"""]}),
    Case("a key in a variable", {"api_keys": ["env:MY_KEY"]}, {"MY_KEY": "from-the-environment"}),
    Case("both", {"api_keys": ["env:MY_KEY", "written-out"]}, {"MY_KEY": "from-the-environment"}),
    Case("every address", {"host": "0.0.0.0", "api_keys": ["hal0-secret-1234567890"]}),
    Case("IPv6", {"host": "::1"}),
    Case("every IPv6 address", {"host": "::", "api_keys": ["hal0-secret-1234567890"]}),
    Case("another loopback", {"host": "127.0.0.2"}),
]


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_what_connect_copies_works_when_pasted(case: Case, make_hal0: Callable[[str], Hal0]) -> None:
    """Row 38."""
    host = str(case.server.get("host", "127.0.0.1"))
    if ":" in host and not has_ipv6():
        pytest.skip("this computer has no IPv6")
    hal0 = make_hal0(SLOTS)
    file = hal0.home / "hal0.yaml"
    written = yaml.safe_load(file.read_text())
    written["server"] |= case.server
    file.write_text(yaml.safe_dump(written))
    server = ServerStatus(host=host, port=hal0.port)
    hal0.host = server.url.removeprefix("http://").rpartition(":")[0]
    hal0.env |= case.variables
    config = parse_text(file.read_text(), file, environment=case.variables).config
    for secret in config.server.api_keys:
        hal0.session.headers["Authorization"] = f"Bearer {secret}"
    await hal0.start()
    key = key_of(ConfigDocument(file, True, hide_keys(file.read_text()), config))
    snapshot = Snapshot(server=server, slots=(SlotStatus("primary", Kind.CHAT),))
    environment = {"PATH": os.environ["PATH"], **case.variables}
    curl = recipe(Client.CURL, snapshot, key=key).paste.replace("curl ", "curl --silent --show-error ", 1)
    for argv in (["sh", "-c", curl], [sys.executable, "-c", recipe(Client.PYTHON, snapshot, key=key).paste]):
        done = await asyncio.to_thread(subprocess.run, argv, env=environment, capture_output=True, text=True)
        assert ALPHA in done.stdout, (argv[-1], done.stdout, done.stderr)
    for client in Client:
        shown = recipe(client, snapshot, key=key)
        for secret in config.server.api_keys:
            assert secret not in shown.shown
        if key.secret and client is not Client.URL:
            escaped = json.dumps(key.value)[1:-1]  # as JSON, and TOML's texts, have it
            known = key.value in shown.paste or escaped in shown.paste
            assert known or client in (Client.CURL, Client.PYTHON, Client.CONTINUE), client
