"""A server of model versions over HTTP, for tests of those who ask one: it answers as the server in an image does, and
as AWS Lambda answers an invocation."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast

import httptools

from clipper_sls.domain.envelope import INVOCATIONS_PATH, unpack_event
from clipper_sls.domain.query import DefaultReason, PackedRow, Predicted, RowResult

Answer = Callable[[str, Sequence[PackedRow]], Awaitable[Sequence[RowResult] | bytes]]
"""From the path before the server's own, or that of a function of Lambda, and the rows of an event, to results; or to a
whole response, as `response` makes them."""

_REASONS = {200: b"OK", 404: b"Not Found", 503: b"Service Unavailable"}
_NONE: Mapping[str, str] = {}


@dataclass
class Asked:
    """A request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpModelServer:
    """`answer` may be replaced by bytes for each next request, None to close the connection instead of answering."""

    answer: Answer
    port: int = 0
    is_ready: bool = True
    asked: list[Asked] = field(default_factory=list)
    scripted: list[bytes | None] = field(default_factory=list)
    connections: list["_ServerConnection"] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close_connections(self) -> None:
        for connection in self.connections:
            connection.close()


@asynccontextmanager
async def http_model_server(answer: Answer, port: int = 0) -> AsyncIterator[HttpModelServer]:
    """Listens on loopback, on a free port unless one is named."""
    server = HttpModelServer(answer)
    listening = await asyncio.get_running_loop().create_server(lambda: _ServerConnection(server), "127.0.0.1", port)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        server.close_connections()
        await listening.wait_closed()


class _ServerConnection(asyncio.Protocol):
    """Cancels what it asked when the client goes away."""

    def __init__(self, server: HttpModelServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._answering: asyncio.Task[None] | None = None

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._server.connections.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._server.connections.remove(self)
        if self._answering is not None:
            self._answering.cancel()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._asked = Asked("", {}, b"")

    def on_url(self, url: bytes) -> None:
        self._asked.path += url.decode()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._asked.headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._asked.body += body

    def on_message_complete(self) -> None:
        if self._parser.get_method() == b"GET":
            self._write(response(200 if self._server.is_ready else 503, b"{}"))
            return
        self._server.asked.append(self._asked)
        if not self._server.scripted:
            self._answering = asyncio.get_running_loop().create_task(self._answer(self._asked))
        elif (scripted := self._server.scripted.pop(0)) is None:
            self.close()
        else:
            self._write(scripted)

    async def _answer(self, asked: Asked) -> None:
        _, rows = unpack_event(json.loads(asked.body))
        answer = await self._server.answer(asked.path.split(INVOCATIONS_PATH)[0], rows)
        self._write(answer if isinstance(answer, bytes) else response(200, result_json(answer)))

    def _write(self, whole: bytes) -> None:
        if self._transport is not None:
            self._transport.write(whole)


def response(status: int, body: bytes, headers: Mapping[str, str] = _NONE) -> bytes:
    head = b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
    more = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    return head % (status, _REASONS.get(status, b"Other"), len(body)) + more.encode() + b"\r\n" + body


def result_json(results: Sequence[RowResult]) -> bytes:
    """As `domain.envelope` describes it."""
    outputs = [json.loads(result.output) if isinstance(result, Predicted) else None for result in results]
    without = [(index, result) for index, result in enumerate(results) if not isinstance(result, Predicted)]
    is_failed = DefaultReason.MODEL_FAILED
    errors = [[index, one.detail] for index, one in without if one.reason is is_failed]
    unanswered = [[index, one.reason.value, one.detail] for index, one in without if one.reason is not is_failed]
    return json.dumps({"outputs": outputs, "errors": errors, "unanswered": unanswered}).encode()
