"""A process that changes a registry and is killed by itself, before or after one of its calls.

python registry_writer.py URL TABLE APPLICATION CALL before|after
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.dynamodb.registry import DynamoRegistry
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.changes import Put
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline
from clipper_sls.domain.records import Application
from clipper_sls.testing.dynamodb import aws_client


class MortalClient:
    def __init__(self, client: AwsClient, ends_at: int, *, ends_after: bool) -> None:
        self._client = client
        self._ends_at = ends_at
        self._ends_after = ends_after
        self._calls = 0

    async def call(
        self, service: str, operation: str, payload: Mapping[str, Any], deadline: Deadline
    ) -> dict[str, Any]:
        self._calls += 1
        if self._calls == self._ends_at and not self._ends_after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = await self._client.call(service, operation, payload, deadline)
        if self._calls == self._ends_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer


async def write(url: str, table: str, application: str, ends_at: str, when: str) -> None:
    client = MortalClient(aws_client(url), int(ends_at), ends_after=when == "after")
    registry = DynamoRegistry(DynamoTable(client, table, clock=SystemClock(), limit_s=30.0), new_id=lambda: uuid4().hex)
    found = await registry.snapshot()
    await registry.commit([Put(Application(AppName(application), InputType.JSON, "", 1))], found.revision)
    print("committed", flush=True)


if __name__ == "__main__":
    asyncio.run(write(*sys.argv[1:]))
