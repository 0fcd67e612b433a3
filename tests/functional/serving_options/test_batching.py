"""A version that learns how long batches take is deployed by its name, answers, and gets more than one row at once."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

ROWS = 2_000


def totals(inputs: Any) -> list[float]:
    return [float(total) for total in inputs.sum(axis=1)]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path_factory.mktemp("batching") / "state") as engine:
        yield engine


def _batch_sizes(engine: EngineUnderTest, model: str) -> dict[str, Any]:
    metrics = httpx2.get(
        f"{engine.query}/metrics", headers={"Accept": "application/json"}, trust_env=False, verify=False
    ).json()
    (found,) = [one for group in metrics.values() for one in group if f"model:{model}:1:batch_size" in one]
    sizes: dict[str, Any] = found[f"model:{model}:1:batch_size"]
    return sizes


@pytest.mark.parametrize("batching", ["aimd", "quantile"])
def test_batches_grow(engine: EngineUnderTest, batching: str) -> None:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    create_endpoint(connection, batching, "doubles", totals, slo_micros=20_000_000, batching=batching)
    info = connection.get_model_info(batching, 1)
    assert info is not None
    assert info["batching"] == batching

    body = {"input_batch": [[float(number), 0.5] for number in range(ROWS)]}
    answer = httpx2.post(
        f"{engine.query}/{batching}/predict", json=body, timeout=60, trust_env=False, verify=False
    ).json()

    outputs = [one["output"] for one in answer["batch_predictions"]]
    assert outputs == [number + 0.5 for number in range(ROWS)]
    sizes = _batch_sizes(engine, batching)
    assert float(sizes["max"]) > 30, sizes
    assert int(sizes["size"]) < ROWS / 10, sizes
