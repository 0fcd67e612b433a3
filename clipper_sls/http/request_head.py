"""The head of a request, as far as one must know it to answer a prediction without a framework.

A client sends the same head with every request of one length. httptools reads each of them once; here they are
remembered, byte for byte.
"""

from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

import httptools

from clipper_sls.http.fast_path import application_in

REMEMBERED = 4_096
MAX_BYTES = 2_048
"""Of a head that is remembered; so all of them take 8 MiB at most, and a client with long ones is served as before."""
_LENGTH = b"content-length"
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"trailer", b"prefer"})
"""What makes a request one for the server at large; the last one may make it a job."""


class PredictHead(NamedTuple):
    """`POST /<application>/predict` whose body of `body_bytes` follows at once, on a connection that stays open."""

    application: str
    body_bytes: int


@lru_cache(maxsize=REMEMBERED)
def predict_head(head: bytes) -> PredictHead | None:
    """What `head`, which ends with an empty line, asks for; None for anything but a plain prediction."""
    reader = _Reader()
    parser = httptools.HttpRequestParser(reader)
    try:
        parser.feed_data(head)
        is_plain = parser.get_method() == b"POST" and parser.get_http_version() == "1.1" and parser.should_keep_alive()
        return reader.found() if is_plain else None
    except (httptools.HttpParserError, httptools.HttpParserUpgrade, ValueError):
        return None


class _Reader:
    """What httptools calls while it reads."""

    def __init__(self) -> None:
        self._url = b""
        self._lengths: list[bytes] = []
        self._is_special = False
        self._is_complete = False

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        lowered = name.lower()
        self._is_special |= lowered in _SPECIAL
        if lowered == _LENGTH:
            self._lengths.append(value)

    def on_headers_complete(self) -> None:
        self._is_complete = True

    def found(self) -> PredictHead | None:
        """Raises ValueError for what is no length or no path."""
        if not self._is_complete or self._is_special or len(self._lengths) != 1 or not self._lengths[0].isdigit():
            return None
        path = httptools.parse_url(self._url).path.decode("ascii")
        application = application_in(unquote(path))
        return None if application is None else PredictHead(application, int(self._lengths[0]))
