"""What a function does on its first call is done when deploying returns, and whenever a replica starts."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint, deploy_python_closure
from clipper_sls.errors import ModelStartError
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

PATIENCE_S = 30.0
WARM_UP = [[1.0, 2.0], [3.0, 4.0]]


def with_a_table() -> Callable[[Any], Any]:
    """A function that builds what it needs on its first call, and says with each answer whether this was the first."""
    table: dict[float, float] = {}

    def looked_up(inputs: Any) -> list[Any]:
        was_first = not table
        if was_first:
            print("building the table for", len(inputs))
            table.update({float(number): number**0.5 for number in range(1000)})
        return [{"was_first": was_first, "root": table[float(row[0])]} for row in inputs]

    return looked_up


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path_factory.mktemp("warm") / "state") as engine:
        yield engine


@pytest.fixture(scope="module")
def connection(engine: EngineUnderTest) -> ClipperConnection:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    return connection


def _ask(engine: EngineUnderTest, app: str, number: float) -> Any:
    body = {"input": [number, 0.0]}
    return httpx2.post(f"{engine.query}/{app}/predict", json=body, timeout=60, trust_env=False, verify=False).json()[
        "output"
    ]


def _ready_pids(connection: ClipperConnection, model: str) -> list[int]:
    (pool,) = connection.cm.management.get_replicas(model)
    return [replica["pid"] for replica in pool["replicas"] if replica["state"] == "ready"]


def _batches(engine: EngineUnderTest, model: str) -> list[str]:
    """How many batches the metrics have of a model; nothing where they never saw it."""
    metrics = httpx2.get(
        f"{engine.query}/metrics", headers={"Accept": "application/json"}, trust_env=False, verify=False
    ).json()
    entries = [entry for group in metrics.values() for entry in group]
    return [
        sizes["size"] for entry in entries for name, sizes in entry.items() if name == f"model:{model}:1:batch_size"
    ]


def _until(holds: Callable[[], bool]) -> None:
    for _ in range(round(PATIENCE_S / 0.05)):
        if holds():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it did not come about")


def test_the_first_query_is_not_the_first_call(engine: EngineUnderTest, connection: ClipperConnection) -> None:
    create_endpoint(connection, "cold", "doubles", with_a_table(), slo_micros=20_000_000)
    create_endpoint(connection, "warm", "doubles", with_a_table(), slo_micros=20_000_000, warm_up_inputs=WARM_UP)
    assert _ask(engine, "cold", 4.0) == {"was_first": True, "root": 2.0}
    assert _ask(engine, "warm", 4.0) == {"was_first": False, "root": 2.0}
    (log,) = connection.cm.management.get_logs("warm")
    assert log["text"].count("building the table for 2") == 1


def test_warming_up_is_not_counted_and_not_cached(engine: EngineUnderTest, connection: ClipperConnection) -> None:
    create_endpoint(connection, "uncounted", "doubles", with_a_table(), slo_micros=20_000_000, warm_up_inputs=WARM_UP)

    assert _batches(engine, "uncounted") == []
    assert _ask(engine, "uncounted", WARM_UP[0][0])["was_first"] is False
    assert _batches(engine, "uncounted") == ["1"]
    (pool,) = connection.cm.management.get_replicas("uncounted")
    assert [replica["rows_answered"] for replica in pool["replicas"]] == [1]


def test_every_replica_is_warm_however_it_came_to_start(engine: EngineUnderTest, connection: ClipperConnection) -> None:
    create_endpoint(connection, "many", "doubles", with_a_table(), slo_micros=20_000_000, warm_up_inputs=WARM_UP)
    connection.set_num_replicas("many", 2)
    before = _ready_pids(connection, "many")
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    _until(lambda: len({*_ready_pids(connection, "many")} - {before[0]}) == 2)
    logs = connection.cm.management.get_logs("many")
    assert [log["text"].count("building the table for 2") for log in logs] == [1, 1, 1]
    assert {_ask(engine, "many", float(number))["was_first"] for number in range(20)} == {False}


def test_a_warm_up_that_fails_is_a_deploy_that_failed(connection: ClipperConnection) -> None:
    def choosy(inputs: Any) -> list[float]:
        if inputs.shape[1] != 3:
            raise ValueError(f"3 features are needed, not {inputs.shape[1]}")
        return [0.0 for _ in inputs]

    with pytest.raises(ModelStartError) as refused:
        deploy_python_closure(connection, "choosy", 1, "doubles", choosy, warm_up_inputs=WARM_UP)
    assert "failed on its warm-up inputs: ValueError: 3 features are needed, not 2" in str(refused.value)
    assert "in choosy" in str(refused.value)
    assert connection.get_model_info("choosy", 1) is None
    deploy_python_closure(connection, "choosy", 1, "doubles", choosy, warm_up_inputs=[[1.0, 2.0, 3.0]])
