"""A front end's application, in front of one that stands for the engine's."""

import itertools
from collections.abc import AsyncIterator

import httpx2
import pytest

from clipper_sls.adapters.local.memory_registry import MemoryRegistry
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import Application, Link, RegistrySnapshot
from clipper_sls.http.frontend_app import create_frontend_app
from clipper_sls.http.predict import InputLimits
from clipper_sls.service.model_answers import ModelAnswers
from clipper_sls.service.predict import PredictionService
from clipper_sls.service.registry_view import RegistryView
from clipper_sls.service.services import PredictionServices
from clipper_sls.testing import FakeInvoker, ManualClock, RecordingMetrics
from clipper_sls.testing.contracts.model_invoker import ADDER
from clipper_sls.testing.frontends import FakeForwarder

MAX_BODY_BYTES = 100


@pytest.fixture
def engine() -> FakeForwarder:
    return FakeForwarder()


@pytest.fixture
async def client(engine: FakeForwarder) -> AsyncIterator[httpx2.AsyncClient]:
    clock, metrics = ManualClock(), RecordingMetrics()
    view = RegistryView(registry=MemoryRegistry(), clock=clock)
    view.remember(
        RegistrySnapshot.of(
            1, [Application(AppName("shop"), InputType.DOUBLES, "none", 1), ADDER, Link(AppName("shop"), ADDER.id.name)]
        )
    )
    answers = ModelAnswers(invoker=FakeInvoker(), cache=None, clock=clock, metrics=metrics)
    predictions = PredictionService(
        registry=view, answers=answers, clock=clock, metrics=metrics, query_ids=itertools.count()
    )
    app = create_frontend_app(
        PredictionServices(view, predictions, clock),
        limits=InputLimits(MAX_BODY_BYTES, 10),
        model_slo_s=1.0,
        forwarder=engine,
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://front") as client:
        yield client


async def test_queries_are_answered_here(client: httpx2.AsyncClient, engine: FakeForwarder) -> None:
    answer = await client.post("/shop/predict", json={"input": [1.0]})
    assert answer.json()["default_reason"] == "no_model_linked"
    assert (await client.post("/v2/models/nobody/infer", json={})).status_code == 404
    assert engine.asked == []


@pytest.mark.parametrize("path", ["/metrics", "/readyz", "/v2/models/adder/ready", "/docs", "/nowhere"])
async def test_everything_else_is_the_engines(client: httpx2.AsyncClient, engine: FakeForwarder, path: str) -> None:
    assert (await client.get(path, params={"a": "b"}, headers={"accept": "text/plain"})).status_code == 200
    (request,) = engine.asked
    assert (request.method, request.path, request.query, request.body) == ("GET", path, b"a=b", b"")
    assert (b"accept", b"text/plain") in request.headers


async def test_a_body_that_is_too_large_is_cut_just_beyond_the_limit(
    client: httpx2.AsyncClient, engine: FakeForwarder
) -> None:
    await client.post("/shop/update", content=b"x" * 1000)
    assert len(engine.asked[0].body) == MAX_BODY_BYTES + 1


async def test_without_an_engine_the_answer_says_so(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/gone")
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
