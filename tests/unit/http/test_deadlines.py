"""The deadline of a query is fixed at the edge: by its objective, or by a host that ends earlier."""

import itertools
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx2
import pytest

from clipper_sls.adapters.local.memory_feedback import MemoryFeedbackLog
from clipper_sls.adapters.local.memory_job_queue import MemoryJobQueue
from clipper_sls.adapters.local.memory_job_store import MemoryJobStore
from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain.identifiers import AppName, ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.query import Deadline
from clipper_sls.domain.records import Application, Current, Link, ModelVersion, RegistrySnapshot, Switch
from clipper_sls.http.predict import InputLimits
from clipper_sls.http.query_app import create_query_app
from clipper_sls.service.feedback import FeedbackService
from clipper_sls.service.jobs import JobService, JobTimes
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registered_models import RegisteredModels
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import QueryServices
from clipper_sls.testing import FakeInvoker, ManualClock, RecordingMetrics
from clipper_sls.testing.fakes import constant

ADDER = ModelVersion(ModelId.of("adder", 1), InputType.DOUBLES)
SLO_S, MODEL_SLO_S = 2.0, 3.0
INFER = {"inputs": [{"name": "input", "datatype": "FP64", "shape": [1, 1], "data": [1.0]}]}


@dataclass
class Host:
    clock: ManualClock = field(default_factory=ManualClock)
    invoker: FakeInvoker = field(default_factory=lambda: FakeInvoker({ADDER.id: constant(b"1.0")}))
    left_s: float = 60.0

    def ends_at(self) -> Deadline:
        return Deadline(self.clock.now() + self.left_s)

    @property
    def granted_s(self) -> float:
        """Of the last query."""
        return self.invoker.asked[-1][2] - self.clock.now()


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def client(host: Host) -> AsyncIterator[httpx2.AsyncClient]:
    clock, metrics = host.clock, RecordingMetrics()
    view = RegistryView(registry=MemoryRegistry(), clock=clock)
    shop = Application(AppName("shop"), InputType.DOUBLES, "none", int(SLO_S * 1_000_000))
    current = Current(ADDER.id.name, (Switch(ADDER.id.version, 0.0),))
    view.remember(RegistrySnapshot.of(1, [shop, ADDER, Link(shop.name, ADDER.id.name), current]))
    answers = ModelAnswers(invoker=host.invoker, cache=None, clock=clock, metrics=metrics)
    predictions = PredictionService(
        registry=view, answers=answers, clock=clock, metrics=metrics, query_ids=itertools.count()
    )
    feedback = FeedbackService(log=MemoryFeedbackLog(), clock=clock)
    jobs = JobService(
        queue=MemoryJobQueue(clock=clock, max_receives=1),
        store=MemoryJobStore(clock=clock),
        registry=view,
        clock=clock,
        times=JobTimes(expiry_s=60, keep_s=60),
        chance=secrets.token_bytes,
        poll_s=1,
    )
    services = QueryServices(view, predictions, clock, RegisteredModels(view), feedback, jobs)
    app = create_query_app(
        services,
        limits=InputLimits(1000, 10),
        metrics=None,
        is_ready=lambda: {"ready": True},
        model_slo_s=MODEL_SLO_S,
        ends_at=host.ends_at,
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://here") as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body", "objective_s"),
    [("/shop/predict", {"input": [1.0]}, SLO_S), ("/v2/models/adder/infer", INFER, MODEL_SLO_S)],
)
async def test_the_earlier_end_counts(
    client: httpx2.AsyncClient, host: Host, path: str, body: dict, objective_s: float
) -> None:
    for left_s in (60.0, 0.5):
        host.left_s = left_s
        answer = await client.post(path, json=body)
        assert answer.status_code == 200, answer.text
        assert host.granted_s == pytest.approx(min(objective_s, left_s))


async def test_a_host_without_time_gets_the_default(client: httpx2.AsyncClient, host: Host) -> None:
    host.left_s = -0.1
    answer = await client.post("/shop/predict", json={"input": [1.0]})
    assert answer.json()["default"] is True
    assert host.invoker.asked == []


async def test_without_metrics_there_is_no_page_of_them(client: httpx2.AsyncClient) -> None:
    assert (await client.get("/metrics")).status_code == 404
