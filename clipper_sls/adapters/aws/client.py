"""A client for AWS' HTTP APIs: signs, asks, and asks again what was throttled or broke off, until a deadline.

A call costs the processor an eighth of what one by boto3 does; docs/adr/0030-a-lean-client-for-aws.md has figures.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

from clipper_sls.adapters.aws.credentials import CredentialsProvider
from clipper_sls.adapters.aws.endpoints import Endpoints
from clipper_sls.adapters.aws.failures import AwsFailureError, AwsNoAnswerError, AwsTimeoutError, call_error
from clipper_sls.adapters.aws.signing import Signer, query_string
from clipper_sls.adapters.http_connections.connection import BrokenConnectionError, Response
from clipper_sls.adapters.http_connections.connections import Connections, UnreachableError
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.query import Deadline
from clipper_sls.ports.clock import Clock

MAX_ATTEMPTS = 6
FIRST_WAIT_S = 0.05
MAX_WAIT_S = 2.0
"""Before attempt n + 1 a call waits a random part of min(MAX_WAIT_S, FIRST_WAIT_S * 2 ** n): full jitter, since what is
throttled together would come back together. https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"""

MAX_IDLE_S = 20.0
"""Connections that were not used for longer are not used again; AWS closes some after 20 s."""

_OK = range(200, 300)
_TARGETS = {"dynamodb": "DynamoDB_20120810", "sqs": "AmazonSQS"}
_JSON_HEADERS = {"Content-Type": "application/x-amz-json-1.0"}
_encode = msgspec.json.Encoder().encode
_decode: Callable[[bytes], dict[str, Any]] = msgspec.json.Decoder(dict[str, Any]).decode


class _Place(Struct, frozen=True):
    """A host, and what it takes to ask it."""

    endpoint: Endpoint
    connections: Connections
    signer: Signer


class _Call(Struct, frozen=True):
    service: str
    operation: str
    place: _Place
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes
    may_repeat: bool


class AwsClient:
    """Belongs to one event loop. `clock.now` must run with that loop's time; `chance` gives numbers in [0, 1)."""

    def __init__(
        self, *, credentials: CredentialsProvider, endpoints: Endpoints, clock: Clock, chance: Callable[[], float]
    ) -> None:
        self.endpoints = endpoints
        self._credentials = credentials
        self._clock = clock
        self._chance = chance
        self._places: dict[tuple[str, str], _Place] = {}

    async def call(
        self, service: str, operation: str, payload: Mapping[str, Any], deadline: Deadline, *, may_repeat: bool = True
    ) -> dict[str, Any]:
        """An operation of "dynamodb" or "sqs"; what it takes and gives is of the service's API reference.

        Raises AwsCallError, AwsNoAnswerError, AwsNoCredentialsError. A call whose answer was lost is made again, and
        may so be done twice, unless `may_repeat` is false; one that AWS refused to do for now always is.
        """
        place = self._place(service, self.endpoints.of(service))
        headers = {**_JSON_HEADERS, "X-Amz-Target": f"{_TARGETS[service]}.{operation}"}
        call = _Call(service, operation, place, "POST", "/", "", headers, _encode(payload), may_repeat)
        response = await self._answered(call, deadline)
        try:
            return _decode(response.body or b"{}")
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise AwsNoAnswerError(service, operation, f"the answer is no JSON: {error}", was_done=None) from error

    async def request(
        self,
        service: str,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        deadline: Deadline,
        may_repeat: bool,
        bucket: str | None = None,
        operation: str = "",
    ) -> Response:
        """Of "lambda" or "s3". `path` is percent-encoded, and of S3's objects below its `bucket`. Raises as `call`.

        Not for HEAD, whose answers have no body. `operation` is for errors: what they say was asked.
        """
        endpoint = self.endpoints.of(service) if bucket is None else self.endpoints.of_bucket(bucket)
        call = _Call(
            service,
            operation or f"{method} {path}",
            self._place(service, endpoint),
            method,
            path,
            query_string(query) if query else "",
            headers or {},
            body,
            may_repeat,
        )
        return await self._answered(call, deadline)

    def presigned_url(self, method: str, bucket: str, path: str, *, expires_s: int) -> str:
        """By which anybody may GET or PUT one object of S3; raises AwsNoCredentialsError."""
        place = self._place("s3", self.endpoints.of_bucket(bucket))
        whole = place.endpoint.path(path)
        query = place.signer.presigned_query(
            method, whole, place.endpoint.authority, self._credentials(), self._clock.wall(), expires_s=expires_s
        )
        return f"{place.endpoint.url}{path}?{query}"

    async def close(self) -> None:
        """Close the connections that nobody is using."""
        for place in self._places.values():
            place.connections.close()
        self._places.clear()
        await asyncio.sleep(0)  # what they leave behind is closed in the loop's next turn

    def _place(self, service: str, endpoint: Endpoint) -> _Place:
        place = self._places.get((service, endpoint.url))
        if place is None:
            signer = Signer(service, self.endpoints.region)
            place = _Place(endpoint, Connections(endpoint, MAX_IDLE_S), signer)
            self._places[service, endpoint.url] = place
        return place

    async def _answered(self, call: _Call, deadline: Deadline) -> Response:
        """What made it ask again says more than that the deadline passed while it did."""
        failures: list[AwsFailureError] = []
        try:
            async with asyncio.timeout(None if math.isinf(deadline) else deadline - self._clock.now()):
                return await self._persistently(call, deadline, failures)
        except TimeoutError as error:
            if failures:
                failures[-1].was_done = None
                raise failures[-1] from error
            why = "there was no answer by the deadline"
            raise AwsTimeoutError(call.service, call.operation, why, was_done=None) from error

    async def _persistently(self, call: _Call, deadline: Deadline, failures: list[AwsFailureError]) -> Response:
        for attempt in range(1, MAX_ATTEMPTS):
            try:
                return await self._once(call)
            except AwsFailureError as failure:
                failures.append(failure)
                again_at = self._clock.now() + wait_s(attempt, self._chance())
                is_safe = call.may_repeat or failure.was_done is False
                if not failure.is_passing or not is_safe or again_at >= deadline:
                    raise
            await self._clock.sleep_until(again_at)
        return await self._once(call)

    async def _once(self, call: _Call) -> Response:
        place = call.place
        headers = place.signer.headers(
            call.method,
            place.endpoint.path(call.path),
            call.query,
            {"Host": place.endpoint.authority, **call.headers},
            call.body,
            self._credentials(),
            self._clock.wall(),
        )
        del headers["Host"]  # the connection adds it
        target = f"{call.path}?{call.query}" if call.query else call.path
        try:
            response = await place.connections.request(
                call.method, target, headers, call.body, may_repeat=call.may_repeat
            )
        except UnreachableError as error:
            raise AwsNoAnswerError(call.service, call.operation, str(error), was_done=False) from error
        except BrokenConnectionError as error:
            why = f"{place.endpoint.url} broke off: {error}"
            raise AwsNoAnswerError(call.service, call.operation, why, was_done=None) from error
        if response.status not in _OK:
            raise call_error(call.service, call.operation, response)
        return response


def wait_s(attempt: int, chance: float) -> float:
    """Before the attempt after this one, which is counted from 1."""
    bound: float = min(MAX_WAIT_S, FIRST_WAIT_S * 2 ** (attempt - 1))
    return chance * bound
