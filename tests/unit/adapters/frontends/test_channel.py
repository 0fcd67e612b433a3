import asyncio
import socket
from typing import Any

import msgspec
import pytest

from clipper_sls.adapters.frontends.channel import HEAD, Channel
from clipper_sls.adapters.frontends.messages import FROM_FRONTEND, Abandon, Acknowledged, Ask
from clipper_sls.domain.identifiers import AppName, ModelId


class Wire(asyncio.Transport):
    """Remembers what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.is_aborted = False

    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def abort(self) -> None:
        self.is_aborted = True


class End:
    def __init__(self) -> None:
        self.received: list[Any] = []
        self.losses = 0
        self.channel = Channel(FROM_FRONTEND, self.received.append, self._lost)
        self.wire = Wire()

    def _lost(self) -> None:
        self.losses += 1


@pytest.fixture
def end() -> End:
    end = End()
    end.channel.connection_made(end.wire)
    return end


def _ask(call: int) -> Ask:
    return Ask(call, ("m", "1"), [b"\0\xff", b""], 12.5, "shop")


async def test_messages_of_one_turn_are_one_write(end: End) -> None:
    for call in range(5):
        end.channel.send(Abandon(call))
    assert end.wire.writes == []
    await asyncio.sleep(0)
    assert len(end.wire.writes) == 1
    end.channel.send(Abandon(5))
    await asyncio.sleep(0)
    assert len(end.wire.writes) == 2


async def test_what_was_sent_before_the_connection_was_there_goes_first() -> None:
    end = End()
    end.channel.send(Abandon(1))
    await asyncio.sleep(0)
    end.channel.connection_made(end.wire)
    assert len(end.wire.writes) == 1


@pytest.mark.parametrize("piece", [1, 3, 7, 1000])
async def test_messages_arrive_whole_and_in_order_however_they_are_cut(end: End, piece: int) -> None:
    sent = [_ask(1), Acknowledged(7), _ask(2)]
    for message in sent:
        end.channel.send(message)
        end.channel.flush()
    stream, other = b"".join(end.wire.writes), End()
    for start in range(0, len(stream), piece):
        other.channel.data_received(stream[start : start + piece])
    assert other.received == sent


async def test_names_travel_as_text(end: End) -> None:
    end.channel.send(Ask(1, ModelId.of("m", 1), [], 0.0, AppName("shop")))
    await asyncio.sleep(0)
    other = End()
    other.channel.data_received(end.wire.writes[0])
    assert other.received == [Ask(1, ("m", "1"), [], 0.0, "shop")]


async def test_what_is_no_message_ends_the_channel(end: End, caplog: pytest.LogCaptureFixture) -> None:
    content = msgspec.msgpack.encode([["no", "message"]])
    end.channel.data_received(HEAD.pack(len(content)) + content)
    assert (end.received, end.wire.is_aborted) == ([], True)
    assert "could not be handled" in caplog.text


async def test_a_channel_that_is_lost_says_so_once_and_takes_nothing_more(end: End) -> None:
    end.channel.send(Abandon(1))
    end.channel.connection_lost(None)
    end.channel.send(Abandon(2))
    await asyncio.sleep(0)
    assert (end.channel.is_lost, end.losses, end.wire.writes) == (True, 1, [])


async def test_it_is_full_while_the_other_side_does_not_read() -> None:
    end = End()
    ours, theirs = socket.socketpair()
    with theirs:
        ours.setblocking(False)
        await asyncio.get_running_loop().create_unix_connection(lambda: end.channel, sock=ours)
        for call in range(3):
            end.channel.send(Ask(call, ("m", "1"), [bytes(30_000_000)], 0.0, ""))
            end.channel.flush()
        assert end.channel.is_full
        end.channel.close()
    while not end.losses:  # noqa: ASYNC110 - a turn or two
        await asyncio.sleep(0)
