from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from clipper_sls.adapters.aws.dynamodb.job_store import DynamoJobStore
from clipper_sls.adapters.aws.dynamodb.tables import JOBS
from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.adapters.local.sqlite_job_store import SqliteJobStore
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.ports.job_store import JobStore
from clipper_sls.testing import ManualClock
from clipper_sls.testing.contracts.job_store import JobStoreContract, Wall
from clipper_sls.testing.dynamodb import MakeTable


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


class TestDynamoJobStore(JobStoreContract):
    @pytest.fixture
    def wall(self) -> Wall:
        return SystemClock().wall

    @pytest.fixture
    def store(self, new_table: MakeTable) -> DynamoJobStore:
        return DynamoJobStore(new_table(JOBS), clock=SystemClock(), new_id=lambda: uuid4().hex)

    async def test_of_many_results_at_once_exactly_one_wins(
        self, store: JobStore, wall: Wall, dynamodb_url: str, request: pytest.FixtureRequest
    ) -> None:
        if dynamodb_url == request.getfixturevalue("shared_moto").url:
            pytest.skip(
                "NOT TESTED HERE: moto's UpdateItem takes no lock, so the conditions of two may hold at one time"
            )
        await super().test_of_many_results_at_once_exactly_one_wins(store, wall)
