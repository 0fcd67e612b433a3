"""Reading a request's body within a bound on its bytes."""

from collections.abc import AsyncIterator

from starlette.requests import Request

from clipper_sls.errors import RequestTooLargeError

DRAINED_BYTES = 256 * 1024 * 1024
"""A body over the limit is read to its end and thrown away, up to this: many clients send all before they read, and
would see a broken connection instead of the answer that tells them why."""


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body, of `limit_bytes` at most. Raises RequestTooLargeError."""
    chunks = [chunk async for chunk in bounded_stream(request, limit_bytes)]
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def bounded_stream(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body piece by piece. Raises RequestTooLargeError, at once when the declared length is over the limit."""
    declared = request.headers.get("content-length", "")
    if declared.isascii() and declared.isdigit() and int(declared) > limit_bytes:
        await _drain(request)
        raise _too_large(limit_bytes)
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > limit_bytes:
            await _drain(request)
            raise _too_large(limit_bytes)
        if chunk:
            yield chunk


async def _drain(request: Request) -> None:
    drained_bytes = 0
    while drained_bytes < DRAINED_BYTES:
        message = await request.receive()
        drained_bytes += len(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return


def _too_large(limit_bytes: int) -> RequestTooLargeError:
    return RequestTooLargeError(f"The body is larger than {limit_bytes} bytes, the most that is read; send it in parts")
