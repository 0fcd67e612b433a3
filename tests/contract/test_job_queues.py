import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from clipper_sls.adapters.aws.client import AwsClient
from clipper_sls.adapters.aws.sqs.dead_letters import SqsDeadLetters
from clipper_sls.adapters.aws.sqs.job_queue import SqsJobQueue
from clipper_sls.adapters.aws.sqs.queue import SqsQueue
from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.sqlite_job_queue import SqliteJobQueue
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.testing import ManualClock
from clipper_sls.testing.contracts.job_queue import MAX_RECEIVES, FairJobQueueContract, JobQueueContract, LetPass
from clipper_sls.testing.dynamodb import aws_client
from clipper_sls.testing.sqs import QueueNames, sqs_queues


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def let_pass(clock: ManualClock) -> LetPass:
    return clock.advance


class BothPorts(SqsJobQueue):
    """The queue and its dead letters as one, which is how the suite sees them."""

    def __init__(self, client: AwsClient, names: QueueNames) -> None:
        queue, dead_letters = (
            SqsQueue(client, name, clock=SystemClock(), limit_s=20) for name in (names.queue, names.dead_letters)
        )
        super().__init__(queue, dead_letters, least_wait_s=0)
        letters = SqsDeadLetters(dead_letters, queue, max_receives=MAX_RECEIVES, least_wait_s=0)
        self.dead, self.redrive, self.purge = letters.dead, letters.redrive, letters.purge


class TestSqsJobQueue(JobQueueContract):
    """Groups are not looked at: SQS is fair under load alone, and those who stand for it are not."""

    @pytest.fixture
    def let_pass(self) -> LetPass:
        async def pass_really(seconds: float) -> None:
            await asyncio.sleep(seconds + 0.1)

        return pass_really

    @pytest.fixture(params=["ministack", "moto"])
    async def queue(self, request: pytest.FixtureRequest) -> AsyncIterator[BothPorts]:
        url = request.getfixturevalue(f"shared_{request.param}").url
        with sqs_queues(url, max_receives=MAX_RECEIVES) as names:
            client = aws_client(url)
            yield BothPorts(client, names)
            await client.close()


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
