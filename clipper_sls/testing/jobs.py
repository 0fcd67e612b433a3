"""Fakes for jobs, and all that is needed to do some without an engine."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain.changes import Put
from clipper_sls.domain.jobs.job import JobId, Outcome
from clipper_sls.domain.records import Record
from clipper_sls.errors import StoreUnavailableError
from clipper_sls.ports.clock import Clock
from clipper_sls.service.job_worker import JobWorker, WorkLimits
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing.clock import ManualClock
from clipper_sls.testing.fakes import FakeInvoker, RecordingMetrics


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


@dataclass
class JobWorld:
    """Jobs from their submission to their result, with fakes around them. Ids of jobs are numbers.

    A job has 600 s, and its result is kept for a day.
    """

    max_tries: int = 3
    max_message_bytes: int = 2**20
    invoker: FakeInvoker = field(default_factory=FakeInvoker)
    clock: ManualClock = field(default_factory=ManualClock)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    registry: MemoryRegistry = field(default_factory=MemoryRegistry)

    def __post_init__(self) -> None:
        self.queue = MemoryJobQueue(
            clock=self.clock, max_receives=self.max_tries + 1, max_message_bytes=self.max_message_bytes
        )
        self.store = UnreliableJobStore(clock=self.clock)
        self.registered = RegistryView(registry=self.registry, clock=self.clock)
        self.jobs = JobService(
            queue=self.queue,
            store=self.store,
            registry=self.registered,
            clock=self.clock,
            times=JobTimes(expiry_s=600.0, keep_s=86_400.0),
            chance=_numbered(),
            poll_s=float("inf"),
        )
        self._answers = ModelAnswers(invoker=self.invoker, cache=None, clock=self.clock, metrics=self.metrics)
        self.predictions = PredictionService(
            registry=self.registered,
            answers=self._answers,
            clock=self.clock,
            metrics=self.metrics,
            query_ids=itertools.count(1),
        )
        self.worker = JobWorker(
            jobs=self.jobs,
            queue=self.queue,
            registry=self.registered,
            answers=self._answers,
            predictions=self.predictions,
            clock=self.clock,
            limits=WorkLimits(max_tries=self.max_tries, call_s=30.0),
        )

    async def open(self, *records: Record) -> None:
        """Register `records`."""
        await self.registry.commit([Put(record) for record in records], (await self.registry.snapshot()).revision)
        await self.registered.load()

    async def work(self) -> list[str]:
        """Receive what can be received, do it, and acknowledge or release it at once; the bodies that come again."""
        messages = await self.queue.receive(10, visibility_s=60.0)
        again = await self.worker.work(messages)
        await self.queue.acknowledge([one for one in messages if one.message_id not in again])
        await self.queue.release([one for one in messages if one.message_id in again])
        return [one.body for one in messages if one.message_id in again]


def _numbered() -> Callable[[int], bytes]:
    numbers = itertools.count(1)
    return lambda size: next(numbers).to_bytes(size)
