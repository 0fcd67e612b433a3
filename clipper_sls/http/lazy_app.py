"""An application that is put together when it is asked for the first time."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class LazyApp:
    """`build` is called once, by the first request; requests that come meanwhile wait, for it does not await."""

    def __init__(self, build: "Callable[[], ASGIApp]", *, before: Callable[[], Awaitable[object]]) -> None:
        """`before` is awaited by each request."""
        self._build = build
        self._before = before
        self._app: ASGIApp | None = None

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        await self._before()
        if self._app is None:
            self._app = self._build()
        await self._app(scope, receive, send)
