"""Errors, CORS and keys, through a real server."""

from __future__ import annotations

import asyncio
import logging
import socket

import psutil
import pytest

from router.base.errors import RouterError
from router.server.middleware import error_response
from tests.engines.running import soon
from tests.router.server.conftest import MAX_BODY, Serve, Served

KEY = "a-key"
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "path.not_found"),
        ("GET", "/v1/models/nothing", 404, "model.not_found"),
        ("GET", CHAT, 405, "method.not_allowed"),
        ("DELETE", "/api/state", 405, "method.not_allowed"),
        ("GET", "/api/slots/none/logs", 404, "slot.not_found"),
        ("GET", "/test/bug", 500, "internal"),
        ("GET", "/test/busy", 504, "slot.wait_timeout"),
    ],
)
async def test_every_error_has_the_one_envelope(
    serve: Serve, method: str, path: str, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    served = await serve()
    given, body, _ = await served.ask(method, path)
    assert given == status
    assert set(body) == {"error"}
    assert set(body["error"]) == {"message", "type", "param", "code", "details"}
    assert body["error"]["code"] == code and body["error"]["message"].endswith(".")


async def test_a_method_that_is_not_allowed_names_those_that_are(serve: Serve) -> None:
    served = await serve()
    _, _, headers = await served.ask("GET", CHAT)
    assert headers["Allow"] == "POST"


async def test_a_bug_is_logged_and_its_details_kept(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    served = await serve()
    _, body, _ = await served.ask("GET", "/test/bug")
    assert "secret" not in body["error"]["message"]
    assert "bug while answering GET /test/bug" in caplog.text and "a secret detail" in caplog.text


async def test_a_body_that_is_too_large(serve: Serve) -> None:
    served = await serve()
    status, body, _ = await served.ask("POST", CHAT, data=b"x" * (MAX_BODY + 1))
    assert (status, body["error"]["code"]) == (413, "request.too_large")
    assert (await served.ask("POST", CHAT, data=b"x" * MAX_BODY))[0] == 200


async def test_retry_after_is_whole_seconds_rounded_up(serve: Serve) -> None:
    served = await serve()
    assert (await served.ask("GET", "/test/busy"))[2]["Retry-After"] == "3"
    assert error_response(RouterError("x.", retry_after=0.01), "/").headers["Retry-After"] == "1"
    assert "Retry-After" not in error_response(RouterError("x."), "/").headers


# -- pages ---------------------------------------------------------------------------------------------


async def test_a_preflight_of_a_local_page_is_allowed_whatever_headers_it_asks_for(serve: Serve) -> None:
    served = await serve((KEY,))
    asked = {
        "Origin": "http://localhost:3000",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,x-stainless-lang",
    }
    status, _, headers = await served.ask("OPTIONS", CHAT, headers=asked)
    assert status == 204
    assert headers["Access-Control-Allow-Origin"] == "http://localhost:3000"
    assert "POST" in headers["Access-Control-Allow-Methods"]
    assert "DELETE" in headers["Access-Control-Allow-Methods"], "DELETE /api/downloads/ID is called by pages"
    assert headers["Access-Control-Allow-Headers"] == "authorization,x-stainless-lang"
    assert headers["Vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "http://[::1", "null"])
async def test_a_page_of_another_place_gets_nothing_it_could_read(serve: Serve, origin: str) -> None:
    served = await serve()
    for method, path in (("OPTIONS", CHAT), ("POST", CHAT), ("GET", "/api/state")):
        status, body, headers = await served.ask(method, path, headers={"Origin": origin})
        assert (status, body["error"]["code"]) == (403, "auth.forbidden_origin")
        assert not any(name.startswith("Access-Control") for name in headers)


async def test_a_local_page_may_read_answers_and_errors(serve: Serve) -> None:
    served = await serve()
    for path, status in (("/api/state", 200), ("/nowhere", 404)):
        given, _, headers = await served.ask("GET", path, headers={"Origin": "http://127.0.0.1:5173"})
        assert given == status and headers["Access-Control-Allow-Origin"] == "http://127.0.0.1:5173"
    _, _, headers = await served.ask("GET", "/api/state")
    assert "Access-Control-Allow-Origin" not in headers


async def test_a_rebound_name_is_refused(serve: Serve) -> None:
    served = await serve()
    assert await served.code("GET", "/api/state", headers={"Host": "evil.example"}) == (
        403,
        "auth.forbidden_origin",
    )


# -- keys ----------------------------------------------------------------------------------------------


async def test_without_keys_everything_is_open(serve: Serve) -> None:
    served = await serve()
    assert (await served.ask("POST", CHAT, data=b"{}"))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": f"Bearer {KEY}"}, {"x-api-key": KEY}, {"Authorization": "Basic dXNlcjphLWtleQ=="}],
)
async def test_a_key_opens(serve: Serve, headers: dict[str, str]) -> None:
    served = await serve((KEY,))
    assert (await served.ask("POST", CHAT, data=b"{}", headers=headers))[0] == 200
    status, body, answered = await served.ask("POST", CHAT, data=b"{}")
    assert (status, body["error"]["code"]) == (401, "auth.invalid_key")
    assert answered["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["Bearer wrong", "Basic \u00e9", "Bearer \u00ff\u20ac", "nonsense"])
async def test_a_wrong_key_is_401_however_it_is_written(serve: Serve, value: str) -> None:
    served = await serve((KEY,))
    headers = {"Authorization": value}
    assert await served.code("POST", CHAT, data=b"{}", headers=headers) == (401, "auth.invalid_key")


async def test_bytes_that_are_no_text_in_a_key_are_401(serve: Serve) -> None:
    """No client library sends them, so a socket does."""
    served = await serve((KEY,))
    with socket.create_connection(("127.0.0.1", served.server.port or 0)) as raw:
        raw.setblocking(False)
        loop = asyncio.get_running_loop()
        head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\xfe\r\n"
        await loop.sock_sendall(raw, head + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
        answer = await loop.sock_recv(raw, 4096)
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_on_this_computer_metadata_needs_no_key(serve: Serve) -> None:
    """Probing clients send none (CLIENTS.md)."""
    served = await serve((KEY,))
    for path in ("/", "/health", "/v1/models", "/models", "/v1/models/primary", "/api/state"):
        assert (await served.ask("GET", path))[0] == 200, path
    assert (await served.ask("HEAD", "/v1/models"))[0] == 200
    assert await served.code("POST", "/api/unload") == (401, "auth.invalid_key")


async def test_a_proxy_on_this_computer_is_no_way_around_the_key(serve: Serve) -> None:
    served = await serve((KEY,))
    for header in ("X-Forwarded-For", "Forwarded"):
        status, body, _ = await served.ask("GET", "/api/state", headers={header: "for=203.0.113.9"})
        assert (status, body["error"]["code"]) == (401, "auth.invalid_key")


async def test_from_elsewhere_only_the_health_needs_no_key(serve: Serve) -> None:
    addresses = [a.address for nic in psutil.net_if_addrs().values() for a in nic if a.family is socket.AF_INET]
    outside = next((a for a in addresses if not a.startswith("127.")), None)
    if outside is None:
        pytest.skip("this computer has no address but loopback")
    served = await serve((KEY,), host="0.0.0.0")
    url = f"http://{outside}:{served.server.port}"
    assert (await served.ask("GET", "/health", url=url))[0] == 200
    assert await served.code("GET", "/api/state", url=url) == (401, "auth.invalid_key")
    bearer = {"Authorization": f"Bearer {KEY}"}
    assert (await served.ask("GET", "/api/state", url=url, headers=bearer))[0] == 200


async def test_errors_speak_the_dialect_of_their_path(serve: Serve) -> None:
    served = await serve()
    _, body, _ = await served.ask("POST", "/v1/messages", data=b"{")
    assert body["type"] == "error" and isinstance(body["error"]["message"], str)
    _, body, _ = await served.ask("POST", "/api/chat", headers={"Origin": "https://evil.example"})
    assert isinstance(body["error"], str)


async def test_a_bug_in_an_answer_that_has_begun_ends_the_connection(serve: Serve) -> None:
    """A second head would be taken for more of the first answer."""
    served = await serve()
    received = await _exchange(served, "GET /test/late HTTP/1.1", "Connection: close")
    assert received.count(b"HTTP/1.1") <= 1 and not received.endswith(b"0\r\n\r\n")


async def test_a_body_that_cannot_be_unpacked(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    served = await serve()
    headers = {"Content-Encoding": "gzip"}
    status, body, _ = await served.ask("POST", CHAT, data=b"no gzip", headers=headers)
    assert (status, body["error"]["code"]) == (400, "request.invalid")
    assert "bug" not in caplog.text


@pytest.mark.parametrize("given", ["one two", "x" * 65, "ä", ""])
async def test_only_a_name_names_a_request(serve: Serve, given: str) -> None:
    """It is logged: words of its own could pass for hal0's."""
    served = await serve()
    _, _, headers = await served.ask("GET", "/health", headers={"X-Request-Id": given})
    assert len(headers["X-Request-ID"]) == 16 and given not in headers.values()


async def test_a_request_keeps_its_name(serve: Serve) -> None:
    served = await serve()
    _, _, headers = await served.ask("GET", "/health", headers={"X-Request-Id": "req-1/a"})
    assert headers["X-Request-ID"] == "req-1/a"


async def _exchange(served: Served, *lines: str) -> bytes:
    """All that comes for a request without a body, until the connection ends."""
    url = served.server.make_url("/")
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write("\r\n".join([lines[0], "Host: localhost", *lines[1:], "", ""]).encode())
    received = b""
    try:
        while piece := await soon(reader.read(65536)):
            received += piece
    except ConnectionResetError:
        pass  # an end like any other, here
    finally:
        writer.close()
    return received
