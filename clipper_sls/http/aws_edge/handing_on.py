"""Requests for the server behind, as they came."""

import logging
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from clipper_sls.errors import ClipperError, RequestTooLargeError
from clipper_sls.http.body import read_body
from clipper_sls.ports.request_forwarder import RequestForwarder, WholeAnswer, WholeRequest

_log = logging.getLogger(__name__)

ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
MAX_BODY_BYTES = 512 * 1024 * 1024
After = Callable[[Request, WholeAnswer], Awaitable[None]]


async def _nothing(request: Request, answer: WholeAnswer) -> None:
    return None


class Behind:
    """`after` sees what was answered, once it was; `prefix` is put before every path."""

    def __init__(self, server: RequestForwarder, *, prefix: str = "", after: After = _nothing) -> None:
        self._server = server
        self._prefix = prefix
        self._after = after

    async def answer(self, request: Request) -> Response:
        try:
            body = await read_body(request.scope, request.receive, MAX_BODY_BYTES)
        except RequestTooLargeError as error:
            return Response(error.msg, 413, media_type="text/plain")
        return await self.answer_with(request, body)

    async def answer_with(self, request: Request, body: bytes) -> Response:
        """As `answer`, of a request whose body was read."""
        scope = request.scope
        path = self._prefix + scope["raw_path"].decode("latin-1").partition("?")[0]
        whole = WholeRequest(scope["method"], path, scope["query_string"], list(scope["headers"]), body)
        try:
            answer = await self._server.forward(whole)
        except ClipperError as error:
            return Response(error.msg, 503, media_type="text/plain")
        response = Response(answer.body, answer.status, background=BackgroundTask(self._look, request, answer))
        response.raw_headers = [
            *((name.lower(), value) for name, value in answer.headers),
            (b"content-length", str(len(answer.body)).encode()),
        ]
        if request.method == "HEAD":
            response.raw_headers.pop()  # the length is that of what GET would have given
        return response

    async def _look(self, request: Request, answer: WholeAnswer) -> None:
        try:
            await self._after(request, answer)
        except Exception:  # it was answered already, and whoever asked has nothing to do with this
            _log.exception("What %s %s changed could not be looked at", request.method, request.url.path)


def handing_on_app(server: RequestForwarder, *, prefix: str) -> ASGIApp:
    """Everything goes to `server`, below `prefix`."""
    behind = Behind(server, prefix=prefix)
    return Starlette(routes=[Route("/{path:path}", behind.answer, methods=ALL_METHODS)])
