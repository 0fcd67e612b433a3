import asyncio
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from clipper_sls.adapters.frontends.connections import ConnectionReceiver, ConnectionSpreader


class Taker:
    """A front end that keeps the connections it is given."""

    def __init__(self, opened: ExitStack) -> None:
        self.takes, theirs = socket.socketpair()
        self.takes.setblocking(False)
        opened.enter_context(self.takes)
        opened.enter_context(theirs)
        self.connections: list[socket.socket] = []
        self.has_ended = asyncio.Event()
        self._opened = opened
        self._came = asyncio.Event()
        self.receiver = ConnectionReceiver(theirs, self._keep, self.has_ended.set)
        self.receiver.start()

    async def has(self, count: int) -> None:
        while len(self.connections) < count:
            self._came.clear()
            await asyncio.wait_for(self._came.wait(), 5)

    def _keep(self, connection: socket.socket) -> None:
        self.connections.append(self._opened.enter_context(connection))
        self._came.set()


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def listener(opened: ExitStack) -> socket.socket:
    listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))
    listener.setblocking(False)
    return listener


def _connect(listener: socket.socket, opened: ExitStack, count: int) -> list[socket.socket]:
    return [opened.enter_context(socket.create_connection(listener.getsockname())) for _ in range(count)]


async def test_connections_go_round(listener: socket.socket, opened: ExitStack) -> None:
    spreader, takers = ConnectionSpreader(listener), [Taker(opened) for _ in range(3)]
    for taker in takers:
        spreader.add(taker.takes)
    clients = _connect(listener, opened, 9)
    for taker in takers:
        await taker.has(3)
    takers[0].connections[0].sendall(b"hello")
    assert clients[0].recv(5) == b"hello"
    spreader.stop()


async def test_without_anybody_to_take_them_connections_wait(listener: socket.socket, opened: ExitStack) -> None:
    spreader, first, second = ConnectionSpreader(listener), Taker(opened), Taker(opened)
    spreader.add(first.takes)
    spreader.remove(first.takes)
    _connect(listener, opened, 2)
    spreader.add(second.takes)
    await second.has(2)
    assert first.connections == []
    spreader.stop()


async def test_one_that_has_died_is_passed_over(listener: socket.socket, opened: ExitStack) -> None:
    spreader, dead, live = ConnectionSpreader(listener), Taker(opened), Taker(opened)
    dead.receiver.stop()
    dead.takes.close()
    spreader.add(dead.takes)
    spreader.add(live.takes)
    _connect(listener, opened, 4)
    await live.has(4)
    spreader.stop()


async def test_what_was_given_before_the_end_arrives_before_it(listener: socket.socket, opened: ExitStack) -> None:
    spreader, taker = ConnectionSpreader(listener), Taker(opened)
    spreader.add(taker.takes)
    _connect(listener, opened, 3)
    taker.receiver.stop()
    given = asyncio.Event()
    asyncio.get_running_loop().call_later(0.05, given.set)  # the spreader has its turns
    await given.wait()
    spreader.remove(taker.takes)
    taker.takes.shutdown(socket.SHUT_WR)
    taker.receiver.start()
    await asyncio.wait_for(taker.has_ended.wait(), 5)
    assert len(taker.connections) == 3
