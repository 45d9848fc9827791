"""The router's loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys

from router.base.loop import run

RESET = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # struct linger: closing resets


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.readline()
        writer.write(b"here\n")
        writer.close()
        await writer.wait_closed()


async def _ask(port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"anybody?\n")
    said = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return said


def _connect_and_reset(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)


def test_clients_that_reset_at_once_do_not_end_the_server() -> None:
    """On Windows asyncio closes the listening socket if one leaves before it is accepted."""

    async def main() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server:
            for _ in range(10):
                for _ in range(10):
                    _connect_and_reset(port)  # while the loop cannot accept
                assert await _ask(port) == b"here\n"

    run(main())


def test_a_server_can_be_closed_while_it_waits_for_clients() -> None:
    async def main() -> None:
        server = await asyncio.start_server(_answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        again = await asyncio.start_server(_answer, "127.0.0.1", port)
        again.close()
        await again.wait_closed()

    run(main())
