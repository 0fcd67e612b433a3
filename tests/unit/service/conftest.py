import itertools
from dataclasses import dataclass, field

import pytest

from clipper_sls.adapters.local.memory_cache import MemoryPredictionCache
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain.changes import Put
from clipper_sls.domain.records import Record
from clipper_sls.ports.prediction_cache import PredictionCache
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.testing import FakeInvoker, FakeModelHost, ManualClock, RecordingMetrics
from clipper_sls.testing.jobs import JobWorld


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


@pytest.fixture
def job_world() -> JobWorld:
    return JobWorld()


@pytest.fixture
def world() -> World:
    return World()
