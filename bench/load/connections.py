"""Connections of the load generator: one query at a time on each, as little work as can be."""

import asyncio
from collections.abc import Callable
from typing import cast

from bench.load.framing import is_whole

Answered = Callable[["Connection", bytes], None]
Lost = Callable[["Connection"], None]


class Connection(asyncio.Protocol):
    """`number`, `due_at`, `sent_at` and `is_asking` are of the query that is being asked; they are the caller's to set.

    `answered` is called with all bytes of the response, `lost` when the server closes the connection.
    """

    __slots__ = ("_answered", "_lost", "_received", "_transport", "due_at", "is_asking", "number", "sent_at", "write")

    def __init__(self, answered: Answered, lost: Lost) -> None:
        self._answered = answered
        self._lost = lost
        self._received = b""
        self.number = 0
        self.is_asking = False
        self.due_at = self.sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # what a loop makes for TCP, whatever its class
        self.write = self._transport.write

    def data_received(self, data: bytes) -> None:
        if self._received:
            data = self._received + data
        if is_whole(data):
            self._received = b""
            self._answered(self, data)
        else:
            self._received = data

    def connection_lost(self, error: Exception | None) -> None:
        self._lost(self)

    def close(self) -> None:
        self._transport.abort()


async def open_connections(port: int, count: int, answered: Answered, lost: Lost) -> list[Connection]:
    """All to this machine's `port`. Raises OSError when the server takes none."""
    loop = asyncio.get_running_loop()
    opened = []
    for _ in range(count):
        _, connection = await loop.create_connection(lambda: Connection(answered, lost), "127.0.0.1", port)
        opened.append(connection)
    return opened
