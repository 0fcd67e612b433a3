"""What every job store must do. A subclass has the fixtures `store`, and `wall`, which reads the clock it goes by."""

import asyncio
import secrets
from collections.abc import Callable

import pytest

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.jobs.job import JOB_ID_BYTES, Done, Expired, Failed, Job, JobId, JobState, Outcome, job_id
from clipper_sls.domain.query import DefaultReason, OutputJson, Prediction, Unanswered
from clipper_sls.ports.job_store import JobStore

HOUR_S = 3600.0

DONE = Done(
    [
        Prediction(1_700_000_000_000_001, OutputJson(b'{"label":"\xc3\xa9","score":0.5}')),
        Prediction(2, OutputJson(b'"default"'), Unanswered(DefaultReason.MODEL_FAILED, 'ValueError: "x"')),
        Prediction(3, OutputJson(b"null"), Unanswered(DefaultReason.TIMED_OUT)),
    ]
)
OUTCOMES: tuple[Outcome, ...] = (DONE, Done([]), Expired(), Failed("no_replica", "3 of 3 rows: no_replica"))

Wall = Callable[[], float]


def new_job(wall: float, *, forget_in_s: float = HOUR_S) -> Job:
    """A job that came at `wall`."""
    return Job(
        job_id(secrets.token_bytes(JOB_ID_BYTES)),
        AppName("shop"),
        is_batch=True,
        row_count=3,
        submitted_at=wall,
        expires_at=wall + 60.25,
        forget_at=wall + forget_in_s,
    )


class JobStoreContract:
    async def test_a_new_job_is_queued_and_comes_back_as_it_was(self, store: JobStore, wall: Wall) -> None:
        job = new_job(wall())
        await store.create(job)
        found = await store.read(job.id)
        assert found is not None
        assert (found.job, found.state, found.outcome) == (job, JobState.QUEUED, None)

    async def test_an_unknown_job_is_none(self, store: JobStore) -> None:
        unknown = JobId("0" * 32)
        assert await store.read(unknown) is None
        assert await store.content(unknown) is None
        assert not await store.finish(unknown, DONE, finished_at=1.0, forget_at=4e9)
        assert await store.read(unknown) is None

    @pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: type(outcome).__name__)
    async def test_an_outcome_comes_back_as_it_was(self, store: JobStore, wall: Wall, outcome: Outcome) -> None:
        job = new_job(wall())
        await store.create(job)
        now = wall()
        assert await store.finish(job.id, outcome, finished_at=now, forget_at=now + HOUR_S)
        found = await store.read(job.id)
        assert found is not None
        assert (found.outcome, found.finished_at, found.job.application) == (outcome, now, job.application)

    async def test_the_first_result_wins(self, store: JobStore, wall: Wall) -> None:
        job = new_job(wall())
        await store.create(job)
        later = wall() + HOUR_S
        assert await store.finish(job.id, DONE, finished_at=1.0, forget_at=later)
        for outcome in OUTCOMES[1:]:
            assert not await store.finish(job.id, outcome, finished_at=2.0, forget_at=later)
        found = await store.read(job.id)
        assert found is not None
        assert (found.outcome, found.finished_at) == (DONE, 1.0)

    async def test_a_failure_is_replaced_by_a_result_and_by_no_other_failure(self, store: JobStore, wall: Wall) -> None:
        job = new_job(wall())
        await store.create(job)
        later = wall() + HOUR_S
        assert await store.finish(job.id, Failed("no_replica", "first"), finished_at=1.0, forget_at=later)
        assert not await store.finish(job.id, Failed("no_replica", "second"), finished_at=2.0, forget_at=later)
        assert await store.finish(job.id, DONE, finished_at=3.0, forget_at=later)
        found = await store.read(job.id)
        assert found is not None
        assert found.outcome == DONE

    async def test_of_many_results_at_once_exactly_one_wins(self, store: JobStore, wall: Wall) -> None:
        job = new_job(wall())
        await store.create(job)
        outcomes = [Done([Prediction(number, OutputJson(b"1"))]) for number in range(10)]
        won = await asyncio.gather(
            *(store.finish(job.id, one, finished_at=1.0, forget_at=wall() + HOUR_S) for one in outcomes)
        )
        found = await store.read(job.id)
        assert found is not None
        assert [one for one, is_kept in zip(outcomes, won, strict=True) if is_kept] == [found.outcome]

    async def test_content_comes_back_as_it_was(self, store: JobStore, wall: Wall) -> None:
        with_content, without = new_job(wall()), new_job(wall())
        content = secrets.token_bytes(3_000_000)
        await store.create(with_content, content)
        await store.create(without)
        assert await store.content(with_content.id) == content
        assert await store.content(without.id) is None

    async def test_a_large_result_comes_back_as_it_was(self, store: JobStore, wall: Wall) -> None:
        job = new_job(wall())
        await store.create(job)
        outcome = Done([Prediction(number, OutputJson(b'"%b"' % (b"x" * 300))) for number in range(3_000)])
        assert await store.finish(job.id, outcome, finished_at=1.0, forget_at=wall() + HOUR_S)
        found = await store.read(job.id)
        assert found is not None
        assert found.outcome == outcome

    async def test_a_job_that_is_too_old_is_gone(self, store: JobStore, wall: Wall) -> None:
        job = new_job(wall() - 2 * HOUR_S, forget_in_s=HOUR_S)
        await store.create(job, b"rows")
        assert await store.read(job.id) is None
        assert await store.content(job.id) is None
        assert not await store.finish(job.id, DONE, finished_at=1.0, forget_at=wall() + HOUR_S)

    async def test_a_result_is_kept_as_long_as_it_was_said(self, store: JobStore, wall: Wall) -> None:
        forgotten, kept = new_job(wall()), new_job(wall())
        for job in (forgotten, kept):
            await store.create(job)
        assert await store.finish(forgotten.id, DONE, finished_at=1.0, forget_at=wall() - 1)
        assert await store.finish(kept.id, DONE, finished_at=1.0, forget_at=wall() + HOUR_S)
        assert await store.read(forgotten.id) is None
        assert await store.read(kept.id) is not None
