"""Queues for tests, on whatever server stands for SQS.

with sqs_queues(server.url, max_receives=3) as names:
    queue = SqsQueue(aws_client(server.url), names.queue, clock=clock, limit_s=10)
"""

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clipper_sls.adapters.ministack.session import any_session
from clipper_sls.testing.ministack import REGION

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class QueueNames:
    """A queue, and that of its dead letters."""

    queue: str
    dead_letters: str


def boto3_sqs(url: str) -> "SQSClient":
    return any_session(REGION).client("sqs", endpoint_url=url)


@contextmanager
def sqs_queues(url: str, *, max_receives: int) -> Iterator[QueueNames]:
    """New queues, which are removed at the end."""
    client, name = boto3_sqs(url), f"jobs-{next(_numbers)}"
    dead_url = client.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=dead_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": str(max_receives)})
    url_of_queue = client.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    try:
        yield QueueNames(name, f"{name}-dead")
    finally:
        for each in (url_of_queue, dead_url):
            client.delete_queue(QueueUrl=each)
        client.close()
