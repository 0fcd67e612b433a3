"""What the core stack makes, made in a server that stands for AWS without CloudFormation, and models behind it."""

import asyncio
import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clipper_sls.adapters.aws.dynamodb.registry import DynamoRegistry
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.dynamodb.tables import creation, tables
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.domain.changes import Change
from clipper_sls.domain.functions.names import StackNames, version_alias
from clipper_sls.domain.functions.published import CURRENT_ALIAS, PublishedFunction
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.testing.lambda_functions import CREDENTIALS, aws_client
from clipper_sls.testing.ministack import ACCOUNT, REGION

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

STORE_LIMIT_S = 10.0

SUM_MODEL = """
import base64, struct

def handler(event, context):
    data, outputs, at = base64.b64decode(event["data"]), [], 0
    for length in event["lengths"]:
        outputs.append(sum(struct.unpack_from(f"<{length // 8}d", data, at)))
        at += length
    return {"outputs": outputs, "errors": []}
"""
"""A model's function: the sum of each row of doubles."""


@dataclass(frozen=True, slots=True)
class StackUnderTest:
    """`url` is of the server."""

    url: str
    names: StackNames
    _revisions: list[int] = field(default_factory=lambda: [0])

    @property
    def bucket(self) -> str:
        return self.names.payload_bucket(ACCOUNT, REGION)

    @property
    def environment(self) -> dict[str, str]:
        """Of a function of this stack."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
            "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
            "CLIPPER_SLS_STACK_NAME": self.names.stack,
            "CLIPPER_SLS_PAYLOAD_BUCKET": self.bucket,
        }

    def client(self, service: str) -> Any:
        return any_session(REGION).client(service, endpoint_url=self.url)  # type: ignore[call-overload]

    def create(self) -> None:
        """Tables, queues and bucket."""
        for name, table in tables(self.names).items():
            self.client("dynamodb").create_table(**creation(name, table))
        for queue in (self.names.jobs_queue, self.names.dead_letter_queue):
            self.client("sqs").create_queue(QueueName=queue)
        self.client("s3").create_bucket(Bucket=self.bucket)

    def add_model(
        self, model: ModelId, code: str = SUM_MODEL, environment: Mapping[str, str] | None = None
    ) -> PublishedFunction:
        """The first version of a model: a published function, and both of its aliases."""
        functions: LambdaClient = self.client("lambda")
        name, alias = self.names.function(model.name), version_alias(model.version)
        functions.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler="model.handler",
            Role=f"arn:aws:iam::{ACCOUNT}:role/{self.names.model_role(REGION)}",
            Code={"ZipFile": _zipped(code)},
            Environment={"Variables": dict(environment or {})},
            Timeout=30,
            Publish=True,
        )
        for one in (alias, CURRENT_ALIAS):
            functions.create_alias(FunctionName=name, Name=one, FunctionVersion="1")
        return PublishedFunction(name, "1", alias)

    def register(self, changes: Sequence[Change]) -> None:
        """Commit `changes` to the registry."""
        asyncio.run(self._commit(changes))

    async def _commit(self, changes: Sequence[Change]) -> None:
        async with aws_client(self.url) as client:
            table = DynamoTable(client, self.names.registry_table, clock=SystemClock(), limit_s=STORE_LIMIT_S)
            registry = DynamoRegistry(table, new_id=lambda: f"test-{self._revisions[0]}")
            snapshot = await registry.snapshot()
            self._revisions[0] = snapshot.revision
            await registry.commit(changes, snapshot.revision)


def _zipped(code: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("model.py", code)
    return content.getvalue()
