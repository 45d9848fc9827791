"""Another port in place of the one that is taken."""

from __future__ import annotations

import socket

from router.server.free_port import free_port

NO_ENGINES = (0, 0)


def taken() -> socket.socket:
    listening = socket.create_server(("127.0.0.1", 0))
    while listening.getsockname()[1] > 60_000:
        listening.close()
        listening = socket.create_server(("127.0.0.1", 0))
    return listening


def test_the_next_port_that_can_be_had() -> None:
    with taken() as one:
        port = one.getsockname()[1]
        found = free_port("127.0.0.1", port, NO_ENGINES)
        assert found is not None and port < found <= port + 50
        with socket.create_server(("127.0.0.1", found)):
            assert free_port("127.0.0.1", port, NO_ENGINES) not in (None, found)


def test_an_engines_port_is_none() -> None:
    with taken() as one:
        port = one.getsockname()[1]
        assert free_port("127.0.0.1", port, (port, port + 100)) is None
        found = free_port("127.0.0.1", port, (port, port + 20))
        assert found is not None and found > port + 20


def test_there_is_none_above_the_last_or_on_another_computers_address() -> None:
    assert free_port("127.0.0.1", 65535, NO_ENGINES) is None
    assert free_port("192.0.2.1", 8080, NO_ENGINES) is None
