import pytest

from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.testing import ManualClock
from clipper_sls.testing.contracts.job_store import JobStoreContract, Wall


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def wall(clock: ManualClock) -> Wall:
    return clock.wall


class TestMemoryJobStore(JobStoreContract):
    @pytest.fixture
    def store(self, clock: ManualClock) -> MemoryJobStore:
        return MemoryJobStore(clock=clock)
