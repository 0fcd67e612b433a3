"""Jobs and their results in this process' memory: for tests, and for whatever need not survive."""

from msgspec.structs import replace

from clipper_sls.domain.jobs.job import Job, JobId, JobRecord, Outcome, counts
from clipper_sls.ports.clock import Clock


class MemoryJobStore:
    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._records: dict[JobId, JobRecord] = {}
        self._contents: dict[JobId, bytes] = {}

    async def create(self, job: Job, content: bytes | None = None) -> None:
        self._records[job.id] = JobRecord(job)
        if content is not None:
            self._contents[job.id] = content

    async def read(self, job_id: JobId) -> JobRecord | None:
        found = self._records.get(job_id)
        return found if found is not None and self._clock.wall() < found.job.forget_at else None

    async def content(self, job_id: JobId) -> bytes | None:
        return self._contents.get(job_id) if await self.read(job_id) is not None else None

    async def finish(self, job_id: JobId, outcome: Outcome, *, finished_at: float, forget_at: float) -> bool:
        found = await self.read(job_id)
        if found is None or not counts(outcome, found.outcome):
            return False
        self._records[job_id] = JobRecord(replace(found.job, forget_at=forget_at), outcome, finished_at)
        return True
