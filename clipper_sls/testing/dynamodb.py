"""Tables for tests, on whatever server stands for DynamoDB.

with dynamo_table(server.url, REGISTRY) as name:
    table = DynamoTable(aws_client(server.url), name, clock=clock, limit_s=10)
"""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.dynamodb.tables import Table, creation, expiry
from clipper_sls.adapters.aws.endpoints import Endpoints
from clipper_sls.adapters.aws.signing import Credentials
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.testing.ministack import REGION

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

MakeTable = Callable[[Table], DynamoTable]
"""A new table, as an adapter sees it."""

_numbers = itertools.count()


def aws_client(url: str) -> AwsClient:
    """Of the server at `url`, which takes any credentials."""
    return AwsClient(
        credentials=lambda: Credentials("test", "test", ""),
        endpoints=Endpoints(REGION, {"AWS_ENDPOINT_URL": url}),
        clock=SystemClock(),
        chance=random.Random(0).random,  # noqa: S311 - no secret
    )


def boto3_client(url: str) -> "DynamoDBClient":
    return any_session(REGION).client("dynamodb", endpoint_url=url)


@contextmanager
def dynamo_table(url: str, table: Table) -> Iterator[str]:
    """The name of a new table, which is removed at the end, if it is still there."""
    client, name = boto3_client(url), f"table-{next(_numbers)}"
    create_table(client, name, table)
    try:
        yield name
    finally:
        remove_table(client, name)
        client.close()


def create_table(client: "DynamoDBClient", name: str, table: Table) -> None:
    client.create_table(**creation(name, table))  # type: ignore[arg-type]  # of the right form, as a test says
    expires = expiry(name, table)
    if expires is not None:
        client.update_time_to_live(**expires)  # type: ignore[arg-type]


def remove_table(client: "DynamoDBClient", name: str) -> None:
    """Nothing to do when it is gone."""
    try:
        client.delete_table(TableName=name)
    except client.exceptions.ResourceNotFoundException:
        return
