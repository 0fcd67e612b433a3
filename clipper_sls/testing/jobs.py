"""Fakes for jobs."""

from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.domain.jobs.job import JobId, Outcome
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock


class UnreliableJobStore(MemoryJobStore):
    """Loses its next `failures` results, and says so."""

    def __init__(self, *, clock: Clock) -> None:
        super().__init__(clock=clock)
        self.failures = 0

    async def finish(self, job_id: JobId, outcome: Outcome, *, finished_at: float, forget_at: float) -> bool:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailableError("The store of jobs is away")
        return await super().finish(job_id, outcome, finished_at=finished_at, forget_at=forget_at)
