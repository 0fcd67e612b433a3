"""Messages twice, out of order, poisoned, and a store that fails: each job has one result, none is lost."""

import random
from collections.abc import Callable

import pytest

from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import Done, Job, JobId, Outcome
from clipper_sls.domain.jobs.messages import NewMessage, Received
from clipper_sls.domain.query import Deadline, DefaultReason, OutputJson, Predicted, Query, RowResult, Unanswered
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, Record, Switch
from clipper_sls.testing.jobs import JobWorld

JOBS, POISONED, DUPLICATES = 1_000, 10, 50
MODEL = ModelId.of("price", "1")
APPS = [AppName(f"app-{number}") for number in range(3)]
RECORDS: tuple[Record, ...] = (
    *(Application(app, InputType.STRINGS, "none", 100_000) for app in APPS),
    ModelVersion(MODEL, InputType.STRINGS, bundle_digest="0" * 64),
    *(Link(app, ModelName("price")) for app in APPS),
    Current(ModelName("price"), (Switch(Version("1"), 0.0),)),
)
SOMETIMES = 0.05


def _flaky(chance: random.Random) -> Callable[[bytes], RowResult]:
    """Overloaded now and then; else it answers who asked, and which time that was."""
    count = 0

    def model(row: bytes) -> RowResult:
        nonlocal count
        count += 1
        if chance.random() < SOMETIMES:
            return Unanswered(DefaultReason.OVERLOADED)
        return Predicted(OutputJson(b'"%b at %d"' % (row, count)))

    return model


async def _submit(world: JobWorld, chance: random.Random) -> dict[JobId, Job]:
    jobs = {}
    for number in range(JOBS):
        query = Query(chance.choice(APPS), InputType.STRINGS, [b"row %d" % number], Deadline(0.0))
        job = await world.jobs.submit(query, is_batch=False)
        jobs[job.id] = job
    await world.queue.enqueue([NewMessage(str(APPS[0]), f"poison {number}") for number in range(POISONED)])
    return jobs


async def _disturbed(world: JobWorld, messages: list[Received], chance: random.Random) -> None:
    """One round of a worker whose acknowledgments are lost now and then, and whose store fails now and then."""
    chance.shuffle(messages)
    world.store.failures = 2 if chance.random() < SOMETIMES else 0
    again = set(await world.worker.work(messages))
    world.store.failures = 0
    done = [one for one in messages if one.message_id not in again]
    lost = [one for one in done if chance.random() < SOMETIMES]
    await world.queue.acknowledge([one for one in done if one not in lost])
    await world.queue.release([*lost, *(one for one in messages if one.message_id in again)])


async def _outcomes(world: JobWorld, jobs: dict[JobId, Job]) -> dict[JobId, Outcome | None]:
    return {job_id: (await world.jobs.status(job_id)).outcome for job_id in jobs}


@pytest.mark.parametrize("seed", range(3))
async def test_every_job_has_one_result_and_every_poisoned_message_is_a_dead_letter(seed: int) -> None:
    chance = random.Random(seed)
    world = JobWorld(max_tries=50)
    world.invoker.models[MODEL] = _flaky(chance)
    await world.open(*RECORDS)
    jobs = await _submit(world, chance)
    copied = list(await world.queue.receive(10, visibility_s=0.0)) * (DUPLICATES // 10)
    await world.queue.enqueue([NewMessage(str(APPS[1]), one.body) for one in copied])
    first: dict[JobId, Outcome] = {}
    while messages := list(await world.queue.receive(10, visibility_s=60.0)):
        await _disturbed(world, messages, chance)
        for job_id, outcome in (await _outcomes(world, jobs)).items():
            if outcome is not None:
                assert first.setdefault(job_id, outcome) == outcome, "a result that was told is told again"
    assert len(first) == JOBS
    assert all(isinstance(outcome, Done) for outcome in first.values())
    letters = await world.queue.dead(JOBS)
    assert sorted(letter.body for letter in letters) == sorted(f"poison {number}" for number in range(POISONED))
