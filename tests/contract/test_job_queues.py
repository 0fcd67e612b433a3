import pytest

from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.testing import ManualClock
from clipper_sls.testing.contracts.job_queue import MAX_RECEIVES, FairJobQueueContract, JobQueueContract, LetPass


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def let_pass(clock: ManualClock) -> LetPass:
    return clock.advance


class TestMemoryJobQueue(JobQueueContract, FairJobQueueContract):
    @pytest.fixture
    def queue(self, clock: ManualClock) -> MemoryJobQueue:
        return MemoryJobQueue(clock=clock, max_receives=MAX_RECEIVES)
