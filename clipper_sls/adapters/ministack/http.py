"""MiniStack over plain HTTP, without an SDK: it reads region and account of a signature and verifies none."""

import httpx2

from clipper_sls.adapters.http_connections.connection import BrokenConnectionError, Response
from clipper_sls.adapters.http_connections.connections import Connections, UnreachableError
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.request_forwarder import WholeAnswer, WholeRequest

_HOP_BY_HOP = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"content-length", b"te", b"upgrade"))
_NOT_HANDED_BACK = _HOP_BY_HOP | {b"date", b"server"}  # ours are put there
MAX_IDLE_S = 30.0  # MiniStack closes them later
TIMEOUT_S = 900.0  # Lambda's longest, which some requests wait for


class MiniStackHttp:
    """Use and `close` it in one loop. What is asked for each call goes over kept connections of the leaner sort."""

    def __init__(self, url: str, region: str) -> None:
        self.url = url
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=30)
        self._client = httpx2.AsyncClient(trust_env=False, verify=False, timeout=TIMEOUT_S, limits=limits)
        self._connections = Connections(Endpoint.parse(url), MAX_IDLE_S)
        self._scope = f"AWS4-HMAC-SHA256 Credential=test/20260101/{region}/lambda/aws4_request, SignedHeaders=host"

    async def get(self, path: str) -> Response:
        """Raises StoreUnavailableError."""
        try:
            headers = {"Authorization": self._scope}
            return await self._connections.request("GET", path, headers, b"", may_repeat=True)
        except (BrokenConnectionError, UnreachableError) as error:
            raise _gone(error) from error

    async def fetch(self, url: str) -> bytes:
        """What is at a URL that the server gave. Raises StoreUnavailableError."""
        try:
            response = await self._client.get(url, headers={"Authorization": self._scope})
            return response.raise_for_status().content
        except httpx2.HTTPError as error:
            raise _gone(error) from error

    async def forward(self, request: WholeRequest) -> WholeAnswer:
        """See `RequestForwarder.forward`. The body comes back as it was sent: compressed if it was."""
        query = f"?{request.query.decode('latin-1')}" if request.query else ""
        headers = [(name, value) for name, value in request.headers if name.lower() not in _HOP_BY_HOP]
        try:
            async with self._client.stream(
                request.method, f"{self.url}{request.path}{query}", headers=headers, content=request.body
            ) as response:
                body = b"".join([chunk async for chunk in response.aiter_raw()])
        except httpx2.HTTPError as error:
            raise _gone(error) from error
        kept = [(name, value) for name, value in response.headers.raw if name.lower() not in _NOT_HANDED_BACK]
        return WholeAnswer(response.status_code, kept, body)

    async def close(self) -> None:
        self._connections.close()
        await self._client.aclose()


def _gone(error: Exception) -> StoreUnavailableError:
    return StoreUnavailableError(f"MiniStack does not answer: {error!r}; start 'clipper-sls dev --aws' again")
