"""Handing a whole HTTP request to whom it is about."""

from typing import Protocol

from msgspec import Struct

Headers = list[tuple[bytes, bytes]]


class WholeRequest(Struct, frozen=True, array_like=True):
    """An HTTP request that was read to its end. Names of headers are in lower case."""

    method: str
    path: str
    query: bytes
    headers: Headers
    body: bytes


class WholeAnswer(Struct, frozen=True, array_like=True):
    """An HTTP response with all of its body."""

    status: int
    headers: Headers
    body: bytes


class RequestForwarder(Protocol):
    async def forward(self, request: WholeRequest) -> WholeAnswer:
        """The answer of whoever is asked. Raises StoreUnavailableError when nobody is there, or leaves meanwhile."""
        ...
