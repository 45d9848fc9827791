"""Windows: asyncio's own loop, but for what ends its servers.

A client that connects and resets before it is accepted makes that one accept fail, with ERROR_NETNAME_DELETED;
asyncio then closes the listening socket, and nobody is answered any more until hal0 is started anew. Seen with
CPython 3.11 to 3.13: https://github.com/python/cpython/issues/93821
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import _overlapped
    import asyncio
    import functools
    import socket
    import struct
    from typing import Any

    # Of the client, not of the listening socket: ERROR_NETNAME_DELETED and Wine's ERROR_UNEXP_NET_ERR,
    # ERROR_CONNECTION_ABORTED, WSAECONNABORTED, WSAECONNRESET, WSAENOTCONN.
    _CLIENT_LEFT = frozenset({64, 59, 1236, 10053, 10054, 10057})

    class _Proactor(asyncio.IocpProactor):
        def accept(self, listener: socket.socket) -> asyncio.Future[Any]:
            """Resolve to the next connection that lasts until it is accepted, and its address."""
            accepted: asyncio.Future[Any] = self._loop.create_future()
            self._accept_into(accepted, listener)
            return accepted

        def _accept_into(self, accepted: asyncio.Future[Any], listener: socket.socket) -> None:
            """As in the base class, with a socket that is closed whatever goes wrong."""
            self._register_with_iocp(listener)
            conn = self._get_accept_socket(listener.family)
            overlapped = _overlapped.Overlapped(0)
            try:
                overlapped.AcceptEx(listener.fileno(), conn.fileno())
            except OSError:
                conn.close()
                raise

            def finish(_transferred: int, _key: int, done: Any) -> Any:
                done.getresult()
                update = struct.pack("@P", listener.fileno())
                conn.setsockopt(socket.SOL_SOCKET, _overlapped.SO_UPDATE_ACCEPT_CONTEXT, update)
                conn.settimeout(listener.gettimeout())
                return conn, conn.getpeername()

            pending = self._register(overlapped, listener, finish)
            accepted.add_done_callback(lambda outer: outer.cancelled() and pending.cancel())
            pending.add_done_callback(functools.partial(self._pass_on, accepted, listener, conn))

        def _pass_on(
            self,
            accepted: asyncio.Future[Any],
            listener: socket.socket,
            conn: socket.socket,
            pending: asyncio.Future[Any],
        ) -> None:
            error = None if pending.cancelled() else pending.exception()
            if pending.cancelled() or accepted.done() or error is not None:
                conn.close()
            if accepted.done():
                return
            if pending.cancelled():
                accepted.cancel()
            elif error is None:
                accepted.set_result(pending.result())
            elif getattr(error, "winerror", None) in _CLIENT_LEFT and listener.fileno() != -1:
                self._try_again(accepted, listener)
            else:
                accepted.set_exception(error)

        def _try_again(self, accepted: asyncio.Future[Any], listener: socket.socket) -> None:
            try:
                self._accept_into(accepted, listener)
            except OSError as error:
                accepted.set_exception(error)

    def new_event_loop() -> asyncio.AbstractEventLoop:
        return asyncio.ProactorEventLoop(_Proactor())
