"""Equal queries at one time are one call of the model, and an answer that came too late is there for the next."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

CLIENTS = 12
SLOW_S = 0.4
LIMIT_S = 20.0


def slow(inputs: Any) -> list[float]:
    """Prints how many rows it was asked for."""
    print("rows:", len(inputs))
    time.sleep(SLOW_S)  # noqa: TID251 - a slow model
    return [float(sum(values)) for values in inputs]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path_factory.mktemp("sharing") / "state") as engine:
        yield engine


@pytest.fixture(scope="module")
def connection(engine: EngineUnderTest) -> ClipperConnection:
    """With `patient`, whose objective a slow model meets, and `hasty`, whose objective it does not."""
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    create_endpoint(connection, "patient", "doubles", slow, slo_micros=20_000_000)
    connection.register_application("hasty", "doubles", "-1", 100_000)
    connection.link_model_to_app("hasty", "patient")
    return connection


def _ask(engine: EngineUnderTest, app: str, row: list[float]) -> dict[str, Any]:
    answer = httpx2.post(
        f"{engine.query}/{app}/predict", json={"input": row}, timeout=60, trust_env=False, verify=False
    )
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    return body


def _rows_asked(connection: ClipperConnection) -> int:
    (log,) = connection.cm.management.get_logs("patient")
    return sum(int(line.split()[1]) for line in log["text"].splitlines() if line.startswith("rows:"))


def test_equal_queries_at_one_time_are_one_call(engine: EngineUnderTest, connection: ClipperConnection) -> None:
    before = _rows_asked(connection)
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: _ask(engine, "patient", [1.0, 2.0]), range(CLIENTS)))
    assert {answer["output"] for answer in answers} == {3.0}
    assert len({answer["query_id"] for answer in answers}) == CLIENTS
    assert _rows_asked(connection) == before + 1


def test_an_answer_that_came_too_late_is_there_for_the_next(
    engine: EngineUnderTest, connection: ClipperConnection
) -> None:
    before = _rows_asked(connection)
    first = _ask(engine, "hasty", [5.0, 6.0])
    assert (first["default"], first["default_reason"]) == (True, "timed_out")
    threading.Event().wait(SLOW_S)
    for _ in range(round(LIMIT_S / 0.1)):
        answer = _ask(engine, "hasty", [5.0, 6.0])
        if not answer["default"]:
            break
    assert (answer["output"], answer["default"]) == (11.0, False)
    assert _rows_asked(connection) <= before + 2
