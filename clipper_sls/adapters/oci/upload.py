"""Uploading one blob (distribution specification, "Pushing blobs"): in one piece, or in chunks that can be resumed.

A registry that keeps to the specification says how much of a chunk it has got, and the rest follows. docker-registry
2.8 does so for chunks of which nothing arrived, and forgets the session of one that broke off: then a new one begins.
Amazon ECR says of the first chunk that all is done, and drops the others (aws/containers-roadmap, issue 2831): there a
blob goes in one piece, whatever its size.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus

import httpx2

from clipper_sls.adapters.oci.registry_http import PassingError, RegistryHttp, Request
from clipper_sls.domain.image.digests import Descriptor

CHUNK_BYTES = 32 << 20
"""So much is sent again at most. A blob that is no larger goes in one piece."""

CONTENT = {"Content-Type": "application/octet-stream"}
_RANGE = re.compile(r"(?:bytes=)?0-(\d+)")


class SessionLostError(Exception):
    """A new session has to begin. Never leaves this package."""


class ChunksDroppedError(Exception):
    """The registry takes a blob in one piece only. Never leaves this package."""


ReadPart = Callable[[int, int], Iterator[bytes]]
"""From a start, so many bytes of the blob."""


class Upload:
    """One upload session; `location` is where the registry said that it is."""

    def __init__(self, http: RegistryHttp, blob: Descriptor, read: ReadPart, location: str, doing: str) -> None:
        self._http = http
        self._blob = blob
        self._read = read
        self._location = location
        self._doing = doing

    def run(self, chunk_bytes: int) -> None:
        """Send all of the blob. Raises PassingError or SessionLostError when a new session may succeed.

        ChunksDroppedError when one in which the blob is not larger than `chunk_bytes` may.
        """
        if self._blob.size <= chunk_bytes:
            return self._finish(0, self._blob.size)
        sent = 0
        while sent < self._blob.size:
            size_bytes = min(chunk_bytes, self._blob.size - sent)
            sent = self._http.persist(partial(self._chunk_or_resumed, sent, size_bytes), self._doing)
        return self._finish(sent, 0)

    def _chunk_or_resumed(self, start: int, size_bytes: int) -> int:
        """Send the chunk; returns how much the registry has then. After a failure it is asked, and wins."""
        headers = {**CONTENT, "Content-Range": f"{start}-{start + size_bytes - 1}"}
        request = self._request("PATCH", self._location, headers, start, size_bytes)
        try:
            response = self._http.send_once(request)
        except PassingError:
            received = self._received()
            if received <= start:
                raise
            return received
        if response.status_code == HTTPStatus.CREATED:
            raise ChunksDroppedError
        return self._told(request, response, HTTPStatus.ACCEPTED)

    def _received(self) -> int:
        request = Request("GET", self._location, self._doing, {})
        return self._told(request, self._http.send(request), HTTPStatus.NO_CONTENT)

    def _told(self, request: Request, response: httpx2.Response, expected: HTTPStatus) -> int:
        """How many bytes the registry says that it has; where the rest goes is noted."""
        if response.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE):
            raise SessionLostError("the registry has lost the upload that had begun")
        if response.status_code != expected:
            raise self._http.unexpected(request, response)
        self._location = response.headers.get("Location", self._location)
        end = _RANGE.fullmatch(response.headers.get("Range", ""))
        return int(end[1]) + 1 if end and end[1] != "0" else 0

    def _finish(self, start: int, size_bytes: int) -> None:
        """Close the session, with the bytes that are left; the registry compares the digest."""
        mark = "&" if "?" in self._location else "?"
        url = f"{self._location}{mark}digest={self._blob.digest}"
        request = self._request("PUT", url, CONTENT, start, size_bytes)
        response = self._http.send_once(request)
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise SessionLostError("the registry has lost the upload that had begun")
        if response.status_code != HTTPStatus.CREATED:
            raise self._http.unexpected(request, response)

    def _request(self, method: str, url: str, headers: dict[str, str], start: int, size_bytes: int) -> Request:
        return Request(method, url, self._doing, headers, lambda: self._read(start, size_bytes), size_bytes)
