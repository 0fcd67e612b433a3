"""Consumers of jobs in processes of their own, that a test kills: each is what Lambda and its poller of SQS are.

Queue and store are SQS and DynamoDB as some server speaks them; the registry is in memory, and the model a function.
"""

import asyncio
import os
import random
import secrets
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.dynamodb.job_store import DynamoJobStore
from clipper_sls.adapters.aws.dynamodb.table import DynamoTable
from clipper_sls.adapters.aws.sqs.consumer import SqsConsumer
from clipper_sls.adapters.aws.sqs.job_queue import SqsJobQueue
from clipper_sls.adapters.aws.sqs.queue import SqsQueue
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.domain.changes import Put
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.messages import Received
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, PackedRow, Predicted, RowResult, Unanswered
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Switch
from clipper_sls.domain.serving import Serving
from clipper_sls.errors import StoreError
from clipper_sls.ports.model_invoker import LateOutput
from clipper_sls.service.job_worker import JobWorker, WorkLimits
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing.dynamodb import aws_client
from clipper_sls.testing.fakes import RecordingMetrics

APP, MODEL = AppName("shop"), ModelId.of("price", "1")
KILLER, UNANSWERABLE = b"killer", b"unanswerable"
"""How a row begins that ends whoever works on it, and one that no replica ever answers."""

MAX_TRIES = 3
VISIBILITY_S = 5
TIME_LEFT_S = 4.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where queue and store are."""

    url: str
    queue: str
    dead_letters: str
    table: str


@dataclass(frozen=True, slots=True)
class Jobs:
    client: AwsClient
    queue: SqsJobQueue
    store: DynamoJobStore
    service: JobService
    registry: RegistryView


async def opened(place: Place) -> Jobs:
    clock, client = SystemClock(), aws_client(place.url)
    queue, dead_letters = (SqsQueue(client, name, clock=clock, limit_s=5) for name in (place.queue, place.dead_letters))
    jobs_queue = SqsJobQueue(queue, dead_letters)
    table = DynamoTable(client, place.table, clock=clock, limit_s=5)
    store = DynamoJobStore(table, clock=clock, new_id=lambda: uuid4().hex)
    registry = RegistryView(registry=await _registry(), clock=clock)
    await registry.load()
    service = JobService(
        queue=jobs_queue,
        store=store,
        registry=registry,
        clock=clock,
        times=JobTimes(expiry_s=3_600.0, keep_s=86_400.0),
        chance=secrets.token_bytes,
        poll_s=0.1,
    )
    return Jobs(client, jobs_queue, store, service, registry)


def run(place: Place, seed: int) -> None:
    """Consume until the process is killed."""
    asyncio.run(_consume(place, random.Random(seed)))


async def _consume(place: Place, chance: random.Random) -> None:
    jobs = await opened(place)
    consumer = _consumer(jobs)
    while True:
        try:
            messages = await jobs.queue.receive(10, visibility_s=VISIBILITY_S, wait_s=1.0)
            if messages:
                await _hand_over(jobs, consumer, messages, chance)
        except StoreError:
            continue  # as Lambda's poller does


async def _hand_over(jobs: Jobs, consumer: SqsConsumer, messages: Sequence[Received], chance: random.Random) -> None:
    """What Lambda does: an event, in any order, and then the deletion of what the answer does not name."""
    shuffled = chance.sample(messages, len(messages))
    answer = await consumer.consume({"Records": [_record(one) for one in shuffled]}, TIME_LEFT_S)
    again = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    await jobs.queue.acknowledge([one for one in messages if one.message_id not in again])


def _record(message: Received) -> dict[str, Any]:
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt,
        "body": message.body,
        "attributes": {"ApproximateReceiveCount": str(message.receive_count)},
        "eventSource": "aws:sqs",
    }


def _consumer(jobs: Jobs) -> SqsConsumer:
    clock, metrics = SystemClock(), RecordingMetrics()
    answers = ModelAnswers(invoker=_Model(), cache=None, clock=clock, metrics=metrics)
    predictions = PredictionService(
        registry=jobs.registry, answers=answers, clock=clock, metrics=metrics, query_ids=iter(range(10**9))
    )
    worker = JobWorker(
        jobs=jobs.service,
        queue=jobs.queue,
        registry=jobs.registry,
        answers=answers,
        predictions=predictions,
        clock=clock,
        limits=WorkLimits(max_tries=MAX_TRIES, call_s=2.0),
    )
    return SqsConsumer(worker=worker, queue=jobs.queue, clock=clock)


class _Model:
    async def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Sequence[RowResult]:
        if any(row.startswith(KILLER) for row in rows):
            os.kill(os.getpid(), signal.SIGKILL)
        return [_answer(row) for row in rows]


def _answer(row: PackedRow) -> RowResult:
    if row.startswith(UNANSWERABLE):
        return Unanswered(DefaultReason.NO_REPLICA)
    return Predicted(OutputJson(b'"answer to %b"' % row))


async def _registry() -> MemoryRegistry:
    registry = MemoryRegistry()
    await registry.commit(
        [
            Put(Application(APP, InputType.STRINGS, '"none"', 10_000_000)),
            Put(ModelVersion(MODEL, InputType.STRINGS, bundle_digest="0" * 64, serving=Serving(is_cached=False))),
            Put(Link(APP, ModelName("price"))),
            Put(Current(ModelName("price"), (Switch(Version("1"), 0.0),))),
        ],
        (await registry.snapshot()).revision,
    )
    return registry
