"""Asking an application of this process, for a request that came in elsewhere."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Message

from clipper_sls.ports.request_forwarder import Headers, WholeAnswer, WholeRequest

Preparation = Callable[[], Awaitable[None]]


class InProcessForwarder:
    """Implements `RequestForwarder` over an application. By path, `first` has what is awaited before it is asked."""

    def __init__(self, app: ASGIApp, first: Mapping[str, Preparation]) -> None:
        self._app = app
        self._first = first

    async def forward(self, request: WholeRequest) -> WholeAnswer:
        prepare = self._first.get(request.path)
        if prepare is not None:
            await prepare()
        return await answer_of(self._app, request)


async def answer_of(app: ASGIApp, request: WholeRequest) -> WholeAnswer:
    """What `app` answers. Raises what it raises before it has answered."""
    status, headers, chunks, is_read, is_complete = 0, Headers(), list[bytes](), False, False

    async def receive() -> Message:
        nonlocal is_read
        if is_read:
            return {"type": "http.disconnect"}
        is_read = True
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, headers, is_complete
        if message["type"] == "http.response.start":
            status, headers = message["status"], [(bytes(name), bytes(value)) for name, value in message["headers"]]
        else:
            chunks.append(bytes(message.get("body", b"")))
            is_complete = not message.get("more_body", False)

    try:
        await app(_scope(request), receive, send)
    except Exception:
        if not is_complete:  # the outermost middleware answers, and raises all the same
            raise
    return WholeAnswer(status, headers, b"".join(chunks))


def _scope(request: WholeRequest) -> dict[str, object]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query,
        "root_path": "",
        "headers": request.headers,
        "client": None,
        "server": None,
        "state": {},
    }
