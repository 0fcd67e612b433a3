"""Connections of clients: the engine accepts them, and front ends get them in turn.

Sockets that each process accepts from itself would spread them by chance: of eight connections to four processes, one
may well get four and another none. And those that the kernel had given to a process that died would be lost.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

_log = logging.getLogger(__name__)

MAX_ACCEPTED = 64
"""In one turn of the event loop."""

PAUSE_S = 0.1
"""Without file descriptors left, nothing is accepted for so long."""


class ConnectionSpreader:
    """Accepts on `listener` while somebody takes connections; until then they wait in its backlog."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._takers: list[socket.socket] = []
        self._is_accepting = False

    def add(self, taker: socket.socket) -> None:
        """`taker` is one end of a pair of sockets, whose other end a `ConnectionReceiver` reads."""
        self._takers.append(taker)
        self._accept()

    def remove(self, taker: socket.socket) -> None:
        """No error when it is not there."""
        if taker in self._takers:
            self._takers.remove(taker)
        if not self._takers:
            self.stop()

    def stop(self) -> None:
        if self._is_accepting:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._is_accepting = False

    def _accept(self) -> None:
        if self._takers and not self._is_accepting:
            asyncio.get_running_loop().add_reader(self._listener, self._spread)
            self._is_accepting = True

    def _spread(self) -> None:
        for _ in range(MAX_ACCEPTED):
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.warning("No connection can be accepted for a moment: %s", error)
                self.stop()
                asyncio.get_running_loop().call_later(PAUSE_S, self._accept)
                return
            with connection:
                self._give(connection)

    def _give(self, connection: socket.socket) -> None:
        """To the first that can take it; each goes to the end of the row when it was asked."""
        for _ in range(len(self._takers)):
            taker = self._takers.pop(0)
            self._takers.append(taker)
            with suppress(OSError):  # it has died, or its buffer is full
                socket.send_fds(taker, [b"\0"], [connection.fileno()])
                return


class ConnectionReceiver:
    """Calls `received` with each connection, and `ended` when no more will come."""

    def __init__(
        self, source: socket.socket, received: Callable[[socket.socket], None], ended: Callable[[], None]
    ) -> None:
        self._source = source
        self._received = received
        self._ended = ended
        source.setblocking(False)

    def start(self) -> None:
        asyncio.get_running_loop().add_reader(self._source, self._receive)

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._source)

    def _receive(self) -> None:
        for _ in range(MAX_ACCEPTED):
            try:
                content, descriptors, _, _ = socket.recv_fds(self._source, 1, 1)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                content, descriptors = b"", []
            if not content:
                self.stop()
                self._ended()
                return
            for descriptor in descriptors:
                connection = socket.socket(fileno=descriptor)
                connection.setblocking(False)
                self._received(connection)
