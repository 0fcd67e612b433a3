"""Functions of AWS Lambda for tests: an invoker of a server that speaks its API, and functions made in MiniStack."""

import random
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.endpoints import Endpoints
from clipper_sls.adapters.aws.lambda_call import LambdaCall
from clipper_sls.adapters.aws.lambda_invoker import LambdaInvoker
from clipper_sls.adapters.aws.payload_store import PayloadStore
from clipper_sls.adapters.aws.signing import Credentials
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.domain.functions.names import version_alias
from clipper_sls.domain.functions.published import PublishedFunction
from clipper_sls.domain.query import Deadline, PackedRow, RowResult
from clipper_sls.domain.records import ModelVersion
from clipper_sls.ports.metrics import Metrics
from clipper_sls.ports.model_invoker import LateOutput
from clipper_sls.testing.ministack import ACCOUNT, PROXY_URL_VARIABLE, REGION

CREDENTIALS = Credentials("test", "test")


@asynccontextmanager
async def aws_client(url: str, *, s3_url: str | None = None) -> AsyncIterator[AwsClient]:
    """Of a server that takes any credentials; `s3_url` where S3 is another one."""
    client = AwsClient(
        credentials=lambda: CREDENTIALS,
        endpoints=Endpoints(REGION, {"AWS_ENDPOINT_URL": url, "AWS_ENDPOINT_URL_S3": s3_url or url}),
        clock=SystemClock(),
        chance=random.Random(0).random,  # noqa: S311 - of waits
    )
    try:
        yield client
    finally:
        await client.close()


def lambda_invoker(client: AwsClient, metrics: Metrics, bucket: str | None = None) -> LambdaInvoker:
    """With a `bucket`, payloads of any size."""
    name = lambda: secrets.token_hex(16)  # noqa: E731
    payloads = PayloadStore(client=client, bucket=bucket, new_name=name) if bucket else None
    call = LambdaCall(client=client, payloads=payloads, metrics=metrics)
    return LambdaInvoker(call=call, clock=SystemClock(), metrics=metrics)


def published(version: ModelVersion, name: str | None = None, number: str = "1") -> ModelVersion:
    """`version` as version `number` of the function `name`, by default of that of its model."""
    alias = version_alias(version.id.version)
    return replace(version, function=PublishedFunction(name or str(version.id.name), number, alias))


class InvokerOfFunctions:
    """Takes versions for published functions of the names given, by default of their models."""

    def __init__(self, invoker: LambdaInvoker, names: Mapping[str, str] | None = None) -> None:
        self._invoker = invoker
        self._names = names or {}

    async def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Sequence[RowResult]:
        function = published(version, self._names.get(version.id.name))
        return await self._invoker.invoke(function, rows, deadline, late, caller)


def create_proxied_function(url: str, name: str, proxy_url: str, *, alias: str = "v-1") -> Any:
    """In MiniStack at `url`: a function of one published version, which the server at `proxy_url` answers for.

    Returns boto3's client of it.
    """
    functions = any_session(REGION).client("lambda", endpoint_url=url)
    functions.create_function(
        FunctionName=name,
        PackageType="Image",
        Code={"ImageUri": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/models:latest"},
        Role=f"arn:aws:iam::{ACCOUNT}:role/any",
        Environment={"Variables": {PROXY_URL_VARIABLE: proxy_url}},
        Timeout=60,
        Publish=True,
    )
    functions.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    return functions
