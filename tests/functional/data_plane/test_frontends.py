"""An engine with several processes that answer queries: to clients it is one."""

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.bootstrap.engine import DATABASE
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.sdk.engine_process import is_alive
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

FRONTENDS = 2
CONNECTIONS = 20
WAIT_LIMIT_S = 30.0
POLL_S = 0.02
SLO_MICROS = 20_000_000


def of_version(version: int) -> Callable[[Any], list[float]]:
    return lambda inputs: [version * 1000.0 + float(values[0]) for values in inputs]


def slow(inputs: Any) -> list[float]:
    """Takes as many seconds as the first number of its first input."""
    time.sleep(float(inputs[0][0]))  # noqa: TID251 - a slow model
    return [float(sum(values)) for values in inputs]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path / "state", ("--frontends", str(FRONTENDS))) as engine:
        yield engine


@pytest.fixture
def connection(engine: EngineUnderTest) -> ClipperConnection:
    """With the application `app`, linked to the model `m`, which answers 1000 and the first number of its input."""
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    connection.register_application("app", "doubles", "-1", SLO_MICROS)
    deploy_python_closure(connection, "m", 1, "doubles", of_version(1))
    connection.link_model_to_app("app", "m")
    return connection


def _until(happened: Callable[[], Any], what: str) -> Any:
    pause = threading.Event()
    for _ in range(round(WAIT_LIMIT_S / POLL_S)):
        found = happened()
        if found:
            return found
        pause.wait(POLL_S)
    pytest.fail(f"not within {WAIT_LIMIT_S:g} s: {what}")


def _ask(engine: EngineUnderTest, *values: float) -> dict[str, Any]:
    """On a connection of its own."""
    answer = httpx2.post(
        f"{engine.query}/app/predict", json={"input": values}, timeout=60, trust_env=False, verify=False
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def _outputs(engine: EngineUnderTest, value: float) -> set[float]:
    """The answers on many fresh connections, of which every front end gets some."""
    return {_ask(engine, value)["output"] for _ in range(CONNECTIONS)}


def _get(engine: EngineUnderTest, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{engine.query}{path}", headers=headers, timeout=60, trust_env=False, verify=False)


def _frontends(engine: EngineUnderTest, state: str = "serving") -> set[int]:
    """Process ids."""
    status = httpx2.get(f"{engine.management}/admin/get_status", trust_env=False, verify=False).json()
    return {one["pid"] for one in status["frontends"] if one["state"] == state}


def _count(engine: EngineUnderTest, line: str) -> float:
    text = _get(engine, "/metrics", accept="text/plain").text
    return next((float(found.split()[-1]) for found in text.splitlines() if found.startswith(line)), 0.0)


def test_a_change_is_everywhere_once_it_is_acknowledged(engine: EngineUnderTest, connection: ClipperConnection) -> None:
    assert _outputs(engine, 0.0) == {1000.0}
    for version in (2, 3, 4):
        deploy_python_closure(connection, "m", version, "doubles", of_version(version))
        assert _outputs(engine, 0.0) == {version * 1000.0}
    for version in (3, 1, 4) * 3:
        connection.set_model_version("m", str(version))
        assert _outputs(engine, 0.0) == {version * 1000.0}
    assert connection.rollback("m") == "1"
    assert _outputs(engine, 0.0) == {1000.0}
    connection.delete_application("app")
    answers = [
        httpx2.post(f"{engine.query}/app/predict", json={"input": [0.0]}, trust_env=False, verify=False)
        for _ in range(6)
    ]
    assert {answer.status_code for answer in answers} == {404}


def test_everybody_gets_the_answer_to_what_they_asked(engine: EngineUnderTest, connection: ClipperConnection) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda number: _ask(engine, number), range(200)))
    assert [answer["output"] for answer in answers] == [1000.0 + number for number in range(200)]
    assert len({answer["query_id"] for answer in answers}) == 200


@pytest.mark.usefixtures("connection")
def test_connections_are_spread_evenly(engine: EngineUnderTest) -> None:
    clients = [httpx2.Client(trust_env=False, verify=False) for _ in range(10)]
    for client in clients:
        assert client.get(f"{engine.query}/livez").status_code == 200
    port = int(engine.query.rpartition(":")[2])
    held = [
        sum(one.laddr.port == port and one.status == "ESTABLISHED" for one in psutil.Process(pid).net_connections())
        for pid in _frontends(engine)
    ]
    for client in clients:
        client.close()
    assert held == [5, 5]


@pytest.mark.usefixtures("connection")
def test_metrics_are_of_all_front_ends_whichever_answers(engine: EngineUnderTest) -> None:
    for number in range(1, 41):
        _ask(engine, number % 10)
        predictions = [_count(engine, 'clipper_predictions_total{application="app"}') for _ in range(FRONTENDS)]
        assert predictions == [number] * FRONTENDS
    found = {
        result: _count(engine, f'clipper_cache_lookups_total{{model="m",result="{result}",version="1"}}')
        for result in ("hit", "miss")
    }
    assert sum(found.values()) == 40
    assert 10 <= found["miss"] <= 10 * FRONTENDS
    counters = {name: value for entry in _get(engine, "/metrics").json()["counters"] for name, value in entry.items()}
    assert counters["app:app:num_predictions"] == {"count": "40"}
    assert _count(engine, 'clipper_query_latency_seconds_count{application="app"}') == 40


@pytest.mark.usefixtures("connection")
def test_feedback_is_on_the_disk_when_it_is_acknowledged(engine: EngineUnderTest) -> None:
    for number in range(6):
        answer = httpx2.post(
            f"{engine.query}/app/update",
            json={"uid": number, "input": [1.0], "label": 2.0},
            trust_env=False,
            verify=False,
        )
        assert (answer.status_code, answer.text) == (200, "Feedback received? 1")
    engine.kill()
    with sqlite3.connect(engine.state_dir / DATABASE) as database:
        assert database.execute("SELECT count(*) FROM feedback").fetchone() == (6,)


@pytest.mark.usefixtures("connection")
def test_readiness_and_documents_are_the_engines(engine: EngineUnderTest) -> None:
    for _ in range(FRONTENDS):
        assert _get(engine, "/readyz").json() == {"ready": True, "unwell": {}}
        assert _get(engine, "/v2/models/m/ready").json() == {"name": "m", "ready": True}
        assert "/{application}/predict" in _get(engine, "/openapi.json").json()["paths"]
        assert _get(engine, "/no/such/page").status_code == 404
        infer = {"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1, 2]}]}
        answer = httpx2.post(f"{engine.query}/v2/models/m/infer", json=infer, trust_env=False, verify=False)
        assert answer.json()["outputs"][0]["data"] == [1001.0, 1002.0]


@pytest.mark.usefixtures("connection")
def test_a_front_end_that_is_killed_costs_its_own_connections_and_is_started_again(engine: EngineUnderTest) -> None:
    answers: list[float] = []
    failures: list[Exception] = []
    ended = threading.Event()

    def ask_on(first: int) -> None:
        number = first
        while not ended.is_set():
            with httpx2.Client(trust_env=False, verify=False, timeout=60) as client:
                try:
                    for _ in range(50):
                        number += 8
                        answer = client.post(f"{engine.query}/app/predict", json={"input": [number]}).json()
                        assert (answer["output"], answer["default"]) == (1000.0 + number, False)
                        answers.append(number)
                except httpx2.TransportError as error:
                    failures.append(error)

    before = _frontends(engine)
    victim = min(before)
    with ThreadPoolExecutor(8) as pool:
        askers = [pool.submit(ask_on, number) for number in range(8)]
        _until(lambda: len(answers) > 200, "load")
        counted = _count(engine, 'clipper_predictions_total{application="app"}')
        os.kill(victim, signal.SIGKILL)
        _until(lambda: len(_frontends(engine)) == FRONTENDS and victim not in _frontends(engine), "it is back")
        asked = len(answers)
        _until(lambda: len(answers) > asked + 200, "load goes on")
        ended.set()
        for asker in askers:
            asker.result()
    assert 1 <= len(failures) <= 8
    assert before - {victim} < _frontends(engine)
    assert _count(engine, 'clipper_predictions_total{application="app"}') >= counted


@pytest.mark.usefixtures("connection")
def test_a_front_end_that_hangs_does_not_keep_a_change_from_being_made(
    engine: EngineUnderTest, connection: ClipperConnection
) -> None:
    victim = min(_frontends(engine))
    os.kill(victim, signal.SIGSTOP)
    deploy_python_closure(connection, "m", 2, "doubles", of_version(2))
    _until(lambda: len(_frontends(engine) - {victim}) == FRONTENDS, "another one is there")
    assert _outputs(engine, 0.0) == {2000.0}


@pytest.mark.usefixtures("connection")
def test_a_front_end_that_is_told_to_end_answers_first_and_is_replaced(engine: EngineUnderTest) -> None:
    victim = min(_frontends(engine))
    os.kill(victim, signal.SIGTERM)
    assert _outputs(engine, 0.0) == {1000.0}
    _until(lambda: len(_frontends(engine) - {victim}) == FRONTENDS, "another one is there")
    assert _outputs(engine, 1.0) == {1001.0}


@pytest.mark.usefixtures("connection")
def test_a_killed_engine_leaves_no_front_end(engine: EngineUnderTest) -> None:
    children = psutil.Process(engine.process.pid).children(recursive=True)
    assert len(children) >= FRONTENDS + 1
    engine.kill()
    _until(lambda: not any(is_alive(child) for child in children), "all are gone")


def test_what_is_being_answered_when_the_engine_is_told_to_end_is_answered(
    engine: EngineUnderTest, connection: ClipperConnection
) -> None:
    deploy_python_closure(connection, "m", 2, "doubles", slow, num_replicas=2)
    children = psutil.Process(engine.process.pid).children(recursive=True)
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(_ask, engine, 0.5, float(number)) for number in range(2)]
        pools = f"{engine.management}/admin/get_replicas"
        _until(
            lambda: httpx2.post(pools, json={}, trust_env=False, verify=False).text.count('"busy"') == 2,
            "replicas are busy",
        )
        assert engine.stop() == 0
        answers = [answer.result() for answer in asked]
    assert [answer["output"] for answer in answers] == [0.5, 1.5]
    assert not any(is_alive(child) for child in children)
    assert "Traceback" not in engine.log
