"""The AWS Lambda Runtime API for one replica, on a loopback port of its own, or a Unix socket.

    GET  /2018-06-01/runtime/invocation/next            held open until there is a batch
    POST /2018-06-01/runtime/invocation/{id}/response   202
    POST /2018-06-01/runtime/invocation/{id}/error      202
    POST /2018-06-01/runtime/init/error                 202
    GET  /2018-06-01/runtime/restore/next               200

Speaks HTTP and knows nothing of batches. Every response is one write: header and body apart would meet Nagle's
algorithm and a delayed acknowledgement, 40 ms a batch.
"""

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import httptools

_PREFIX = b"/2018-06-01/runtime"
_NEXT = _PREFIX + b"/invocation/next"
_INIT_ERROR = _PREFIX + b"/init/error"
_RESTORE_NEXT = _PREFIX + b"/restore/next"
_RESTORE_ERROR = _PREFIX + b"/restore/error"
_INVOCATION = _PREFIX + b"/invocation/"

SOCKET_MODE = 0o666  # the folder that it lies in decides who can reach it
_REASONS = {200: b"OK", 202: b"Accepted", 400: b"Bad Request", 403: b"Forbidden", 404: b"Not Found"}
_BROWSER_HEADERS = frozenset((b"origin", b"sec-fetch-site"))
"""What a web page that found the port cannot help sending."""

_INVOCATION_HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Lambda-Runtime-Aws-Request-Id: %b\r\n"
    b"Lambda-Runtime-Deadline-Ms: %d\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: %b\r\n"
    b"Lambda-Runtime-Trace-Id: %b\r\n"
    b"Content-Length: %d\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """One event for the function, and the headers that come with it."""

    request_id: str
    deadline_ms: int  # since 1970, UTC
    function_arn: str
    trace_id: str
    event: bytes

    def to_http(self) -> bytes:
        head = _INVOCATION_HEAD % (
            self.request_id.encode(),
            self.deadline_ms,
            self.function_arn.encode(),
            self.trace_id.encode(),
            len(self.event),
        )
        return head + self.event


class Poll(Protocol):
    """A replica that waits for work."""

    def send(self, invocation: Invocation) -> None:
        """Hand over the work; at most once per poll."""
        ...


class Runtime(Protocol):
    """Who hears what the replica asks and posts."""

    def polled(self, poll: Poll) -> None:
        """The replica asked for work."""
        ...

    def poll_lost(self, poll: Poll) -> None:
        """The connection of a poll that got nothing yet was closed."""
        ...

    def is_under_way(self, request_id: str) -> bool:
        """Whether the replica works on this; only then `answered` or `failed` is called."""
        ...

    def answered(self, body: bytes | None) -> None:
        """The replica posted a result; `body` is None when it had more bytes than are taken."""
        ...

    def failed(self, body: bytes | None) -> None:
        """The replica posted an error."""
        ...

    def init_failed(self, body: bytes | None) -> None:
        """The replica could not load its function."""
        ...


class RuntimeApi:
    """Listens for one replica. Closing it closes the replica's connections."""

    def __init__(self, runtime: Runtime, *, max_body_bytes: int) -> None:
        self._runtime = runtime
        self._max_body_bytes = max_body_bytes
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def open(self) -> int:
        """Listen on a free loopback port and return its number."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def open_at(self, path: Path) -> None:
        """Listen on a Unix socket at `path`, to which all may connect who can reach it. Raises OSError."""
        self._server = await asyncio.get_running_loop().create_unix_server(self._connection, path)
        await asyncio.to_thread(path.chmod, SOCKET_MODE)

    async def close(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        await self._server.wait_closed()

    def _connection(self) -> "_Connection":
        return _Connection(self._runtime, self._connections, self._max_body_bytes)


class _Connection(asyncio.Protocol):
    """One connection of the replica; also the poll that it has open, when it has one."""

    def __init__(self, runtime: Runtime, connections: "set[_Connection]", max_body_bytes: int) -> None:
        self._runtime = runtime
        self._connections = connections
        self._max_body_bytes = max_body_bytes
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._is_polling = False
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class
        self._connections.add(self)
        connection = transport.get_extra_info("socket")
        if connection.family != socket.AF_UNIX:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        if self._is_polling:
            self._is_polling = False
            self._runtime.poll_lost(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise  # a fault of ours, which the loop reports
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._respond(400, b'{"errorType":"BadRequest","errorMessage":"not an HTTP request"}')
            self.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def send(self, invocation: Invocation) -> None:
        self._is_polling = False
        if self._transport is not None:
            self._transport.write(invocation.to_http())

    def on_message_begin(self) -> None:
        self._url = b""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._is_from_browser = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        if lowered in _BROWSER_HEADERS:
            self._is_from_browser = True
        elif lowered == b"expect" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes <= self._max_body_bytes:
            self._body.append(body)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        if self._is_from_browser:
            self._respond(403, b'{"errorType":"Forbidden","errorMessage":"not for web pages"}')
        elif self._parser.get_method() == b"GET":
            self._get(self._url)
        else:
            self._post(self._url, b"".join(self._body) if self._body_bytes <= self._max_body_bytes else None)

    def _get(self, url: bytes) -> None:
        if url == _NEXT:
            self._is_polling = True
            self._runtime.polled(self)
        elif url == _RESTORE_NEXT:
            self._respond(200)
        else:
            self._respond_not_found()

    def _post(self, url: bytes, body: bytes | None) -> None:
        invocation, _, what = url.removeprefix(_INVOCATION).rpartition(b"/")
        if url.startswith(_INVOCATION) and what in (b"response", b"error"):
            if self._runtime.is_under_way(invocation.decode(errors="replace")):
                self._respond_accepted()  # first: it can go on while its answer is read
                self._runtime.answered(body) if what == b"response" else self._runtime.failed(body)
            else:
                self._respond_unknown_id()
        elif url == _INIT_ERROR:
            self._runtime.init_failed(body)
            self._respond_accepted()
        elif url == _RESTORE_ERROR:
            self._respond_accepted()
        else:
            self._respond_not_found()

    def _respond_accepted(self) -> None:
        self._respond(202, b'{"status":"OK"}')

    def _respond_unknown_id(self) -> None:
        self._respond(400, b'{"errorType":"InvalidRequestID","errorMessage":"no such invocation is under way"}')

    def _respond_not_found(self) -> None:
        self._respond(404, b'{"errorType":"NotFound","errorMessage":"the Runtime API has no such path"}')

    def _respond(self, status: int, body: bytes = b"") -> None:
        if self._transport is not None:
            self._transport.write(
                b"HTTP/1.1 %d %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
                % (status, _REASONS[status], len(body), body)
            )
