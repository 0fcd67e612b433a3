"""A body within its bound, whole or in pieces, and one over it."""

from collections import deque
from collections.abc import AsyncIterator, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope

from clipper_sls.errors import RequestTooLargeError
from clipper_sls.http.body import SenderLeftError, bounded_stream, read_body

LIMIT_BYTES = 10

Reader = Callable[[Scope, Receive, int], object]


class Client:
    """Sends a body in the given pieces, and then nothing more."""

    def __init__(self, *pieces: bytes, breaks_off: bool = False) -> None:
        last = {"type": "http.disconnect"} if breaks_off else {"type": "http.request", "body": b""}
        self.left: deque[Message] = deque({"type": "http.request", "body": one, "more_body": True} for one in pieces)
        if self.left and not breaks_off:
            self.left[-1]["more_body"] = False
        else:
            self.left.append(last)

    async def receive(self) -> Message:
        return self.left.popleft()


def _scope(declared: bytes | None = None) -> Scope:
    return {"type": "http", "headers": [] if declared is None else [(b"content-length", declared)]}


async def _streamed(scope: Scope, receive: Receive, limit_bytes: int) -> bytes:
    return b"".join([chunk async for chunk in bounded_stream(scope, receive, limit_bytes)])


@pytest.fixture(params=[read_body, _streamed], ids=["at once", "piece by piece"])
def read(request: pytest.FixtureRequest) -> Callable:
    return request.param


@given(st.lists(st.binary(max_size=8), max_size=5))
async def test_it_is_the_pieces_joined_or_refused(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    for reader in (read_body, _streamed):
        client = Client(*pieces)
        if len(whole) <= LIMIT_BYTES:
            assert await reader(_scope(), client.receive, LIMIT_BYTES) == whole
        else:
            with pytest.raises(RequestTooLargeError, match=f"{LIMIT_BYTES} bytes"):
                await reader(_scope(), client.receive, LIMIT_BYTES)
        assert not client.left


@pytest.mark.parametrize("pieces", [(b"1" * 11, b"2" * 50), (b"1" * 5, b"2" * 6, b"3" * 9)])
async def test_what_is_too_large_is_read_to_its_end(read: Callable, pieces: tuple[bytes, ...]) -> None:
    client = Client(*pieces)
    with pytest.raises(RequestTooLargeError):
        await read(_scope(), client.receive, LIMIT_BYTES)
    assert not client.left


async def test_a_declared_length_over_the_limit_is_refused_before_any_of_it_is_used() -> None:
    client = Client(b"1", b"2" * 50)
    stream = bounded_stream(_scope(b"51"), client.receive, LIMIT_BYTES)
    with pytest.raises(RequestTooLargeError):
        await anext(stream)
    assert not client.left


@pytest.mark.parametrize("declared", [b"10", b"", b"-1", b"1e9", b"\xb2\xb3", b" 99", b"many"])
async def test_a_length_that_is_no_number_says_nothing(read: Callable, declared: bytes) -> None:
    assert await read(_scope(declared), Client(b"12345", b"67890").receive, LIMIT_BYTES) == b"1234567890"


async def test_a_client_that_hangs_up_is_told_apart(read: Callable) -> None:
    with pytest.raises(SenderLeftError):
        await read(_scope(), Client(b"1", breaks_off=True).receive, LIMIT_BYTES)
    with pytest.raises(SenderLeftError):
        await read(_scope(), Client(breaks_off=True).receive, LIMIT_BYTES)


async def test_a_client_that_hangs_up_while_it_is_refused_is_still_refused(read: Callable) -> None:
    with pytest.raises(RequestTooLargeError):
        await read(_scope(), Client(b"1" * 11, b"2", breaks_off=True).receive, LIMIT_BYTES)


async def test_no_body_at_all_is_an_empty_one(read: Callable) -> None:
    async def receive() -> Message:
        return {"type": "http.request"}

    assert await read(_scope(), receive, LIMIT_BYTES) == b""


async def test_an_endless_body_is_not_read_for_ever(read: Callable) -> None:
    piece = bytes(16 * 1024 * 1024)
    received_bytes = 0

    async def receive() -> Message:
        nonlocal received_bytes
        received_bytes += len(piece)
        return {"type": "http.request", "body": piece, "more_body": True}

    with pytest.raises(RequestTooLargeError):
        await read(_scope(), receive, LIMIT_BYTES)
    assert received_bytes <= 300 * 1024 * 1024


async def test_a_stream_gives_pieces_as_they_come() -> None:
    client = Client(b"ab", b"", b"cd")
    stream: AsyncIterator[bytes] = bounded_stream(_scope(), client.receive, LIMIT_BYTES)
    assert await anext(stream) == b"ab"
    assert len(client.left) == 2
    assert [chunk async for chunk in stream] == [b"cd"]
