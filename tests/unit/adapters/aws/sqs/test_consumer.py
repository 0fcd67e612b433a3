"""A Lambda event of SQS, and what Lambda is told of it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clipper_sls.adapters.aws.sqs.consumer import SqsConsumer
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import Job, JobState
from clipper_sls.domain.jobs.messages import Received
from clipper_sls.domain.query import Deadline, OutputJson, PackedRow, Predicted, Query, RowResult
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Record, Switch
from clipper_sls.domain.serving import Serving
from clipper_sls.testing.fakes import constant
from clipper_sls.testing.jobs import JobWorld

EVENT = Path(__file__).with_name("event.json")
"""As AWS documents it."""

APP, MODEL = AppName("shop"), ModelId.of("price", "1")
RECORDS: tuple[Record, ...] = (
    Application(APP, InputType.STRINGS, "none", 100_000),
    ModelVersion(MODEL, InputType.STRINGS, bundle_digest="0" * 64, serving=Serving(is_cached=False), batch_size=10),
    Link(APP, ModelName("price")),
    Current(ModelName("price"), (Switch(Version("1"), 0.0),)),
)


@pytest.fixture
async def world() -> JobWorld:
    world = JobWorld()
    await world.open(*RECORDS)
    world.invoker.models[MODEL] = constant(b"1")
    return world


def consumer(world: JobWorld) -> SqsConsumer:
    return SqsConsumer(worker=world.worker, queue=world.queue, clock=world.clock)


async def submitted(world: JobWorld, *rows: bytes) -> Job:
    return await world.jobs.submit(Query(APP, InputType.STRINGS, rows, Deadline(0.0)), is_batch=False)


async def received(world: JobWorld) -> list[Received]:
    return list(await world.queue.receive(10, visibility_s=300.0))


def event_of(messages: list[Received]) -> dict[str, Any]:
    """The documented event, with these messages in it."""
    (record, _) = json.loads(EVENT.read_text())["Records"]
    return {
        "Records": [
            {
                **record,
                "messageId": message.message_id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {**record["attributes"], "ApproximateReceiveCount": str(message.receive_count)},
            }
            for message in messages
        ]
    }


def failures(answer: Any) -> list[str]:
    assert list(answer) == ["batchItemFailures"]
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


async def test_messages_that_are_done_are_not_named(world: JobWorld) -> None:
    jobs = [await submitted(world, b"a"), await submitted(world, b"b", b"c")]
    answer = await consumer(world).consume(event_of(await received(world)), 60.0)
    assert failures(answer) == []
    assert [(await world.jobs.status(job.id)).state for job in jobs] == [JobState.DONE] * 2


async def test_rows_of_one_version_are_asked_together(world: JobWorld) -> None:
    for row in (b"a", b"b"):
        await submitted(world, row)
    await consumer(world).consume(event_of(await received(world)), 60.0)
    assert [len(rows) for _, rows, _ in world.invoker.asked] == [2]


async def test_only_messages_that_are_to_come_again_are_named(world: JobWorld) -> None:
    await submitted(world, b"a")
    world.store.failures = 1
    messages = [*await received(world)]
    await submitted(world, b"b")
    messages += await received(world)
    answer = await consumer(world).consume(event_of(messages), 60.0)
    assert len(failures(answer)) == 1
    assert failures(answer)[0] in {message.message_id for message in messages}


async def test_what_is_to_come_again_comes_soon_and_not_after_the_visibility_of_the_queue(world: JobWorld) -> None:
    await submitted(world, b"a")
    world.store.failures = 1
    await consumer(world).consume(event_of(await received(world)), 60.0)
    assert await received(world) == []
    await world.clock.advance(2.0)
    (again,) = await received(world)
    assert again.receive_count == 2
    assert failures(await consumer(world).consume(event_of([again]), 60.0)) == []


async def test_a_batch_that_fails_as_a_whole_is_named_as_a_whole_and_raises_nothing(world: JobWorld) -> None:
    await submitted(world, b"a")
    await submitted(world, b"b")
    messages = await received(world)
    world.store.failures = 10
    answer = await consumer(world).consume(event_of(messages), 60.0)
    assert sorted(failures(answer)) == sorted(message.message_id for message in messages)


async def test_a_message_that_cannot_be_read_is_buried_and_not_named(world: JobWorld) -> None:
    event = json.loads(EVENT.read_text())
    answer = await consumer(world).consume(event, 60.0)
    assert failures(answer) == []


async def test_rows_are_due_before_the_function_must_end(world: JobWorld) -> None:
    deadlines: list[float] = []

    def model(row: PackedRow) -> RowResult:
        deadlines.append(world.invoker.asked[-1][2])
        return Predicted(OutputJson(b"1"))

    world.invoker.models[MODEL] = model
    await submitted(world, b"a")
    now = world.clock.now()
    await consumer(world).consume(event_of(await received(world)), 20.0)
    assert deadlines == [now + 15.0]


async def test_without_time_nothing_is_asked_and_all_comes_again(world: JobWorld) -> None:
    await submitted(world, b"a")
    answer = await consumer(world).consume(event_of(await received(world)), 0.0)
    assert (len(failures(answer)), world.invoker.asked) == (1, [])


class Noting:
    """The world's queue; notes what is deleted and released, and when: after how many calls of the model."""

    def __init__(self, world: JobWorld) -> None:
        self._world = world
        self.deleted: list[tuple[int, list[str]]] = []
        self.released: list[tuple[int, float]] = []

    async def acknowledge(self, received: Sequence[Received]) -> None:
        self.deleted.append((len(self._world.invoker.asked), [one.message_id for one in received]))
        await self._world.queue.acknowledge(received)

    async def release(self, received: Sequence[Received], *, after_s: float = 0.0) -> None:
        self.released.append((len(self._world.invoker.asked), after_s))
        await self._world.queue.release(received, after_s=after_s)


async def test_what_was_delivered_often_comes_last_and_alone_when_the_others_are_deleted(world: JobWorld) -> None:
    queue = Noting(world)
    for row in (b"often", b"a", b"b"):
        await submitted(world, row)
    often, *others = await received(world)
    event = event_of([replace(often, receive_count=3), *others])
    answer = await SqsConsumer(worker=world.worker, queue=queue, clock=world.clock).consume(event, 60.0)
    assert failures(answer) == []
    assert [sorted(rows) for _, rows, _ in world.invoker.asked] == [[b"a", b"b"], [b"often"]]
    assert queue.deleted == [(1, [other.message_id for other in others]), (2, [often.message_id])]


async def test_each_that_was_delivered_often_would_come_again_at_another_time_if_one_of_them_ended_the_function(
    world: JobWorld,
) -> None:
    queue = Noting(world)
    for row in (b"a", b"b", b"c"):
        await submitted(world, row)
    messages = [replace(message, receive_count=3) for message in await received(world)]
    await SqsConsumer(worker=world.worker, queue=queue, clock=world.clock).consume(event_of(messages), 20.0)
    assert queue.released == [(0, 20.0), (0, 22.0), (0, 24.0)]
