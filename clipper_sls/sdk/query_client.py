"""The predict URL, and the URL of a job, as typed calls."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import quote

from clipper_sls.errors import PredictionTimeoutError
from clipper_sls.job_errors import JobExpiredError, JobFailedError
from clipper_sls.sdk.http_client import HttpClient
from clipper_sls.sdk.management_client import Answer

MAX_WAIT_S = 20.0
"""In one request."""


@dataclass(frozen=True, slots=True)
class QueryClient:
    """Raises any ClipperError: the engine's, RequestFailedError or UnconnectedError."""

    http: HttpClient

    def predict(self, app: str, body: Mapping[str, Any]) -> Answer:
        """`body` is `{"input": ...}` or `{"input_batch": [...]}`, with a `version` or without."""
        return cast("Answer", self.http.post(_predict_path(app), body).json())

    def submit(self, app: str, body: Mapping[str, Any]) -> Answer:
        """As `predict`, but to be answered later: the new job."""
        return cast("Answer", self.http.post(_predict_path(app), body, headers={"Prefer": "respond-async"}).json())

    def job(self, job_id: str, wait_s: float = 0.0) -> Answer:
        """A job as it is now, or as soon as it is done, after `wait_s` at the latest. Raises UnknownJobError.

        No engine waits for more than `MAX_WAIT_S` at one time.
        """
        wait = f"?wait={wait_s:g}" if wait_s else ""
        return cast("Answer", self.http.get(f"/jobs/{quote(job_id, safe='')}{wait}").json())

    def job_done(self, job_id: str, timeout_s: float) -> Answer:
        """A job once it is done.

        Raises JobExpiredError or JobFailedError when it never will be, PredictionTimeoutError when it is not by then.
        """
        left_s = timeout_s
        while True:
            wait_s = min(MAX_WAIT_S, left_s)
            job = self.job(job_id, wait_s)
            if job["status"] != "queued":
                return _done(job)
            left_s -= wait_s
            if left_s <= 0:
                raise PredictionTimeoutError(f"Job {job_id} was not done after {timeout_s:g} s; it is still queued")


def _predict_path(app: str) -> str:
    return f"/{quote(app, safe='')}/predict"


def _done(job: Answer) -> Answer:
    if job["status"] == "expired":
        raise JobExpiredError(f"Job {job['job_id']} expired: {job['cause']}")
    if job["status"] == "failed":
        raise JobFailedError(f"Job {job['job_id']} failed: {job['cause']} ({job['code']})")
    return job
