"""Listening sockets, and several applications served in one event loop."""

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from clipper_sls.errors import InvalidSettingError, PortInUseError
from clipper_sls.http.fast_path import PredictFastPath
from clipper_sls.http.predict_connection import PredictConnection

BACKLOG = 2048
PORTS_TRIED = 100


def listen(host: str, port: int, *, may_move: bool) -> socket.socket:
    """A socket listening on `host:port`; port 0 is any free one, and `may_move` tries the following ports too.

    Raises PortInUseError, or InvalidSettingError when `host` is not an address of this machine.
    """
    candidates = range(port, min(port + PORTS_TRIED, 65536)) if may_move and port else (port,)
    for candidate in candidates:
        with contextlib.suppress(PortInUseError):
            return _bound(host, candidate)
    raise PortInUseError(
        f"Port {port} on {host} is in use; stop what listens there, or choose another (0: any free one)"
    )


def _bound(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise InvalidSettingError(f"Cannot listen on {host!r}: {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(f"Port {port} on {host} is in use") from error
        raise InvalidSettingError(f"Cannot listen on {host}:{port}: {error.strerror}") from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a client on this machine reaches `listener`."""
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - a wildcard is no address to call
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class _Server(uvicorn.Server):
    """Signals belong to the process, which serves more than this."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServers:
    """Applications on their sockets, until `close`."""

    def __init__(self, served: Sequence[tuple[ASGIApp, socket.socket]], *, drain_timeout_s: float) -> None:
        self._sockets = [listener for _, listener in served]
        self._servers = [_Server(_config(app, drain_timeout_s)) for app, _ in served]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """The sockets listen already, so a client that is faster than the loop waits and is not refused."""
        for server, listener in zip(self._servers, self._sockets, strict=True):
            self._tasks.append(asyncio.create_task(server.serve(sockets=[listener])))

    async def close(self) -> None:
        """Take no more connections, answer the requests that are here, then end."""
        for server in self._servers:
            server.should_exit = True
        await asyncio.gather(*self._tasks)
        for listener in self._sockets:
            listener.close()


class _AwaitedServer(_Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.is_up.set()


class ConnectionServer:
    """An application on connections that others have accepted, until `close`."""

    def __init__(self, app: ASGIApp, *, drain_timeout_s: float) -> None:
        self._server = _AwaitedServer(_config(app, drain_timeout_s))
        self._serving: asyncio.Task[None] | None = None
        self._opening: set[asyncio.Task[object]] = set()

    async def start(self) -> None:
        """Returns when connections may come."""
        self._serving = asyncio.create_task(self._server.serve(sockets=[]))
        await self._server.is_up.wait()

    def serve(self, connection: socket.socket) -> None:
        """Answer what comes on `connection`, which belongs to this from now on."""
        loop = asyncio.get_running_loop()
        opening = loop.create_task(loop.connect_accepted_socket(self._protocol, connection))
        self._opening.add(opening)
        opening.add_done_callback(self._opened)

    async def close(self) -> None:
        """Answer the requests that are here, then end."""
        if self._opening:
            await asyncio.wait(self._opening)
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    def _protocol(self) -> asyncio.Protocol:
        """What uvicorn makes for a connection that it accepts itself."""
        server = self._server
        protocol: Any = server.config.http_protocol_class
        made: asyncio.Protocol = protocol(
            config=server.config, server_state=server.server_state, app_state=server.lifespan.state
        )
        return made

    def _opened(self, opening: asyncio.Task[object]) -> None:
        self._opening.discard(opening)
        if not opening.cancelled():
            opening.exception()  # the client has left already


def _config(app: ASGIApp, drain_timeout_s: float) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=PredictConnection if isinstance(app, PredictFastPath) else "httptools",
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(drain_timeout_s)),
    )
