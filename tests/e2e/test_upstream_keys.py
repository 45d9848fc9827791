"""Keys of servers elsewhere, and the client's own: they lie in no log, error, state or command line."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from aiohttp import web

from tests.e2e.harness import Hal0
from tests.engines.running import make_server
from tests.fixtures_models import SpeakingModel
from tests.router.upstreams.servers import StubUpstream, refusing, streaming

pytestmark = pytest.mark.asyncio(loop_scope="module")

FROM_ENVIRONMENT, WRITTEN = "sk-environment-0123456789", "sk-written-0123456789"
LOCAL, CLIENTS = "sk-local-0123456789", "sk-clients-0123456789"
SECRETS = (FROM_ENVIRONMENT, WRITTEN, LOCAL, CLIENTS)
CHAT = "/v1/chat/completions"
HELLO = {"messages": [{"role": "user", "content": "Hello?"}]}
SLOTS = """
slots:
  primary: {models: [good]}
  crashing: {models: [crash], fallback: [quoting, listing, scolding]}
  far: {kind: chat, upstream: well/llama}
"""


async def quoting(request: web.Request) -> web.StreamResponse:
    """Tells everyone the key it was sent."""
    return await refusing(401, f"Incorrect API key provided: {request.headers['Authorization']}")(request)


async def scolding(request: web.Request) -> web.StreamResponse:
    return await refusing(422, f"Not with the key {request.headers['Authorization']}!")(request)


@dataclass
class Vault:
    hal0: Hal0
    servers: dict[str, StubUpstream]

    @property
    def headers(self) -> dict[str, str]:
        """The client's own key is hal0's; with it come others that are nobody's business."""
        return {"Authorization": f"Bearer {LOCAL}", "X-Other-Key": CLIENTS, "Cookie": f"session={CLIENTS}"}

    async def ask(self, model: str, path: str = CHAT, **more: object) -> tuple[int, str]:
        body = {"model": model, **HELLO, **more}
        url = self.hal0.url + path
        async with self.hal0.session.post(url, json=body, headers=self.headers) as answer:
            return answer.status, str(answer.headers) + await answer.text()

    async def read(self, path: str) -> str:
        async with self.hal0.session.get(self.hal0.url + path, headers=self.headers) as answer:
            assert answer.status == 200, path
            return await answer.text()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def vault(
    tmp_path_factory: pytest.TempPathFactory, speaking_model: SpeakingModel
) -> AsyncIterator[Vault]:
    home = tmp_path_factory.mktemp("vault")
    (home / "models").mkdir()
    for name in ("good", "crash"):
        shutil.copy(speaking_model("It is the engine that speaks."), home / "models" / f"{name}.gguf")
    async with (
        StubUpstream(chat=quoting).running() as first,
        StubUpstream(listing=quoting, chat=quoting).running() as second,
        StubUpstream(chat=scolding).running() as third,
        StubUpstream().running() as well,
    ):
        servers = {"quoting": first, "listing": second, "scolding": third, "well": well}
        keys = dict.fromkeys(servers, "env:OPENROUTER_API_KEY") | {"scolding": WRITTEN}
        upstreams = {name: {"base_url": s.url, "api_key": keys[name]} for name, s in servers.items()}
        config = f"upstreams: {json.dumps(upstreams)}\n{SLOTS}"
        hal0 = Hal0.prepare(home, make_server(home / "llama-server"), config)
        file = home / "hal0.yaml"
        file.write_text(file.read_text().replace("server: {", f"server: {{api_keys: [{LOCAL}], "))
        hal0.env["OPENROUTER_API_KEY"] = FROM_ENVIRONMENT
        await hal0.start()
        yield Vault(hal0, servers)
        await hal0.close()


def holds(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


@pytest.mark.parametrize(
    "model", ["quoting/llama", "listing/llama", "scolding/llama", "crashing", "quoting/no"]
)
@pytest.mark.parametrize("stream", [False, True], ids=["single", "stream"])
async def test_no_error_quotes_a_key(vault: Vault, model: str, stream: bool) -> None:
    status, told = await vault.ask(model, stream=stream)
    assert (status >= 400 or '"error"' in told) and not holds(told), told
    status, told = await vault.ask(model, "/v1/messages", max_tokens=9, stream=stream)
    assert (status >= 400 or '"error"' in told) and not holds(told), told


async def test_each_server_gets_its_own_key_and_nobody_elses(vault: Vault) -> None:
    for model in ("well/llama", "far", "scolding/llama"):
        await vault.ask(model)
    vault.servers["well"].chat = streaming("Hel", "lo")
    await vault.ask("far", stream=True)
    for name, server in vault.servers.items():
        for _method, _path, headers, body in server.requests:
            told = f"{headers} {body!r}"
            own = WRITTEN if name == "scolding" else FROM_ENVIRONMENT
            assert holds(told) == [own] and "Cookie" not in headers, (name, told)


async def test_what_hal0_tells_of_itself_has_none(vault: Vault) -> None:
    await vault.ask("crashing")
    paths = ("/api/state", "/api/config", "/api/log", "/v1/models", "/api/tags", "/", "/api/models")
    for path in (*paths, "/api/slots/crashing/logs", "/api/slots/primary/logs"):
        assert not holds(await vault.read(path)), path
    async with vault.hal0.session.get(vault.hal0.url + "/api/events", headers=vault.headers) as events:
        first = [await events.content.readline() for _ in range(2)]
        assert not holds(b"".join(first).decode())


async def test_no_file_but_the_configuration_has_one(vault: Vault) -> None:
    await vault.ask("quoting/llama")
    await vault.hal0.until_output("upstream quoting did not answer: 401 Unauthorized")
    assert not holds(vault.hal0.output())
    written = [file for file in vault.hal0.home.rglob("*") if file.is_file() and _has_secret(file)]
    assert written == [vault.hal0.home / "hal0.yaml"]


def _has_secret(file: Path) -> bool:
    return bool(holds(file.read_bytes().decode(errors="replace")))


async def test_no_command_line_has_one(vault: Vault) -> None:
    await vault.ask("primary")
    assert vault.hal0.process is not None
    family = [psutil.Process(vault.hal0.process.pid)]
    family += family[0].children(recursive=True)
    assert len(family) > 1, "its engine runs"
    for process in family:
        assert not holds(" ".join(process.cmdline()))
    listed = vault.hal0.cli("status")
    assert not holds(listed.stdout + listed.stderr)


async def test_no_engine_inherits_one(vault: Vault) -> None:
    """The engine is another program: its key is its own."""
    await vault.ask("primary")
    assert vault.hal0.process is not None
    engines = psutil.Process(vault.hal0.process.pid).children(recursive=True)
    environments = [engine.environ() for engine in engines]
    assert any("LLAMA_API_KEY" in environment for environment in environments), "its engine runs"
    for environment in environments:
        assert not holds(str(environment))
