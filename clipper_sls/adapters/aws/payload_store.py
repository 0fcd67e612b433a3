"""Rows and results that are too large for Lambda, for the hour that they are needed, in S3.

Objects are written once, under names that nobody can guess; the bucket's lifecycle removes them.
"""

from collections.abc import Callable

from msgspec import Struct

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.domain.query import Deadline

PREFIX = "payloads"
"""Of all keys, for the lifecycle's rule and for policies."""

URL_LIMIT_S = 1_200
"""Longer than the longest function may run."""


class ResultPlace(Struct, frozen=True):
    path: str
    url: str  # for a PUT


class PayloadStore:
    """`new_name` gives another name each time. What it raises is of `AwsClient.request`."""

    def __init__(self, *, client: AwsClient, bucket: str, new_name: Callable[[], str]) -> None:
        self._client = client
        self._bucket = bucket
        self._new_name = new_name

    async def put(self, content: bytes, deadline: Deadline) -> str:
        """The URL by which anybody may read it."""
        path = self._path("rows")
        await self._client.request(
            "s3", "PUT", path, bucket=self._bucket, body=content, deadline=deadline, may_repeat=True
        )
        return self._client.presigned_url("GET", self._bucket, path, expires_s=URL_LIMIT_S)

    def place(self) -> ResultPlace:
        """Where whoever has the URL may put a result."""
        path = self._path("results")
        url = self._client.presigned_url("PUT", self._bucket, path, expires_s=URL_LIMIT_S)
        return ResultPlace(path, url)

    async def get(self, place: ResultPlace, deadline: Deadline) -> bytes:
        response = await self._client.request(
            "s3", "GET", place.path, bucket=self._bucket, deadline=deadline, may_repeat=True
        )
        return response.body

    def _path(self, kind: str) -> str:
        return f"/{PREFIX}/{kind}/{self._new_name()}"
