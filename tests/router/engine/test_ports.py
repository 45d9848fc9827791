"""Free ports, and who listens on them: real sockets."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from router.base.errors import EngineFailed
from router.engine.ports import PortPool, is_free, listens_alone

LISTENER = """
import socket, sys
server = socket.socket()
if hasattr(socket, "SO_REUSEPORT"):
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
print("listening", flush=True)
sys.stdin.read()
"""
IN_A_CHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-I", "-S", "-c", {LISTENER!r}, sys.argv[1]])
"""


@pytest.fixture
def held() -> Iterator[int]:
    """A port this process listens on, as llama-server does: with SO_REUSEPORT where there is that."""
    with socket.socket() as server:
        if hasattr(socket, "SO_REUSEPORT"):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.fixture
def listen() -> Iterator[list[subprocess.Popen[bytes]]]:
    """A list of processes that end with the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.communicate(timeout=10)  # EOF on its stdin ends it


def listener(started: list[subprocess.Popen[bytes]], port: int, code: str = LISTENER) -> int:
    """The pid of another process that listens on `port`."""
    argv = [sys.executable, "-I", "-S", "-c", code, str(port)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout is not None and process.stdout.readline().strip() == b"listening"
    return process.pid


def unused() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_port_someone_listens_on_is_not_free(held: int) -> None:
    assert not is_free(held)
    assert is_free(unused())


def test_ports_are_handed_out_in_turn_and_wrap_around() -> None:
    first = next(p for p in range(20000, 60000) if all(is_free(p + i) for i in range(3)))
    pool = PortPool((first, first + 2))
    assert [pool.take() for _ in range(4)] == [first, first + 1, first + 2, first]
    assert pool.take(taken=[first + 1, first + 2]) == first


def test_a_held_port_is_passed_over_and_a_used_up_range_says_what_to_do(held: int) -> None:
    with pytest.raises(EngineFailed, match=rf"{held} to {held} .*engine\.ports in hal0\.yaml"):
        PortPool((held, held)).take()
    if is_free(held + 1):
        assert PortPool((held, held + 1)).take() == held + 1


def test_the_one_listener_listens_alone(held: int) -> None:
    assert listens_alone(os.getpid(), held)
    assert not listens_alone(os.getpid(), unused()), "nobody listens there"


def test_a_second_listener_is_noticed_though_its_bind_succeeded(
    held: int, listen: list[subprocess.Popen[bytes]]
) -> None:
    other = listener(listen, held)
    assert not listens_alone(other, held)


def test_who_does_not_listen_is_not_the_listener(held: int, listen: list[subprocess.Popen[bytes]]) -> None:
    elsewhere = listener(listen, unused())
    assert not listens_alone(elsewhere, held)


def test_a_child_of_the_engine_may_listen(listen: list[subprocess.Popen[bytes]]) -> None:
    port = unused()
    assert listens_alone(listener(listen, port, IN_A_CHILD), port)


def test_a_process_that_is_gone_does_not_listen(held: int) -> None:
    ended = subprocess.run([sys.executable, "-S", "-c", "import os; print(os.getpid())"], capture_output=True)
    assert not listens_alone(int(ended.stdout), held)
