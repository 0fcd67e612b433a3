"""What becomes of messages: done once, tried again, expired, poisoned."""

import asyncio
import itertools

import pytest

from clipper_sls.domain.changes import Delete, Put
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import Done, Failed, Job, JobState
from clipper_sls.domain.jobs.messages import NewMessage, Received
from clipper_sls.domain.query import (
    Deadline,
    DefaultReason,
    OutputJson,
    PackedRow,
    Predicted,
    Prediction,
    Query,
    RowResult,
    Unanswered,
)
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Record, Switch
from clipper_sls.domain.serving import Serving
from clipper_sls.testing.fakes import constant
from clipper_sls.testing.jobs import JobWorld

APP, OTHER = AppName("shop"), AppName("bank")
MODEL = ModelId.of("price", "1")
RECORDS: tuple[Record, ...] = (
    Application(APP, InputType.STRINGS, "none", 100_000),
    Application(OTHER, InputType.STRINGS, "nothing", 100_000),
    ModelVersion(MODEL, InputType.STRINGS, bundle_digest="0" * 64, serving=Serving(is_cached=False), batch_size=100),
    Link(APP, ModelName("price")),
    Link(OTHER, ModelName("price")),
    Current(ModelName("price"), (Switch(Version("1"), 0.0),)),
)


def _upper(row: PackedRow) -> RowResult:
    return Predicted(OutputJson(b'"%b"' % row.upper()))


async def _submit(world: JobWorld, *rows: bytes, app: AppName = APP, version: str | None = None) -> Job:
    query = Query(app, InputType.STRINGS, rows, Deadline(0.0), version)
    return await world.jobs.submit(query, is_batch=len(rows) > 1)


async def _predictions(world: JobWorld, job: Job) -> list[Prediction]:
    outcome = (await world.jobs.status(job.id)).outcome
    assert isinstance(outcome, Done)
    return list(outcome.predictions)


async def _outputs(world: JobWorld, job: Job) -> list[bytes]:
    return [prediction.output for prediction in await _predictions(world, job)]


async def _messages(world: JobWorld) -> list[Received]:
    return list(await world.queue.receive(10, visibility_s=60.0))


async def test_a_job_is_answered_row_by_row(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    job = await _submit(job_world, b"a", b"b")
    assert await job_world.work() == []
    assert await _outputs(job_world, job) == [b'"A"', b'"B"']
    assert list(await _messages(job_world)) == []


async def test_jobs_of_one_version_share_a_batch_whoever_sent_them(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    jobs = [await _submit(job_world, b"a"), await _submit(job_world, b"b", b"c", app=OTHER)]
    await job_world.work()
    assert [len(rows) for _, rows, _ in job_world.invoker.asked] == [3]
    assert [await _outputs(job_world, job) for job in jobs] == [[b'"A"'], [b'"B"', b'"C"']]


async def test_batches_are_no_larger_than_the_version_wants_them(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    job = await _submit(job_world, *(b"%d" % number for number in range(250)))
    await job_world.work()
    assert [len(rows) for _, rows, _ in job_world.invoker.asked] == [100, 100, 50]
    assert await _outputs(job_world, job) == [b'"%d"' % number for number in range(250)]


async def test_rows_that_were_too_large_for_the_message_are_found() -> None:
    world = JobWorld(max_message_bytes=500)
    await world.open(*RECORDS)
    world.invoker.models[MODEL] = _upper
    job = await _submit(world, b"x" * 1_000)
    await world.work()
    assert await _outputs(world, job) == [b'"%b"' % (b"X" * 1_000)]


async def test_a_message_delivered_twice_gives_one_result(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    outputs = itertools.count()
    job_world.invoker.models[MODEL] = lambda row: Predicted(OutputJson(b"%d" % next(outputs)))
    job = await _submit(job_world, b"a")
    messages = await _messages(job_world)
    assert list(await job_world.worker.work([*messages])) == []
    first = await _outputs(job_world, job)
    assert list(await job_world.worker.work([*messages])) == []
    assert await _outputs(job_world, job) == first


async def test_a_message_that_comes_again_after_its_job_is_done_asks_no_model(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    await _submit(job_world, b"a")
    await job_world.worker.work(await _messages(job_world))  # and its acknowledgment is lost
    await job_world.clock.advance(60.0)
    assert await job_world.work() == []
    assert len(job_world.invoker.asked) == 1


async def test_what_the_model_fails_for_is_the_default_output_and_spoils_no_other_row(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = lambda row: (
        Unanswered(DefaultReason.MODEL_FAILED, "bad") if row == b"b" else _upper(row)
    )
    job = await _submit(job_world, b"a", b"b")
    assert await job_world.work() == []
    good, bad = await _predictions(job_world, job)
    assert (good.output, good.unanswered) == (b'"A"', None)
    assert (bad.output, bad.unanswered) == (b'"none"', Unanswered(DefaultReason.MODEL_FAILED, "bad"))


async def test_a_message_that_cannot_be_read_is_buried_and_the_others_are_done(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    await job_world.queue.enqueue([NewMessage("shop", "poison"), NewMessage("shop", '{"schema":1}')])
    job = await _submit(job_world, b"a")
    assert await job_world.work() == []
    assert await _outputs(job_world, job) == [b'"A"']
    letters = await job_world.queue.dead(10)
    assert [letter.body for letter in letters] == ["poison", '{"schema":1}']
    assert all("Not the message of a job" in letter.reason for letter in letters)


async def test_a_job_that_no_replica_answers_is_tried_again_and_given_up_in_the_end(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await _submit(job_world, b"a")
    for _ in range(2):
        assert len(await job_world.work()) == 1
        assert (await job_world.jobs.status(job.id)).state is JobState.QUEUED
    assert await job_world.work() == []
    outcome = (await job_world.jobs.status(job.id)).outcome
    assert isinstance(outcome, Failed)
    assert outcome.code == "job_failed"
    assert outcome.reason == "given up after 3 tries: 1 of 1 rows: no_replica"
    (letter,) = await job_world.queue.dead(10)
    assert letter.reason == outcome.reason


async def test_a_failed_job_is_done_when_it_is_redriven_even_after_its_expiry(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await _submit(job_world, b"a")
    for _ in range(3):
        await job_world.work()
    await job_world.clock.advance(5_000.0)
    job_world.invoker.models[MODEL] = _upper
    assert await job_world.queue.redrive() == 1
    assert await job_world.work() == []
    assert await _outputs(job_world, job) == [b'"A"']


async def test_a_job_that_a_replica_answers_at_the_second_try_is_done(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await _submit(job_world, b"a")
    await job_world.work()
    job_world.invoker.models[MODEL] = _upper
    assert await job_world.work() == []
    assert await _outputs(job_world, job) == [b'"A"']


async def test_an_expired_job_is_dropped_and_no_model_is_asked(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    job = await _submit(job_world, b"a")
    await job_world.clock.advance(600.0)
    assert await job_world.work() == []
    assert (await job_world.jobs.status(job.id)).state is JobState.EXPIRED
    assert job_world.invoker.asked == []


async def test_rows_are_due_at_the_expiry_of_their_job_and_the_end_of_the_worker(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    now = job_world.clock.now()
    await _submit(job_world, b"a")
    await job_world.worker.work(await _messages(job_world), Deadline(now + 10))
    await _submit(job_world, b"b")
    await job_world.clock.advance(595.0)
    await job_world.work()
    assert [deadline for *_, deadline in job_world.invoker.asked] == [now + 10, now + 600]


async def test_a_worker_without_time_leaves_everything_to_be_delivered_again(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    await _submit(job_world, b"a")
    messages = await _messages(job_world)
    again = await job_world.worker.work(messages, Deadline(job_world.clock.now()))
    assert list(again) == [one.message_id for one in messages]
    assert job_world.invoker.asked == []


async def test_without_a_linked_model_a_job_has_the_default_output(job_world: JobWorld) -> None:
    await job_world.open(RECORDS[0])
    job = await _submit(job_world, b"a")
    assert await job_world.work() == []
    (prediction,) = await _predictions(job_world, job)
    assert (prediction.output, prediction.unanswered) == (b'"none"', Unanswered(DefaultReason.NO_MODEL_LINKED))


async def test_a_job_without_rows_has_no_predictions(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await _submit(job_world)
    assert await job_world.work() == []
    assert await _predictions(job_world, job) == []


async def test_a_job_of_a_pinned_version_is_answered_by_that(job_world: JobWorld) -> None:
    second = ModelVersion(ModelId.of("price", "2"), InputType.STRINGS, bundle_digest="1" * 64)
    await job_world.open(*RECORDS, second)
    job_world.invoker.models = {MODEL: constant(b"1"), second.id: constant(b"2")}
    jobs = [await _submit(job_world, b"a"), await _submit(job_world, b"a", version="2")]
    await job_world.work()
    assert [await _outputs(job_world, job) for job in jobs] == [[b"1"], [b"2"]]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ([Delete(RECORDS[0])], "not_served"),
        ([Put(Application(APP, InputType.BYTES, "none", 100_000))], "incompatible_input_type"),
        ([Delete(RECORDS[2])], "requested_version_unknown"),
    ],
)
async def test_a_job_whose_surroundings_changed_fails_and_says_why(
    job_world: JobWorld, changes: list[Put | Delete], code: str
) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    job = await _submit(job_world, b"a", version="1")
    await job_world.registered.commit(lambda _: changes)
    assert await job_world.work() == []
    outcome = (await job_world.jobs.status(job.id)).outcome
    assert isinstance(outcome, Failed)
    assert outcome.code == code


async def test_a_worker_reads_the_registry_again_before_it_says_that_something_is_unknown(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    new = Application(AppName("new"), InputType.STRINGS, "none", 100_000)
    job = await _submit(job_world, b"a", app=AppName("new"))
    await job_world.registry.commit([Put(new), Put(Link(new.name, ModelName("price")))], 1)  # by another process
    assert await job_world.work() == []
    assert await _outputs(job_world, job) == [b'"A"']


async def test_what_nobody_foresaw_in_one_job_does_not_stop_the_others(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)

    def model(row: PackedRow) -> RowResult:
        if row == b"boom":
            raise ZeroDivisionError
        return _upper(row)

    job_world.invoker.models = {MODEL: model, ModelId.of("other", "1"): _upper}
    await _submit(job_world, b"boom")
    assert len(await job_world.work()) == 1


async def test_a_store_that_fails_is_a_reason_to_try_again(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    job = await _submit(job_world, b"a")
    job_world.store.failures = 1
    assert len(await job_world.work()) == 1
    assert await job_world.work() == []
    assert await _outputs(job_world, job) == [b'"A"']


async def test_a_job_that_the_worker_had_no_time_for_is_not_given_up_after_the_last_try(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job_world.invoker.models[MODEL] = _upper
    job = await _submit(job_world, b"a")
    (message,) = await _messages(job_world)
    last = Received(message.message_id, message.receipt, message.body, job_world.max_tries)
    again = await job_world.worker.work([last], Deadline(job_world.clock.now()))
    assert list(again) == [message.message_id]
    assert (await job_world.jobs.status(job.id)).state is JobState.QUEUED
    assert list(await job_world.queue.dead(10)) == []


async def test_a_message_whose_job_has_a_result_by_now_is_no_dead_letter(job_world: JobWorld) -> None:
    await job_world.open(*RECORDS)
    job = await _submit(job_world, b"a")  # and no replica answers
    (message,) = await _messages(job_world)
    last = Received(message.message_id, message.receipt, message.body, job_world.max_tries)

    def answered_elsewhere(row: PackedRow) -> RowResult:
        done = Done([Prediction(1, OutputJson(b"1"))])
        job_world.invoker.models.pop(MODEL)
        elsewhere.append(asyncio.ensure_future(job_world.jobs.finish(job.id, done)))
        return Unanswered(DefaultReason.NO_REPLICA)

    elsewhere: list[asyncio.Future[bool]] = []
    job_world.invoker.models[MODEL] = answered_elsewhere
    assert list(await job_world.worker.work([last])) == []
    assert await elsewhere[0]
    assert list(await job_world.queue.dead(10)) == []
    assert (await job_world.jobs.status(job.id)).state is JobState.DONE
