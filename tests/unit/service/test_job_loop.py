import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import JobState
from clipper_sls.domain.jobs.messages import NewMessage, Received
from clipper_sls.domain.query import Deadline, OutputJson, PackedRow, Predicted, Query, RowResult
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Record, Switch
from clipper_sls.ports.model_invoker import LateOutput
from clipper_sls.service.job_loop import VISIBILITY_S, JobLoop
from clipper_sls.testing.fakes import FakeInvoker, constant
from clipper_sls.testing.jobs import JobWorld

APP, MODEL = AppName("shop"), ModelId.of("price", "1")
RECORDS: tuple[Record, ...] = (
    Application(APP, InputType.STRINGS, "none", 100_000),
    ModelVersion(MODEL, InputType.STRINGS, bundle_digest="0" * 64),
    Link(APP, ModelName("price")),
    Current(ModelName("price"), (Switch(Version("1"), 0.0),)),
)
TURNS = 200
"""Of the event loop; many more than anything here needs."""


class SlowInvoker(FakeInvoker):
    """Answers when `answers` is set."""

    def __init__(self) -> None:
        super().__init__(models={MODEL: constant(b"1")})
        self.answers = asyncio.Event()
        self.is_asked = asyncio.Event()

    async def invoke(
        self,
        version: ModelVersion,
        rows: Sequence[PackedRow],
        deadline: Deadline,
        late: LateOutput | None = None,
        caller: str = "",
    ) -> Sequence[RowResult]:
        self.is_asked.set()
        await self.answers.wait()
        return [Predicted(OutputJson(b"1"))] * len(rows)


@asynccontextmanager
async def running(world: JobWorld) -> AsyncIterator[JobLoop]:
    loop = JobLoop(queue=world.queue, worker=world.worker, clock=world.clock, concurrency=2)
    loop.start()
    try:
        yield loop
    finally:
        await loop.close(drain_timeout_s=0.0)


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(TURNS):
        if await is_so():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be so")


def _query(row: bytes = b"a") -> Query:
    return Query(APP, InputType.STRINGS, [row], Deadline(0.0))


async def test_what_is_enqueued_is_done_and_is_gone_from_the_queue(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = constant(b"1")
    async with running(job_world):
        jobs = [await job_world.jobs.submit(_query(b"%d" % number), is_batch=False) for number in range(25)]
        found = [await job_world.jobs.wait(job.id, Deadline(job_world.clock.now() + 1)) for job in jobs]
    assert {record.state for record in found} == {JobState.DONE}
    assert list(await job_world.queue.receive(10, visibility_s=1.0)) == []


async def test_what_no_replica_answers_is_tried_again_after_a_while(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)

    async def was_asked() -> bool:
        return bool(job_world.invoker.asked)

    async with running(job_world):
        job = await job_world.jobs.submit(_query(), is_batch=False)
        await until(was_asked)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        assert len(job_world.invoker.asked) == 1
        job_world.invoker.models[MODEL] = constant(b"1")
        await job_world.clock.advance(2.0)
        found = await job_world.jobs.wait(job.id, Deadline(job_world.clock.now() + 1))
    assert found.state is JobState.DONE


async def test_what_takes_long_is_not_delivered_to_anybody_else() -> None:
    slow = SlowInvoker()
    job_world = JobWorld(invoker=slow)
    await job_world.open(*RECORDS)
    async with running(job_world):
        job = await job_world.jobs.submit(_query(), is_batch=False)
        await slow.is_asked.wait()
        for _ in range(5):
            await job_world.clock.advance(VISIBILITY_S / 2)
            for _ in range(TURNS):
                await asyncio.sleep(0)
        assert list(await job_world.queue.receive(10, visibility_s=1.0)) == []
        slow.answers.set()
        found = await job_world.jobs.wait(job.id, Deadline(job_world.clock.now() + 1))
    assert found.state is JobState.DONE


async def test_at_the_end_what_was_taken_is_finished_and_the_rest_is_left() -> None:
    slow = SlowInvoker()
    job_world = JobWorld(invoker=slow)
    await job_world.open(*RECORDS)
    loop = JobLoop(queue=job_world.queue, worker=job_world.worker, clock=job_world.clock, concurrency=1)
    loop.start()
    taken = await job_world.jobs.submit(_query(), is_batch=False)
    await slow.is_asked.wait()
    left = await job_world.jobs.submit(_query(b"b"), is_batch=False)
    closing = asyncio.create_task(loop.close(drain_timeout_s=10.0))
    await asyncio.sleep(0)
    slow.answers.set()
    await closing
    assert (await job_world.jobs.status(taken.id)).state is JobState.DONE
    assert (await job_world.jobs.status(left.id)).state is JobState.QUEUED
    assert len(await job_world.queue.receive(10, visibility_s=1.0)) == 1


async def test_a_store_that_fails_does_not_end_the_loop(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = constant(b"1")
    job_world.store.failures = 1
    async with running(job_world):
        job = await job_world.jobs.submit(_query(), is_batch=False)

        async def failed_once() -> bool:
            return job_world.store.failures == 0

        await until(failed_once)
        for _ in range(TURNS):
            await asyncio.sleep(0)
        await job_world.clock.advance(2.0)
        found = await job_world.jobs.wait(job.id, Deadline(job_world.clock.now() + 1))
    assert found.state is JobState.DONE


class BreakingQueue(MemoryJobQueue):
    """Fails once, in a way that nobody foresaw."""

    is_broken = True

    async def acknowledge(self, received: Sequence[Received]) -> None:
        if self.is_broken:
            self.is_broken = False
            raise ZeroDivisionError
        await super().acknowledge(received)


async def test_what_nobody_foresaw_does_not_end_the_loop(job_world: JobWorld, caplog: pytest.LogCaptureFixture) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = constant(b"1")
    queue = BreakingQueue(clock=job_world.clock, max_receives=3)
    await queue.enqueue([NewMessage("shop", "poison")])
    loop = JobLoop(queue=queue, worker=job_world.worker, clock=job_world.clock, concurrency=1)
    loop.start()

    async def is_mended() -> bool:
        return not queue.is_broken

    await until(is_mended)
    await asyncio.sleep(0)
    await queue.enqueue([NewMessage("shop", "another")])
    await job_world.clock.advance(1.0)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    assert [one.body for one in await queue.receive(10, visibility_s=1.0)] == []
    assert "Working on jobs failed" in caplog.text
    await loop.close(drain_timeout_s=0.0)
