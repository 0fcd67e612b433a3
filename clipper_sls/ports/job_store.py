"""Where jobs and their results are kept."""

from typing import Protocol

from clipper_sls.domain.jobs.job import Job, JobId, JobRecord, Outcome


class JobStore(Protocol):
    """Durable once a method returns. Every method may raise StoreUnavailableError."""

    async def create(self, job: Job, content: bytes | None = None) -> None:
        """Keep a new job, and its rows where they do not fit into a message. May raise StorageFullError."""
        ...

    async def read(self, job_id: JobId) -> JobRecord | None:
        """As it is now, and after a `finish` never as it was before; None for one that is unknown or too old.

        A job is too old from its `forget_at` on, or from that of its last `finish`, whether or not it is removed yet.
        """
        ...

    async def content(self, job_id: JobId) -> bytes | None:
        """What `create` was given; None where that was nothing, or the job is gone. Kept until the job is too old."""
        ...

    async def finish(self, job_id: JobId, outcome: Outcome, *, finished_at: float, forget_at: float) -> bool:
        """Keep `outcome` if it `counts` by `domain.jobs.job`, all of it or nothing; whether it was kept.

        Of several at one time one wins. False for a job that is gone. May raise StorageFullError.
        """
        ...
