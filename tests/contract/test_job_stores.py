from collections.abc import Iterator
from pathlib import Path

import pytest

from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.adapters.local.sqlite_job_store import SqliteJobStore
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


class TestSqliteJobStore(JobStoreContract):
    @pytest.fixture
    def store(self, clock: ManualClock, tmp_path: Path) -> Iterator[SqliteJobStore]:
        store = SqliteJobStore(tmp_path / "jobs.sqlite3", clock=clock)
        yield store
        store.close()
