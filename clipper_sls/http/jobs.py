"""Predictions by way of jobs, and the URL of a job."""

import math

from starlette.requests import Request
from starlette.responses import Response

from clipper_sls.domain.jobs.job import Done, Failed, Job, JobRecord, JobState
from clipper_sls.domain.query import Deadline, DefaultReason, Query, Unanswered
from clipper_sls.domain.records import Application, Mode
from clipper_sls.errors import ClipperError, InvalidSettingError
from clipper_sls.http.answers import JSON, Answer, error_answer
from clipper_sls.http.decode import PredictBody
from clipper_sls.http.encode import encode_batch, encode_single
from clipper_sls.http.encode_job import encode_job, encode_predictions
from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.prefer import RESPOND_ASYNC, Preferences, preferences
from clipper_sls.ports.clock import Clock
from clipper_sls.service.jobs import JobService
from clipper_sls.service.predict import PredictionService

MAX_WAIT_S = 20.0
"""For a job, in one request: no gateway ends a request before that."""

MAX_RETRY_AFTER_S = 30


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
        self._direct_limit_s = direct_limit_s

    def are_wanted(self, application: Application, preferred: Preferences) -> bool:
        """Whether a query of `application` is a job."""
        return preferred.is_async or application.mode is Mode.QUEUE or self._is_too_slow(application)

    async def answer(
        self, application: Application, body: PredictBody, arrived: float, preferred: Preferences
    ) -> Answer:
        """What `are_wanted` was true for. Raises the errors of `JobService.submit`."""
        deadline = Deadline(arrived + application.slo_s)
        query = Query(application.name, application.input_type, body.rows, deadline, body.version)
        if not preferred.is_async and not self._is_too_slow(application):
            return await self._through_queue(application, query, body.is_batch, arrived)
        job = await self._jobs.submit(query, is_batch=body.is_batch)
        if preferred.wait_s:
            record = await self._jobs.wait(job.id, self._until(preferred.wait_s))
            if isinstance(record.outcome, Done):
                return Answer(200, encode_predictions(job, record.outcome), headers=_applied(preferred))
        return Answer(202, encode_job(JobRecord(job)), headers=(*_accepted(job), *_applied(preferred)))

    async def _through_queue(self, application: Application, query: Query, is_batch: bool, arrived: float) -> Answer:
        """The result, or default outputs at the deadline."""
        left_s = max(0.0, query.deadline - self._clock.now())
        job = await self._jobs.submit(query, is_batch=is_batch, expires_in_s=left_s)
        record = await self._jobs.wait(job.id, query.deadline)
        if isinstance(record.outcome, Done):
            predictions = record.outcome.predictions
            self._predictions.answered(application, arrived, predictions)
        else:
            predictions = self._predictions.answers(application, arrived, [_unanswered(record)] * len(query.rows))
        return Answer(200, encode_batch(predictions) if is_batch else encode_single(predictions[0]))

    def _is_too_slow(self, application: Application) -> bool:
        return application.slo_s > self._direct_limit_s

    def _until(self, wait_s: float) -> Deadline:
        return Deadline(self._clock.now() + min(wait_s, MAX_WAIT_S))


class JobRoute:
    """`GET /jobs/{job_id}`."""

    def __init__(self, *, jobs: JobService, clock: Clock) -> None:
        self._jobs = jobs
        self._clock = clock

    async def get(self, request: Request) -> Response:
        answer = await self._answer(request)
        headers = dict(answer.headers) | ({CODE_HEADER: answer.error_code} if answer.error_code else {})
        return Response(answer.body, answer.status, headers, media_type=JSON)

    async def _answer(self, request: Request) -> Answer:
        name = request.path_params["job_id"]
        try:
            wait_s = _wait_s(request)
            if wait_s:
                record = await self._jobs.wait(name, Deadline(self._clock.now() + min(wait_s, MAX_WAIT_S)))
            else:
                record = await self._jobs.status(name)
        except ClipperError as error:
            return error_answer(error)
        headers = (("Cache-Control", "no-store"), *_retry(record, self._clock.wall()))
        return Answer(200, encode_job(record), headers=headers)


def _wait_s(request: Request) -> float:
    """`?wait=` counts before `Prefer: wait=`. Raises InvalidSettingError."""
    given = request.query_params.get("wait")
    if given is None:
        return preferences(request.scope["headers"]).wait_s or 0.0
    try:
        wait_s = float(given)
    except ValueError:
        wait_s = math.nan
    if not 0 <= wait_s < math.inf:
        raise InvalidSettingError(f"wait must be a number of seconds, at most {MAX_WAIT_S:.0f} of which count")
    return wait_s


def _retry(record: JobRecord, wall: float) -> tuple[tuple[str, str], ...]:
    """The longer a job takes, the less there is to be gained by asking often."""
    if record.state is not JobState.QUEUED:
        return ()
    return (("Retry-After", str(min(MAX_RETRY_AFTER_S, max(1, int(wall - record.job.submitted_at))))),)


def _accepted(job: Job) -> tuple[tuple[str, str], ...]:
    return (("Location", f"/jobs/{job.id}"), ("Retry-After", "1"))


def _applied(preferred: Preferences) -> tuple[tuple[str, str], ...]:
    return (("Preference-Applied", RESPOND_ASYNC),) if preferred.is_async else ()


def _unanswered(record: JobRecord) -> Unanswered:
    if isinstance(record.outcome, Failed):
        return Unanswered(DefaultReason.NO_REPLICA, record.outcome.reason)
    return Unanswered(DefaultReason.TIMED_OUT)
