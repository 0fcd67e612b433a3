"""One HTTP/1.1 connection to a server, one request at a time.

Asking costs 20 us of the event loop's time; with httpx2 it is 850.
"""

import asyncio
from collections.abc import Mapping
from typing import cast

import httptools
from msgspec import Struct


class Response(Struct, frozen=True):
    """`headers` by name in lower case; of one that came several times, the last."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


class BrokenConnectionError(Exception):
    """There is no response. `has_begun` when the server had begun to answer. Never leaves adapters."""

    def __init__(self, why: str, has_begun: bool) -> None:
        super().__init__(why)
        self.has_begun = has_begun


class Connection(asyncio.Protocol):
    """`used` counts the responses that have come. After an error, or what was not read to its end, it is closed."""

    def __init__(self, max_body_bytes: int) -> None:
        self._max_body_bytes = max_body_bytes
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answered: asyncio.Future[Response] | None = None
        self._has_begun = False
        self.used = 0
        self.on_message_begin()

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def ask(self, request: bytes) -> asyncio.Future[Response]:
        """Send a request; only when no other one is under way. What comes of it may be a BrokenConnectionError."""
        self._answered = asyncio.get_running_loop().create_future()
        if self._transport is None:
            self._answered.set_exception(BrokenConnectionError("the connection was closed", has_begun=False))
            return self._answered
        self._has_begun = False
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)
        return self._answered

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its class

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._break(f"the connection was closed{f': {exc}' if exc else ''}")

    def data_received(self, data: bytes) -> None:
        if self._answered is None or self._answered.done():
            self.close()  # nobody asked for this
            return
        self._has_begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._break(f"what came is not an HTTP response: {error}")

    def on_message_begin(self) -> None:
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._max_body_bytes:
            self._break(f"the response has more than {self._max_body_bytes} bytes")
        else:
            self._body.append(body)

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200 or self._answered is None or self._answered.done():  # 100 Continue
            return
        self.used += 1
        if not self._parser.should_keep_alive():
            self.close()
        self._answered.set_result(Response(status, b"".join(self._body), self._headers))

    def _break(self, why: str) -> None:
        self.close()
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(BrokenConnectionError(why, self._has_begun))
