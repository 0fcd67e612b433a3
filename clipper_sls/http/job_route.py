"""The URL of a job."""

import math

from starlette.requests import Request
from starlette.responses import Response

from clipper_sls.domain.jobs.job import JobRecord, JobState
from clipper_sls.domain.query import Deadline
from clipper_sls.errors import ClipperError, InvalidSettingError
from clipper_sls.http.answers import JSON, Answer, error_answer
from clipper_sls.http.encode_job import encode_job
from clipper_sls.http.error_map import CODE_HEADER
from clipper_sls.http.jobs import MAX_WAIT_S
from clipper_sls.http.prefer import preferences
from clipper_sls.ports.clock import Clock
from clipper_sls.service.jobs import JobService

MAX_RETRY_AFTER_S = 30


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
