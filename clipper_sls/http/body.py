"""Reading a request's body within a bound on its bytes. Imports no framework, for the sake of cold starts."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from clipper_sls.errors import RequestTooLargeError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope

DRAINED_BYTES = 256 * 1024 * 1024
"""A body over the limit is read to its end and thrown away, up to this: many clients send all before they read, and
would see a broken connection instead of the answer that tells them why."""


class SenderLeftError(Exception):
    """Who sent the request closed the connection before its end. What Starlette calls ClientDisconnect."""


async def read_body(scope: "Scope", receive: "Receive", limit_bytes: int) -> bytes:
    """The whole body, of `limit_bytes` at most. Raises RequestTooLargeError, or SenderLeftError."""
    message = await receive()
    if not message.get("more_body", False):
        return _whole(message, limit_bytes)  # nearly always
    chunks = [chunk async for chunk in _chunks(scope, receive, limit_bytes, message)]
    return b"".join(chunks)


async def bounded_stream(scope: "Scope", receive: "Receive", limit_bytes: int) -> AsyncIterator[bytes]:
    """The body piece by piece. Raises RequestTooLargeError, at once when the declared length is over the limit."""
    async for chunk in _chunks(scope, receive, limit_bytes, await receive()):
        yield chunk


async def read_part(receive: "Receive", limit_bytes: int) -> bytes:
    """The first `limit_bytes` of the body; what is beyond is read and thrown away. Raises SenderLeftError."""
    chunks, left_bytes = list[bytes](), limit_bytes
    message = await receive()
    while True:
        chunk = _content(message)[:left_bytes]
        chunks.append(chunk)
        left_bytes -= len(chunk)
        if not left_bytes:
            await _drain(receive, message)
        if not left_bytes or not message.get("more_body", False):
            return b"".join(chunks)
        message = await receive()


async def sender_left(request: "Request", error: Exception) -> "Response":
    """Handles SenderLeftError, and ClientDisconnect: nothing went wrong here, and nobody is there to read an answer."""
    from starlette.responses import Response

    return Response(status_code=400)


def _whole(message: "Message", limit_bytes: int) -> bytes:
    body: bytes = _content(message)
    if len(body) > limit_bytes:
        raise _too_large(limit_bytes)
    return body


async def _chunks(scope: "Scope", receive: "Receive", limit_bytes: int, message: "Message") -> AsyncIterator[bytes]:
    size_bytes = 0
    is_too_large = _declared_bytes(scope) > limit_bytes
    while True:
        chunk = _content(message)
        size_bytes += len(chunk)
        if is_too_large or size_bytes > limit_bytes:
            await _drain(receive, message)
            raise _too_large(limit_bytes)
        if chunk:
            yield chunk
        if not message.get("more_body", False):
            return
        message = await receive()


def _content(message: "Message") -> bytes:
    if message["type"] != "http.request":
        raise SenderLeftError
    content: bytes = message.get("body", b"")
    return content


def _declared_bytes(scope: "Scope") -> int:
    declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(declared) if declared.isdigit() else 0


async def _drain(receive: "Receive", message: "Message") -> None:
    drained_bytes = 0
    while drained_bytes < DRAINED_BYTES and message["type"] == "http.request" and message.get("more_body", False):
        drained_bytes += len(message.get("body", b""))
        message = await receive()


def _too_large(limit_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(f"The body is larger than {limit_bytes} bytes, the most that is read; send it in parts")
