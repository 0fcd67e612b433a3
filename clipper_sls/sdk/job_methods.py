"""The methods of `ClipperConnection` about jobs: queries that are answered later."""

from collections.abc import Mapping
from typing import Any

from clipper_sls.sdk.connected import Connected
from clipper_sls.sdk.management_client import Answer

HOUR_S = 3_600.0


class JobMethods(Connected):
    """Every method raises UnconnectedException without a connection, and ClipperException when the engine refuses."""

    def submit(self, app_name: str, query: Mapping[str, Any]) -> str:
        """Ask an application for predictions that are made later; the job's id.

        `query` is the body of a predict request: `{"input": ...}` or `{"input_batch": [...]}`, with a `version` or not.
        Once this returns, the job survives a crash of the cluster.
        """
        self._check_connected()
        return str(self.cm.queries.submit(app_name, query)["job_id"])

    def get_job(self, job_id: str, wait_s: float = 0.0) -> Answer:
        """The job as it is now, or as soon as something has become of it, after `wait_s` (at most 20 s) at the latest.

        Its `status` is queued, done, expired or failed; one that is done has all that a prediction answers, too.
        """
        self._check_connected()
        return self.cm.queries.job(job_id, wait_s)

    def wait_for_job(self, job_id: str, timeout_s: float = HOUR_S) -> Answer:
        """The job once it is done. Raises JobExpiredError, JobFailedError, or PredictionTimeoutError after a while."""
        self._check_connected()
        return self.cm.queries.job_done(job_id, timeout_s)

    def get_dead_jobs(self, limit: int = 100) -> list[Answer]:
        """Messages of jobs that were given up, and why."""
        return self._management.get_dead_jobs(limit)

    def redrive_dead_jobs(self) -> int:
        """Try all of them again; returns how many there are."""
        return self._management.redrive_dead_jobs()

    def purge_dead_jobs(self) -> int:
        """Forget all of them; returns how many there were."""
        return self._management.purge_dead_jobs()
