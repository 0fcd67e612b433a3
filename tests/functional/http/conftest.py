"""The HTTP applications in this process, over real services and stores in memory, with models that a test makes up."""

import itertools
import math
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import ASGIApp

from clipper_sls.adapters.local.bundle_directory import BundleDirectory
from clipper_sls.adapters.local.memory_feedback import MemoryFeedbackLog
from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Predicted, RowResult
from clipper_sls.domain.records import ModelVersion, Scaling
from clipper_sls.http.management import EngineInfo, create_management_app
from clipper_sls.service.applications import ApplicationService
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.models import ModelService
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import Services
from clipper_sls.testing import FakeInvoker, FakeModelHost, ManualClock, RecordingMetrics
from clipper_sls.testing.signing import ANYBODY

MANAGEMENT = "http://127.0.0.1:1338"
MAX_BUNDLE_BYTES = 1_000_000
DIGEST = "d" * 64


@dataclass
class LoggingModelHost(FakeModelHost):
    """Has log files where a test puts some."""

    logs: dict[ModelId, list[Path]] = field(default_factory=dict)

    def log_files(self, model: ModelId | None = None) -> Sequence[Path]:
        return [path for owner, paths in self.logs.items() if model in (None, owner) for path in paths]


@dataclass
class Stage:
    """What stands behind the applications, and ways to set it up."""

    services: Services
    host: LoggingModelHost
    invoker: FakeInvoker
    clock: ManualClock
    readiness: dict[str, Any]
    endings: list[str]  # grows when somebody asks for the end
    open: Callable[..., httpx2.AsyncClient]

    async def register(
        self,
        answer: Callable[[bytes], bytes] | None = None,
        *,
        name: str = "m",
        version: str = "1",
        input_type: InputType = InputType.DOUBLES,
    ) -> ModelId:
        """A version with one replica, whose model answers with JSON text."""
        model = ModelId.of(name, version)
        scaling = Scaling(1, 1)
        registered = ModelVersion(
            model, input_type, bundle_digest=DIGEST, scaling=scaling, registered_at=self.clock.wall()
        )
        await self.services.models.add(registered)
        await self.host.start(registered)
        if answer is not None:
            self.invoker.models[model] = lambda row: Predicted(answer(row))
        return model

    def fail(self, model: ModelId, fate: Callable[[bytes], RowResult]) -> None:
        self.invoker.models[model] = fate

    def management(self, token: str | None = None, **client: Any) -> httpx2.AsyncClient:
        info = EngineInfo("0.0.1", 4711, "test", "/state", 1.0, "http://127.0.0.1:1337", MANAGEMENT)
        app = create_management_app(
            self.services,
            info=info,
            is_ready=lambda: self.readiness,
            shut_down=lambda: self.endings.append("asked for"),
            max_bundle_bytes=MAX_BUNDLE_BYTES,
            token=token,
        )
        return self.open(app, base_url=MANAGEMENT, **client)


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock, host, invoker = ManualClock(), LoggingModelHost(), FakeInvoker()
    registry = RegistryView(registry=MemoryRegistry(), clock=clock)
    bundles = BundleDirectory(tmp_path / "bundles", MAX_BUNDLE_BYTES, lambda: ANYBODY)
    predictions = PredictionService(
        registry=registry,
        answers=ModelAnswers(invoker=invoker, cache=None, clock=clock, metrics=RecordingMetrics()),
        clock=clock,
        metrics=RecordingMetrics(),
        query_ids=itertools.count(),
    )
    queue = MemoryJobQueue(clock=clock, max_receives=3)
    services = Services(
        jobs=JobService(
            queue=queue,
            store=MemoryJobStore(clock=clock),
            registry=registry,
            clock=clock,
            times=JobTimes(expiry_s=3_600.0, keep_s=86_400.0),
            chance=secrets.token_bytes,
            poll_s=math.inf,
        ),
        dead_letters=queue,
        registry=registry,
        applications=ApplicationService(registry=registry),
        models=ModelService(registry=registry, host=host, bundles=bundles, clock=clock),
        predictions=predictions,
        feedback=FeedbackService(log=MemoryFeedbackLog(), clock=clock),
        host=host,
        clock=clock,
    )
    async with AsyncExitStack() as opened:
        clients: list[httpx2.AsyncClient] = []

        def open_client(
            app: ASGIApp, *, base_url: str, raise_app_exceptions: bool = True, **options: Any
        ) -> httpx2.AsyncClient:
            transport = httpx2.ASGITransport(app, raise_app_exceptions=raise_app_exceptions)
            clients.append(httpx2.AsyncClient(transport=transport, base_url=base_url, **options))
            opened.push_async_callback(clients[-1].aclose)
            return clients[-1]

        yield Stage(services, host, invoker, clock, {"ready": True}, [], open_client)


@pytest.fixture
def management(stage: Stage) -> httpx2.AsyncClient:
    """The management application, without a token."""
    return stage.management()
