import asyncio

import pytest

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import Done, Expired, Failed, JobState
from clipper_sls.domain.jobs.messages import read_message, unpack_rows
from clipper_sls.domain.query import Deadline, OutputJson, Prediction, Query
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Record, Switch
from clipper_sls.errors import RequestedVersionError
from clipper_sls.job_errors import UnknownJobError
from clipper_sls.service.jobs import DEAD_FOR_S, GRACE_S
from clipper_sls.testing.jobs import JobWorld

APP = AppName("shop")
RECORDS: tuple[Record, ...] = (
    Application(APP, InputType.STRINGS, "none", 100_000),
    ModelVersion(ModelId.of("price", "1"), InputType.STRINGS),
    Link(APP, ModelName("price")),
    Current(ModelName("price"), (Switch(Version("1"), 0.0),)),
)
DONE = Done([Prediction(1, OutputJson(b"1"))])


def _query(*rows: bytes, version: str | None = None) -> Query:
    return Query(APP, InputType.STRINGS, rows, Deadline(0.0), version)


async def test_a_job_is_kept_and_its_message_waits_in_the_group_of_its_application(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await job_world.jobs.submit(_query(b"a", b"b", version="1"), is_batch=True)
    assert (await job_world.jobs.status(job.id)).state is JobState.QUEUED
    (received,) = await job_world.queue.receive(10, visibility_s=1.0)
    message = read_message(received.body)
    assert (message.job_id, message.rows, message.version) == (job.id, [b"a", b"b"], "1")
    assert message.expires_at == job.expires_at == job_world.clock.wall() + 600.0
    assert (job.is_batch, job.row_count) == (True, 2)


async def test_rows_too_large_for_a_message_are_kept_with_the_job() -> None:
    world = JobWorld(max_message_bytes=1_000)
    await world.open(*RECORDS)
    job = await world.jobs.submit(_query(b"x" * 2_000), is_batch=False)
    (received,) = await world.queue.receive(10, visibility_s=1.0)
    assert read_message(received.body).rows is None
    content = await world.jobs.content(job.id)
    assert content is not None
    assert unpack_rows(content) == [b"x" * 2_000]


async def test_a_job_that_pins_an_unknown_version_is_refused_at_once(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    with pytest.raises(RequestedVersionError):
        await job_world.jobs.submit(_query(b"a", version="9"), is_batch=False)
    assert list(await job_world.queue.receive(10, visibility_s=1.0)) == []


@pytest.mark.parametrize("name", ["", "0" * 32, "../secret", "x" * 500])
async def test_a_job_that_nobody_submitted_is_unknown(job_world: JobWorld, name: str) -> None:
    await job_world.open(*RECORDS)
    with pytest.raises(UnknownJobError):
        await job_world.jobs.status(name)
    with pytest.raises(UnknownJobError):
        await job_world.jobs.wait(name, Deadline(job_world.clock.now() + 10))


async def test_a_job_past_its_expiry_has_expired_for_good(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await job_world.jobs.submit(_query(b"a"), is_batch=False)
    await job_world.clock.advance(600.0)
    assert (await job_world.jobs.status(job.id)).state is JobState.QUEUED
    await job_world.clock.advance(GRACE_S)
    assert (await job_world.jobs.status(job.id)).outcome == Expired()
    assert not await job_world.jobs.finish(job.id, DONE)
    assert (await job_world.jobs.status(job.id)).outcome == Expired()


async def test_a_result_is_forgotten_after_its_time_and_a_failure_later(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    done = await job_world.jobs.submit(_query(b"a"), is_batch=False)
    failed = await job_world.jobs.submit(_query(b"b"), is_batch=False)
    assert await job_world.jobs.finish(done.id, DONE)
    assert await job_world.jobs.finish(failed.id, Failed("job_failed", "no replica"))
    await job_world.clock.advance(86_400.0)
    with pytest.raises(UnknownJobError):
        await job_world.jobs.status(done.id)
    assert (await job_world.jobs.status(failed.id)).state is JobState.FAILED
    await job_world.clock.advance(DEAD_FOR_S)
    with pytest.raises(UnknownJobError):
        await job_world.jobs.status(failed.id)


async def test_who_waits_is_told_as_soon_as_there_is_a_result(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await job_world.jobs.submit(_query(b"a"), is_batch=False)
    waiting = asyncio.create_task(job_world.jobs.wait(job.id, Deadline(job_world.clock.now() + 10)))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not waiting.done()
    await job_world.jobs.finish(job.id, DONE)
    assert (await waiting).outcome == DONE


async def test_who_waits_is_told_in_the_end_that_there_is_no_result(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await job_world.jobs.submit(_query(b"a"), is_batch=False)
    waiting = asyncio.create_task(job_world.jobs.wait(job.id, Deadline(job_world.clock.now() + 10)))
    for _ in range(3):
        await asyncio.sleep(0)
    await job_world.clock.advance(10.0)
    assert (await waiting).state is JobState.QUEUED


async def test_at_the_end_nobody_waits_who_can_ask_again(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await job_world.jobs.submit(_query(b"a"), is_batch=False)
    until = Deadline(job_world.clock.now() + 10)
    can_ask = asyncio.create_task(job_world.jobs.wait(job.id, until))
    cannot = asyncio.create_task(job_world.jobs.wait(job.id, until, may_ask_again=False))
    await asyncio.sleep(0)
    job_world.jobs.end_waits()
    assert (await can_ask).state is JobState.QUEUED
    assert (await job_world.jobs.wait(job.id, until)).state is JobState.QUEUED
    assert not cannot.done()
    await job_world.jobs.finish(job.id, DONE)
    assert (await cannot).outcome == DONE
