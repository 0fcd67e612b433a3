from collections.abc import Iterator
from pathlib import Path

import pytest

from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.sqlite_job_queue import SqliteJobQueue
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


class TestSqliteJobQueue(JobQueueContract, FairJobQueueContract):
    @pytest.fixture
    def queue(self, clock: ManualClock, tmp_path: Path) -> Iterator[SqliteJobQueue]:
        queue = SqliteJobQueue(tmp_path / "jobs.sqlite3", clock=clock, max_receives=MAX_RECEIVES)
        yield queue
        queue.close()
