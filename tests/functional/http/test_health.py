"""Health, metrics and documents, on both ports."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine


def total(inputs: Any) -> list[float]:
    return [float(sum(values)) for values in inputs]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path_factory.mktemp("health") / "state") as engine:
        connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
        connection.connect()
        create_endpoint(connection, "app", "doubles", total)
        yield engine


@pytest.fixture(params=["query", "management"])
def url(request: pytest.FixtureRequest, engine: EngineUnderTest) -> str:
    return str(getattr(engine, request.param))


def _get(url: str, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{url}{path}", headers=headers, trust_env=False, verify=False)


def test_a_running_engine_is_alive_and_ready(url: str) -> None:
    assert _get(url, "/livez").json() == {"live": True}
    ready = _get(url, "/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "unwell": {}})


async def test_an_engine_that_is_not_ready_says_so(stage: Any, management: httpx2.AsyncClient) -> None:
    stage.readiness.update(ready=False)
    answer = await management.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert (await management.get("/livez")).status_code == 200


def test_both_have_documents(url: str) -> None:
    assert _get(url, "/openapi.json").json()["openapi"].startswith("3.")
    assert "swagger" in _get(url, "/docs").text


def test_metrics_are_clippers_json_or_prometheus_text(engine: EngineUnderTest) -> None:
    with httpx2.Client(base_url=engine.query, trust_env=False, verify=False) as client:
        for number in range(3):
            client.post("/app/predict", json={"input": [number]})
    counters = _get(engine.query, "/metrics").json()["counters"]
    assert {"app:app:num_predictions": {"count": "3"}} in counters
    text = _get(engine.query, "/metrics", Accept="text/plain")
    families = {family.name: family for family in text_string_to_metric_families(text.text)}
    assert families["clipper_predictions"].samples[0].value == 3
    assert text.headers["content-type"].startswith("text/plain")


def test_an_engine_is_ready_only_once_its_models_are(tmp_path: Path) -> None:
    with embedded_engine(tmp_path / "state") as first:
        connection = ClipperConnection(LocalContainerManager(state_dir=first.state_dir))
        connection.connect()
        create_endpoint(connection, "app", "doubles", total)
        first.kill()
    with embedded_engine(tmp_path / "state") as again:
        assert _get(again.query, "/readyz").status_code == 200
        answer = httpx2.post(
            f"{again.query}/app/predict", json={"input": [1.0, 2.0]}, trust_env=False, verify=False
        ).json()
        assert (answer["output"], answer["default"]) == (3.0, False)
