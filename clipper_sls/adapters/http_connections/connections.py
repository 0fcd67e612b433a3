"""The connections to one server: as many as there are requests under way, kept for the next ones."""

import asyncio
import math
import ssl
from collections.abc import Mapping

from clipper_sls.adapters.http_connections.connection import BrokenConnectionError, Connection, Response
from clipper_sls.domain.endpoint import Endpoint

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
MAX_IDLE = 64
JSON = {"Content-Type": "application/json"}


class UnreachableError(Exception):
    """There is no connection; nothing was sent. Never leaves adapters."""


class Connections:
    """Requests to one server. Cancelling a request closes its connection, so that the server sees it.

    A connection that was not used for `max_idle_s` of the loop's time is not used again.
    """

    def __init__(self, endpoint: Endpoint, max_idle_s: float = math.inf) -> None:
        self._endpoint = endpoint
        self._max_idle_s = max_idle_s
        self._idle: list[tuple[Connection, float]] = []
        self._tls: ssl.SSLContext | None = None

    async def get(self, path: str) -> Response:
        """Raises UnreachableError or BrokenConnectionError."""
        return await self.request("GET", path, {}, b"", may_repeat=True)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str], *, may_repeat: bool) -> Response:
        """Send JSON. See `request`."""
        return await self.request("POST", path, {**JSON, **headers}, body, may_repeat=may_repeat)

    async def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, may_repeat: bool
    ) -> Response:
        """Raises as `get`. Host and Content-Length, but of a GET without a body, are added.

        A kept connection may be closed by the server in the moment in which it is used, and then nobody knows whether
        it read the request: only one that `may_repeat` is sent again, once, on a connection of its own.
        """
        lines = [f"{method} {self._endpoint.path(path)} HTTP/1.1", f"Host: {self._endpoint.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body or method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        return await self._ask("\r\n".join([*lines, "", ""]).encode() + body, may_repeat)

    def close(self) -> None:
        """Those that are in use close themselves with their requests."""
        while self._idle:
            self._idle.pop()[0].close()

    async def _ask(self, request: bytes, may_repeat: bool) -> Response:
        if not may_repeat:
            await asyncio.sleep(0)  # the loop may have stood still; now it sees which connections were closed meanwhile
        connection = self._kept()
        if connection is not None:
            try:
                return await self._on(connection, request)
            except BrokenConnectionError as error:
                if error.has_begun or not may_repeat:
                    raise
        return await self._on(await self._opened(), request)

    async def _on(self, connection: Connection, request: bytes) -> Response:
        try:
            response = await connection.ask(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_open and len(self._idle) < MAX_IDLE:
            self._idle.append((connection, asyncio.get_running_loop().time()))
        else:
            connection.close()
        return response

    def _kept(self) -> Connection | None:
        """The one that was used last, as long as the server has not closed it, nor is about to."""
        while self._idle:
            connection, used_at = self._idle.pop()
            if connection.is_open and asyncio.get_running_loop().time() - used_at <= self._max_idle_s:
                return connection
            connection.close()
        return None

    async def _opened(self) -> Connection:
        endpoint = self._endpoint
        if endpoint.is_secure and self._tls is None:
            self._tls = await asyncio.to_thread(ssl.create_default_context)  # reads the machine's certificates
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(MAX_RESPONSE_BYTES), endpoint.host, endpoint.port, ssl=self._tls
            )
        except (OSError, UnicodeError) as error:  # ssl's errors and those of names among them
            raise UnreachableError(f"{endpoint.url} cannot be reached: {error}") from error
        return connection
