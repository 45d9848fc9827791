"""Servers elsewhere, for tests: real sockets, real TLS, and answers of every kind."""

from __future__ import annotations

import asyncio
import datetime
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class StubUpstream:
    """An OpenAI-compatible server. `requests` are (method, path, headers, body) as they came; `chat` answers
    generation, `listing` is what /v1/models says."""

    name: str = "elsewhere"
    models: tuple[str, ...] = ("llama",)
    chat: Handler | None = None
    listing: Handler | None = None
    requests: list[tuple[str, str, Mapping[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @asynccontextmanager
    async def running(self, tls: ssl.SSLContext | None = None, port: int = 0) -> AsyncIterator[StubUpstream]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls)
        await site.start()
        bound = runner.addresses[0][1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{bound}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    def asked(self, path: str) -> int:
        """How often."""
        return sum(1 for _, asked, _, _ in self.requests if asked == path)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append((request.method, request.path, dict(request.headers), await request.read()))
        if request.path == "/v1/models":
            return await self.listing(request) if self.listing else self._models()
        return await self.chat(request) if self.chat else self._hello(request)

    def _models(self) -> web.Response:
        rows = [{"id": model, "object": "model", "max_model_len": 4096} for model in self.models]
        return web.json_response({"object": "list", "data": rows})

    def _hello(self, request: web.Request) -> web.Response:
        message = {"role": "assistant", "content": f"Hello from {self.name}."}
        return web.json_response({"choices": [{"index": 0, "message": message}], "model": self.models[0]})


def refusing(status: int, message: str = "No.", **headers: str) -> Handler:
    """Answers every request with an error as OpenAI's look."""

    async def answer(_request: web.Request) -> web.Response:
        return web.json_response({"error": {"message": message}}, status=status, headers=headers)

    return answer


async def hanging(_request: web.Request) -> web.StreamResponse:
    """Takes the request and never answers."""
    await asyncio.Event().wait()
    raise AssertionError("never")


def streaming(*words: str, then: Callable[[], Awaitable[None]] | None = None) -> Handler:
    """Server-sent events, one for each word; `then` before the end, of which the last word knows nothing."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for left, word in enumerate(words, 1 - len(words)):
            ends = {"finish_reason": "stop"} if left == 0 and then is None else {}
            chunk: dict[str, Any] = {"choices": [{"index": 0, "delta": {"content": word}, **ends}]}
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        if then is not None:
            await then()
        await response.write(b"data: [DONE]\n\n")
        return response

    return answer


@dataclass(frozen=True)
class Certificate:
    """A self-signed one for 127.0.0.1, in files."""

    certificate: Path
    key: Path

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def trusted(self) -> ssl.SSLContext:
        """A client that trusts it, and whatever this computer trusts."""
        context = ssl.create_default_context()
        context.load_verify_locations(self.certificate)
        return context


def make_certificate(folder: Path, host: str = "127.0.0.1", *, expired: bool = False) -> Certificate:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hal0's tests")])
    now = datetime.datetime.now(datetime.UTC)
    began, ends = now - datetime.timedelta(days=9), now + datetime.timedelta(days=-1 if expired else 9)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(began)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    made = Certificate(folder / f"{host}-{expired}.pem", folder / f"{host}-{expired}.key")
    made.certificate.write_bytes(built.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    made.key.write_bytes(pem)
    return made
