"""Where a response ends, and what is in it. Pure; just as much of HTTP/1.1 as the servers here use."""

from typing import NamedTuple

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_CHUNKED = b"transfer-encoding: chunked"


class Response(NamedTuple):
    """`status` is three digits."""

    status: bytes
    body: bytes


def is_whole(received: bytes) -> bool:
    """Whether nothing of the response is missing. Runs under load, so the usual writing of a header is tried first."""
    end = received.find(_HEAD_END)
    if end < 0:
        return False
    at = received.find(b"content-length: ", 0, end)
    if at < 0:
        head = received[:end].lower()
        if _CHUNKED in head:
            return received.endswith(_LAST_CHUNK)
        at = head.find(b"content-length: ")
        if at < 0:
            return True
    return len(received) - end - 4 >= int(received[at + 16 : received.find(b"\r\n", at)])


def response_of(received: bytes) -> Response:
    """Of what is whole."""
    head, _, body = received.partition(_HEAD_END)
    return Response(received[9:12], _joined(body) if _CHUNKED in head.lower() else body)


def _joined(chunks: bytes) -> bytes:
    """The chunks without their lengths."""
    parts = []
    while chunks:
        length, _, rest = chunks.partition(b"\r\n")
        size = int(length, 16)
        parts.append(rest[:size])
        chunks = rest[size + 2 :]
    return b"".join(parts)
