"""However a client cuts what it sends, it gets the same answers in the same order; the short way only saves time."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from clipper_sls.http.answers import Answer
from clipper_sls.http.body import read_body
from clipper_sls.http.fast_path import PredictFastPath
from clipper_sls.http.predict_connection import MAX_WAITING_BYTES, PredictConnection

LIMIT_BYTES = 1_000


class Route:
    """Echoes; counts which way requests came. With `is_slow`, answers wait for `let_go`."""

    max_body_bytes = LIMIT_BYTES
    is_at_hand = True

    def __init__(self) -> None:
        self.short = 0
        self.long = 0
        self.is_slow = False
        self.is_queued = False
        self._held: list[Callable[[], None]] = []

    def begin(self, name: str, content: bytes, answered: Callable[[Answer], None]) -> bool:
        if self.is_queued:
            return False
        self.short += 1
        if self.is_slow:
            self._held.append(lambda: answered(_echo(name, content)))
        else:
            answered(_echo(name, content))
        return True

    def is_for_jobs(self, name: str, scope: Scope) -> bool:
        return False

    def let_go(self) -> None:
        held, self._held = self._held, []
        for answer in held:
            answer()

    async def answer(self, name: str, scope: Scope, receive: Receive) -> Answer:
        self.long += 1
        return _echo(name, await read_body(scope, receive, LIMIT_BYTES))


def _echo(name: str, content: bytes) -> Answer:
    if content == b"bad":
        return Answer(400, b"{}", "bad_input")
    return Answer(200, json.dumps([name, content.decode()]).encode())


async def _other(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class Wire(asyncio.Transport):
    """What the server has written, and whether it still reads."""

    written: list[bytes] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    is_reading_: bool = True

    @property
    def is_closed(self) -> bool:
        return self.ended.is_set()

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        self.ended.set()

    def is_closing(self) -> bool:
        return self.is_closed

    def pause_reading(self) -> None:
        self.is_reading_ = False

    def resume_reading(self) -> None:
        self.is_reading_ = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


@dataclass
class Client:
    route: Route = field(default_factory=Route)
    wire: Wire = field(default_factory=Wire)

    def __post_init__(self) -> None:
        config = uvicorn.Config(PredictFastPath(_other, self.route), http=PredictConnection, lifespan="off")
        config.load()
        self.state = ServerState()
        self.state.default_headers = [(b"date", b"today")]
        self.connection = PredictConnection(config=config, server_state=self.state, app_state={})
        self.connection.connection_made(self.wire)

    async def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.data_received(piece)
            await _turns()

    @property
    def received(self) -> bytes:
        return b"".join(self.wire.written)

    @property
    def bodies(self) -> list[bytes]:
        """Of all answers; a body is what follows a head up to the length that it tells."""
        bodies, rest = [], self.received
        while rest:
            head, _, rest = rest.partition(b"\r\n\r\n")
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
            bodies.append(rest[:length])
            rest = rest[length:]
        return bodies

    def end(self) -> None:
        self.connection.connection_lost(None)


async def _turns() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


@pytest.fixture
async def client() -> Any:
    client = Client()
    yield client
    client.end()


def _request(content: bytes, line: bytes = b"POST /app/predict HTTP/1.1", further: bytes = b"") -> bytes:
    return b"%b\r\nHost: h\r\n%bContent-Length: %d\r\n\r\n%b" % (line, further, len(content), content)


async def test_a_prediction_in_one_piece_takes_the_short_way_and_one_write(client: Client) -> None:
    await client.send(_request(b"one"), _request(b"two"))
    assert client.bodies == [b'["app", "one"]', b'["app", "two"]']
    assert (client.route.short, client.route.long, len(client.wire.written)) == (2, 0, 2)


async def test_an_answer_is_json_with_the_servers_headers_and_its_code(client: Client) -> None:
    await client.send(_request(b"one"), _request(b"bad"))
    first, second = client.wire.written
    assert first == (
        b'HTTP/1.1 200 OK\r\ndate: today\r\ncontent-type: application/json\r\ncontent-length: 14\r\n\r\n["app", "one"]'
    )
    assert second.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"\r\nx-clipper-error-code: bad_input\r\n" in second


@pytest.mark.parametrize(
    "request_",
    [
        _request(b"one", further=b"Expect: 100-continue\r\n"),
        b"POST /app/predict HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
        _request(b"one", further=b"X: " + b"x" * 5_000 + b"\r\n"),
    ],
)
async def test_what_is_not_plain_takes_the_long_way_to_the_same_answer(client: Client, request_: bytes) -> None:
    await client.send(request_, _request(b"two"))
    assert b'["app", "one"]' in client.received
    assert (client.route.short, client.route.long) == (1, 1)


async def test_other_routes_are_the_applications(client: Client) -> None:
    await client.send(_request(b"", b"GET /metrics HTTP/1.1"), _request(b"one"))
    assert client.bodies == [b"", b'["app", "one"]']
    assert client.route.short == 1


async def test_a_body_over_the_limit_is_the_applications_to_refuse(client: Client) -> None:
    await client.send(_request(b"x" * (LIMIT_BYTES + 1)))
    assert (client.route.short, client.route.long) == (0, 1)


async def test_an_application_behind_a_queue_takes_the_long_way(client: Client) -> None:
    client.route.is_queued = True
    await client.send(_request(b"one"), _request(b"two"))
    assert client.bodies == [b'["app", "one"]', b'["app", "two"]']
    assert (client.route.short, client.route.long) == (0, 2)


async def test_where_the_registry_is_to_be_read_first_it_takes_the_long_way(client: Client) -> None:
    client.route.is_at_hand = False
    await client.send(_request(b"one"))
    assert (client.route.short, client.route.long) == (0, 1)


requests = st.lists(
    st.one_of(
        st.sampled_from([b"one", b"two", b"", b"bad"]).map(_request),
        st.just(_request(b"", b"GET /metrics HTTP/1.1")),
        st.just(b"POST /app/predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n"),
    ),
    max_size=6,
)


@given(requests, st.lists(st.integers(1, 120), max_size=12), st.booleans())
async def test_however_it_is_cut_each_request_has_its_answer_in_its_turn(
    sent: list[bytes], cuts: list[int], is_slow: bool
) -> None:
    whole, cut = Client(), Client()
    for request in sent:
        await whole.send(request)
    cut.route.is_slow = is_slow
    rest = b"".join(sent)
    for size in [*cuts, len(rest)]:
        await cut.send(rest[:size])
        rest = rest[size:]
    for _ in sent:
        cut.route.let_go()
        await _turns()
    assert cut.bodies == whole.bodies
    assert len(whole.bodies) == len(sent)
    for client in (whole, cut):
        client.end()


async def test_a_client_that_does_not_wait_for_its_answers_is_read_no_further(client: Client) -> None:
    client.route.is_slow = True
    await client.send(_request(b"one"), *[_request(b"x" * 900)] * (MAX_WAITING_BYTES // 900 + 1))
    assert not client.wire.is_reading_
    client.route.is_slow = False
    client.route.let_go()
    await _turns()
    assert client.wire.is_reading_


async def test_a_client_that_does_not_take_its_answers_takes_the_long_way_which_waits(client: Client) -> None:
    client.connection.pause_writing()
    await client.send(_request(b"one"))
    assert client.received == b""
    client.connection.resume_writing()
    await _turns()
    assert client.bodies == [b'["app", "one"]']


async def test_an_end_of_the_server_waits_for_the_answer_and_says_so(client: Client) -> None:
    client.route.is_slow = True
    await client.send(_request(b"one"))
    client.connection.shutdown()
    assert not client.wire.is_closed
    client.route.let_go()
    assert b"\r\nconnection: close\r\n" in client.received
    assert client.bodies == [b'["app", "one"]']
    assert client.wire.is_closed


async def test_an_end_of_the_server_closes_what_is_quiet(client: Client) -> None:
    await client.send(_request(b"one"))
    client.connection.shutdown()
    assert client.wire.is_closed


async def test_who_has_left_is_answered_nothing(client: Client) -> None:
    client.route.is_slow = True
    await client.send(_request(b"one"))
    client.wire.close()
    client.route.let_go()
    assert client.received == b""


class TestQuietConnections:
    @pytest.fixture(autouse=True)
    def _short(self, client: Client) -> None:
        client.connection.timeout_keep_alive = 0.02

    async def test_one_that_is_quiet_for_long_is_closed(self, client: Client) -> None:
        await client.send(_request(b"one"))
        await asyncio.wait_for(client.wire.ended.wait(), 20)

    async def test_one_whose_answer_takes_long_is_not(self, client: Client) -> None:
        await client.send(_request(b"one"))
        client.route.is_slow = True
        await client.send(_request(b"two"))
        for _ in range(3):  # the timer rings meanwhile
            client.connection.timeout_keep_alive_handler()
        assert not client.wire.is_closed
        client.route.let_go()
        await asyncio.wait_for(client.wire.ended.wait(), 20)
        assert client.bodies == [b'["app", "one"]', b'["app", "two"]']
