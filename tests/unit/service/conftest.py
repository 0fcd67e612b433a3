import itertools
from dataclasses import dataclass, field

import pytest

from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain.changes import Put
from clipper_sls.domain.records import Record
from clipper_sls.ports.prediction_cache import PredictionCache
from clipper_sls.service.job_worker import JobWorker, WorkLimits
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing import FakeInvoker, FakeModelHost, ManualClock, RecordingMetrics
from clipper_sls.testing.jobs import UnreliableJobStore


@dataclass
class World:
    """The services' surroundings, all of them fakes."""

    registry: MemoryRegistry = field(default_factory=MemoryRegistry)
    invoker: FakeInvoker = field(default_factory=FakeInvoker)
    host: FakeModelHost = field(default_factory=FakeModelHost)
    clock: ManualClock = field(default_factory=ManualClock)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    cache: PredictionCache | None = None

    def __post_init__(self) -> None:
        self.cache = MemoryPredictionCache(1_000_000, clock=self.clock)

    async def view(self, *records: Record, max_age_s: float = float("inf")) -> RegistryView:
        await self.registry.commit([Put(record) for record in records], (await self.registry.snapshot()).revision)
        view = RegistryView(registry=self.registry, clock=self.clock, max_age_s=max_age_s)
        await view.load()
        return view

    def predictions(self, view: RegistryView) -> PredictionService:
        return PredictionService(
            registry=view,
            answers=ModelAnswers(invoker=self.invoker, cache=self.cache, clock=self.clock, metrics=self.metrics),
            clock=self.clock,
            metrics=self.metrics,
            query_ids=itertools.count(7),
        )


@dataclass
class JobWorld(World):
    """And those of jobs. Ids of jobs are numbers."""

    max_tries: int = 3
    max_message_bytes: int = 2**20

    def __post_init__(self) -> None:
        super().__post_init__()
        self.queue = MemoryJobQueue(
            clock=self.clock, max_receives=self.max_tries + 1, max_message_bytes=self.max_message_bytes
        )
        self.store = UnreliableJobStore(clock=self.clock)
        self._numbers = itertools.count(1)

    async def open(self, *records: Record) -> None:
        self.registered = await self.view(*records)
        self.jobs = JobService(
            queue=self.queue,
            store=self.store,
            registry=self.registered,
            clock=self.clock,
            times=JobTimes(expiry_s=600.0, keep_s=86_400.0),
            chance=lambda size: next(self._numbers).to_bytes(size),
            poll_s=float("inf"),
        )
        self.worker = JobWorker(
            jobs=self.jobs,
            queue=self.queue,
            registry=self.registered,
            answers=ModelAnswers(invoker=self.invoker, cache=self.cache, clock=self.clock, metrics=self.metrics),
            predictions=self.predictions(self.registered),
            clock=self.clock,
            limits=WorkLimits(max_tries=self.max_tries, call_s=30.0),
        )

    async def work(self) -> list[str]:
        """Receive what can be received, do it, and acknowledge or release it at once; the bodies that come again."""
        messages = await self.queue.receive(10, visibility_s=60.0)
        again = await self.worker.work(messages)
        await self.queue.acknowledge([one for one in messages if one.message_id not in again])
        await self.queue.release([one for one in messages if one.message_id in again])
        return [one.body for one in messages if one.message_id in again]


@pytest.fixture
def job_world() -> JobWorld:
    return JobWorld()


@pytest.fixture
def world() -> World:
    return World()
