"""Predictions by way of jobs. Imports no framework, for the sake of cold starts."""

import math

from clipper_sls.domain.jobs.job import Done, Failed, Job, JobRecord
from clipper_sls.domain.query import Deadline, DefaultReason, Query, Unanswered
from clipper_sls.domain.records import Application, Mode
from clipper_sls.http.answers import Answer
from clipper_sls.http.decode import PredictBody
from clipper_sls.http.encode import encode_batch, encode_single
from clipper_sls.http.encode_job import encode_job, encode_predictions
from clipper_sls.http.prefer import RESPOND_ASYNC, Preferences
from clipper_sls.ports.clock import Clock
from clipper_sls.service.jobs import JobService
from clipper_sls.service.predict import PredictionService

MAX_WAIT_S = 20.0
"""For a job, in one request: no gateway ends a request before that."""

NEVER = Deadline(math.inf)
_QUEUE = Mode.QUEUE  # found faster than in its class


class JobPredictions:
    """What a query gets that is not asked of its model at once.

    An application whose objective is above `direct_limit_s` has all of its queries made jobs: whatever is in front of
    this would not wait so long for an answer.
    """

    def __init__(
        self, *, jobs: JobService, predictions: PredictionService, clock: Clock, direct_limit_s: float = math.inf
    ) -> None:
        self._jobs = jobs
        self._predictions = predictions
        self._clock = clock
        self._direct_limit_micros = direct_limit_s * 1e6

    def are_wanted(self, application: Application, preferred: Preferences) -> bool:
        """Whether a query of `application` is a job."""
        return preferred.is_async or application.mode is _QUEUE or self._is_too_slow(application)

    async def answer(
        self,
        application: Application,
        body: PredictBody,
        arrived: float,
        preferred: Preferences,
        latest: Deadline = NEVER,
    ) -> Answer:
        """What `are_wanted` was true for, by `latest`. Raises the errors of `JobService.submit`."""
        deadline = Deadline(min(latest, arrived + application.slo_s))
        query = Query(application.name, application.input_type, body.rows, deadline, body.version)
        if not preferred.is_async and not self._is_too_slow(application):
            return await self._through_queue(application, query, body.is_batch, arrived)
        job = await self._jobs.submit(query, is_batch=body.is_batch)
        if preferred.wait_s:
            record = await self._jobs.wait(job.id, min(latest, self._until(preferred.wait_s)))
            if isinstance(record.outcome, Done):
                return Answer(200, encode_predictions(job, record.outcome), headers=_applied(preferred))
        return Answer(202, encode_job(JobRecord(job)), headers=(*_accepted(job), *_applied(preferred)))

    async def _through_queue(self, application: Application, query: Query, is_batch: bool, arrived: float) -> Answer:
        """The result, or default outputs at the deadline."""
        left_s = max(0.0, query.deadline - self._clock.now())
        job = await self._jobs.submit(query, is_batch=is_batch, expires_in_s=left_s)
        record = await self._jobs.wait(job.id, query.deadline, may_ask_again=False)
        if isinstance(record.outcome, Done):
            predictions = record.outcome.predictions
            self._predictions.answered(application, arrived, predictions)
        else:
            predictions = self._predictions.answers(application, arrived, [_unanswered(record)] * len(query.rows))
        return Answer(200, encode_batch(predictions) if is_batch else encode_single(predictions[0]))

    def _is_too_slow(self, application: Application) -> bool:
        return application.slo_micros > self._direct_limit_micros

    def _until(self, wait_s: float) -> Deadline:
        return Deadline(self._clock.now() + min(wait_s, MAX_WAIT_S))


def _accepted(job: Job) -> tuple[tuple[str, str], ...]:
    return (("Location", f"/jobs/{job.id}"), ("Retry-After", "1"))


def _applied(preferred: Preferences) -> tuple[tuple[str, str], ...]:
    return (("Preference-Applied", RESPOND_ASYNC),) if preferred.is_async else ()


def _unanswered(record: JobRecord) -> Unanswered:
    if isinstance(record.outcome, Failed):
        return Unanswered(DefaultReason.NO_REPLICA, record.outcome.reason)
    return Unanswered(DefaultReason.TIMED_OUT)
