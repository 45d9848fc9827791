"""Listening sockets as the kernel itself tells of them, on real ones."""

from __future__ import annotations

import os
import socket
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("sock_diag is Linux'", allow_module_level=True)

from router.platforms.sock_diag import listening_inodes


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_only_who_listens_on_the_port_is_told(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as server, socket.socket(family) as client:
        port = server.getsockname()[1]
        client.connect((host, port))
        assert listening_inodes(port) == {os.fstat(server.fileno()).st_ino}
        assert listening_inodes(client.getsockname()[1]) == set(), "a connection is no listener"


def test_two_that_share_a_port_are_both_told() -> None:
    with socket.socket() as one, socket.socket() as other:
        for server in (one, other):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(("127.0.0.1", 0))
        other.bind(one.getsockname())
        one.listen()
        other.listen()
        inodes = {os.fstat(server.fileno()).st_ino for server in (one, other)}
        assert listening_inodes(one.getsockname()[1]) == inodes
