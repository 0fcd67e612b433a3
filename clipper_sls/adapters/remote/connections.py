"""The connections to one model's server: as many as there are requests under way, kept for the next ones."""

import asyncio
import ssl
from collections.abc import Mapping

from clipper_sls.adapters.remote.connection import BrokenConnectionError, Connection, Response
from clipper_sls.domain.endpoint import Endpoint

MAX_RESPONSE_BYTES = 64 * 1024 * 1024
MAX_IDLE = 64
JSON = {"Content-Type": "application/json"}


class UnreachableError(Exception):
    """There is no connection; nothing was sent. Never leaves the adapter."""


class Connections:
    """Requests to one server. Cancelling a request closes its connection, so that the server sees it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._idle: list[Connection] = []
        self._tls: ssl.SSLContext | None = None

    async def get(self, path: str) -> Response:
        """Raises UnreachableError or BrokenConnectionError."""
        return await self._ask(self._head("GET", path, {}), may_repeat=True)

    async def post(self, path: str, body: bytes, headers: Mapping[str, str], *, may_repeat: bool) -> Response:
        """Send JSON. Raises as `get`.

        A kept connection may be closed by the server in the moment in which it is used, and then nobody knows whether
        it read the request: only one that `may_repeat` is sent again, once, on a connection of its own.
        """
        sized = {**JSON, **headers, "Content-Length": str(len(body))}
        return await self._ask(self._head("POST", path, sized) + body, may_repeat)

    def close(self) -> None:
        """Those that are in use close themselves with their requests."""
        while self._idle:
            self._idle.pop().close()

    def _head(self, method: str, path: str, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {self._endpoint.path(path)} HTTP/1.1", f"Host: {self._endpoint.authority}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    async def _ask(self, request: bytes, may_repeat: bool) -> Response:
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
            self._idle.append(connection)
        else:
            connection.close()
        return response

    def _kept(self) -> Connection | None:
        """The one that was used last, as long as the server has not closed it."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_open:
                return connection
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
