"""An application that is put together when it is asked for the first time."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from clipper_sls.errors import ClipperError
from clipper_sls.http.error_map import CODE_HEADER, status_of

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class LazyApp:
    """`build` is called once, by the first request; requests that come meanwhile wait, for it does not await."""

    def __init__(self, build: "Callable[[], ASGIApp]", *, before: Callable[[], Awaitable[object]]) -> None:
        """`before` is awaited by each request. An error of ours that it raises is the request's answer."""
        self._build = build
        self._before = before
        self._app: ASGIApp | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            await self._before()
        except ClipperError as error:
            await _refuse(error, send)
            return
        if self._app is None:
            self._app = self._build()
        await self._app(scope, receive, send)


async def _refuse(error: ClipperError, send: "Send") -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (CODE_HEADER.lower().encode(), error.code.encode())]
    await send({"type": "http.response.start", "status": status_of(error), "headers": headers})
    await send({"type": "http.response.body", "body": error.msg.encode()})
