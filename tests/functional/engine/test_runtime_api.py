"""The Runtime API, byte by byte, for whoever is not awslambdaric."""

import asyncio
from dataclasses import dataclass, field

import pytest

from clipper_sls.adapters.engine.runtime_api import Invocation, Poll, RuntimeApi

PREFIX = "/2018-06-01/runtime"
INVOCATION = Invocation("id-1", 1_700_000_000_000, "arn:aws:lambda:x", "Root=1-0-0", b'{"a":1}')


@dataclass
class Replica:
    """Records what the API tells; takes answers for `id-1` only."""

    polls: list[Poll] = field(default_factory=list)
    lost: list[Poll] = field(default_factory=list)
    posted: list[tuple[str, bytes | None]] = field(default_factory=list)
    event: asyncio.Event = field(default_factory=asyncio.Event)

    def polled(self, poll: Poll) -> None:
        self.polls.append(poll)
        self.event.set()

    def poll_lost(self, poll: Poll) -> None:
        self.lost.append(poll)
        self.event.set()

    def is_under_way(self, request_id: str) -> bool:
        return request_id == "id-1"

    def answered(self, body: bytes | None) -> None:
        self.posted.append(("response", body))

    def failed(self, body: bytes | None) -> None:
        self.posted.append(("error", body))

    def init_failed(self, body: bytes | None) -> None:
        self.posted.append(("init", body))


@dataclass
class Client:
    """A connection; `ask` sends bytes and returns status, headers and body of the response."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes):
        self.writer.write(request)
        return await self.response()

    async def response(self):
        async with asyncio.timeout(5):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    async def post(self, path, body=b"{}"):
        head = f"POST {PREFIX}{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
        return await self.ask(head.encode() + body)


@pytest.fixture
def replica():
    return Replica()


@pytest.fixture
async def client(replica):
    api = RuntimeApi(replica, max_body_bytes=1_000)
    reader, writer = await asyncio.open_connection("127.0.0.1", await api.open())
    yield Client(reader, writer)
    writer.close()
    await api.close()


def get(path):
    return f"GET {PREFIX}{path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


async def polled(client, replica):
    client.writer.write(get("/invocation/next"))
    async with asyncio.timeout(5):
        await replica.event.wait()
    replica.event.clear()
    return replica.polls[-1]


async def test_next_is_held_open_until_there_is_work(client, replica):
    poll = await polled(client, replica)

    poll.send(INVOCATION)
    status, headers, body = await client.response()

    assert (status, body) == (200, b'{"a":1}')
    assert headers["lambda-runtime-aws-request-id"] == "id-1"
    assert headers["lambda-runtime-deadline-ms"] == "1700000000000"
    assert headers["lambda-runtime-invoked-function-arn"] == "arn:aws:lambda:x"
    assert headers["lambda-runtime-trace-id"] == "Root=1-0-0"
    assert headers["content-type"] == "application/json"


async def test_one_connection_serves_many_requests(client, replica):
    for _ in range(3):
        (await polled(client, replica)).send(INVOCATION)
        await client.response()
        assert (await client.post("/invocation/id-1/response", b"[1]"))[0] == 202

    assert replica.posted == [("response", b"[1]")] * 3


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/invocation/id-1/response", "response"), ("/invocation/id-1/error", "error"), ("/init/error", "init")],
)
async def test_posts_are_accepted(client, replica, path, kind):
    assert (await client.post(path, b'{"x":2}'))[0] == 202
    assert replica.posted == [(kind, b'{"x":2}')]


@pytest.mark.parametrize("what", ["response", "error"])
async def test_an_unknown_id_is_a_bad_request(client, what):
    status, _, body = await client.post(f"/invocation/id-2/{what}")

    assert status == 400
    assert b"InvalidRequestID" in body


@pytest.mark.parametrize("path", ["/invocation/id-1/other", "/elsewhere", "/invocation/next"])
async def test_unknown_paths_are_not_found(client, replica, path):
    assert (await client.post(path))[0] == 404
    assert replica.posted == []


async def test_unknown_paths_are_not_found_by_get(client):
    assert (await client.ask(get("/elsewhere")))[0] == 404


async def test_snap_start_hooks_are_answered(client):
    assert (await client.ask(get("/restore/next")))[0] == 200
    assert (await client.post("/restore/error"))[0] == 202


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /restore/next", "", 200),
        ("POST /invocation/id-1/response", "", 202),
        ("POST /invocation/id-1/error", "", 202),
        ("POST /init/error", "", 202),
        ("POST /restore/error", "", 202),
        ("POST /invocation/other/response", "", 400),
        ("GET /nowhere", "", 404),
        ("POST /nowhere", "", 404),
        ("GET /restore/next", "Origin: http://page.example\r\n", 403),
        ("not HTTP", "", 400),
    ],
)
async def test_every_answer_names_its_type_without_which_awslambdaric_crashes(client, request_line, headers, status):
    line = request_line.replace(" /", f" {PREFIX}/")
    answered, named, _ = await client.ask(f"{line} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: 0\r\n\r\n".encode())
    assert (answered, named["content-type"]) == (status, "application/json")


async def test_a_body_may_come_in_chunks_and_pieces(client, replica):
    request = (
        f"POST {PREFIX}/invocation/id-1/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
    ).encode()

    for start in range(0, len(request), 7):
        client.writer.write(request[start : start + 7])
        await client.writer.drain()
        await asyncio.sleep(0)

    assert (await client.response())[0] == 202
    assert replica.posted == [("response", b"abcdefg")]


async def test_a_client_that_waits_for_permission_gets_it(client, replica):
    head = f"POST {PREFIX}/invocation/id-1/response HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"

    assert (await client.ask(head.encode()))[0] == 100
    assert (await client.ask(b"{}"))[0] == 202
    assert replica.posted == [("response", b"{}")]


async def test_a_body_that_is_too_large_is_not_kept(client, replica):
    assert (await client.post("/invocation/id-1/response", b"x" * 5_000))[0] == 202
    assert replica.posted == [("response", None)]


async def test_what_is_not_http_is_refused(client, replica):
    assert (await client.ask(b"\x16\x03\x01 hello\r\n\r\n"))[0] == 400
    assert await client.reader.read() == b""


@pytest.mark.parametrize("header", ["Origin: http://evil.example", "Sec-Fetch-Site: cross-site"])
async def test_web_pages_get_nothing(client, replica, header):
    request = f"GET {PREFIX}/invocation/next HTTP/1.1\r\nHost: x\r\n{header}\r\n\r\n".encode()

    assert (await client.ask(request))[0] == 403
    assert replica.polls == []


async def test_a_poll_whose_connection_closes_is_lost(client, replica):
    poll = await polled(client, replica)

    client.writer.close()
    async with asyncio.timeout(5):
        await replica.event.wait()

    assert replica.lost == [poll]
    poll.send(INVOCATION)
