"""The same three calls, by boto3 and by ours."""

import asyncio
import random
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import boto3
from botocore.config import Config

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.endpoints import Endpoints
from clipper_sls.adapters.aws.signing import Credentials
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline

REGION = "us-east-1"
TOKEN = "t" * 800
"""On Lambda there always is one, and it is long."""

ROW = struct.pack("<64d", *range(64))
EVENT = pack_event(InputType.DOUBLES, [ROW])
KEY = {"key": {"B": "AAECAwQFBgcICQ=="}}
QUEUE = "https://sqs.us-east-1.amazonaws.com/000000000000/jobs"
_LIMIT_S = 10.0

Call = Callable[[], None]


def boto3_calls(url: str) -> Mapping[str, Call]:
    """One after the other, on connections that are kept."""
    session = boto3.Session(
        aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="secret", aws_session_token=TOKEN, region_name=REGION
    )
    clients: Any = {
        name: session.client(name, endpoint_url=url, config=Config(parameter_validation=False))
        for name in ("lambda", "dynamodb", "sqs")
    }
    binary = {"key": {"B": b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09"}}

    def invoke() -> None:
        answer = clients["lambda"].invoke(FunctionName="f", Qualifier="v-1", Payload=EVENT)
        assert answer["Payload"].read()[2:9] == b"outputs"

    def get_item() -> None:
        assert clients["dynamodb"].get_item(TableName="cache", Key=binary)["Item"]

    def send_message() -> None:
        assert clients["sqs"].send_message(QueueUrl=QUEUE, MessageBody="x" * 500)["MessageId"]

    return {"lambda Invoke": invoke, "dynamodb GetItem": get_item, "sqs SendMessage": send_message}


def aws_client(url: str) -> AwsClient:
    credentials = Credentials("AKIDEXAMPLE", "secret", TOKEN)
    return AwsClient(
        credentials=lambda: credentials,
        endpoints=Endpoints(REGION, {"AWS_ENDPOINT_URL": url}),
        clock=SystemClock(),
        chance=random.Random(0).random,
    )


def our_calls(client: AwsClient) -> Mapping[str, Callable[[], Awaitable[None]]]:
    """Each with a deadline, as a prediction has one."""
    now = SystemClock().now

    def due() -> Deadline:
        return Deadline(now() + _LIMIT_S)

    async def invoke() -> None:
        answer = await client.request(
            "lambda",
            "POST",
            "/2015-03-31/functions/f/invocations",
            query={"Qualifier": "v-1"},
            body=EVENT,
            deadline=due(),
            may_repeat=True,
        )
        assert answer.body[2:9] == b"outputs"

    async def get_item() -> None:
        assert (await client.call("dynamodb", "GetItem", {"TableName": "cache", "Key": KEY}, due()))["Item"]

    async def send_message() -> None:
        message = {"QueueUrl": QUEUE, "MessageBody": "x" * 500}
        assert (await client.call("sqs", "SendMessage", message, due()))["MessageId"]

    return {"lambda Invoke": invoke, "dynamodb GetItem": get_item, "sqs SendMessage": send_message}


def entering(loop: asyncio.AbstractEventLoop, call: Callable[[], Awaitable[None]]) -> Call:
    """A call as a handler on Lambda makes it: it enters the loop each time."""

    async def once() -> None:
        await call()

    return lambda: loop.run_until_complete(once())
