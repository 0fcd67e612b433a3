"""An engine with several processes that answer queries: to clients it is one."""

import itertools
import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
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
ASKERS = 8
WAIT_LIMIT_S = 30.0
POLL_S = 0.02
SLO_MICROS = 20_000_000


def of_version(version: int) -> Callable[[Any], list[float]]:
    return lambda inputs: [version * 1000.0 + float(values[0]) for values in inputs]


def slow(inputs: Any) -> list[float]:
    """Takes as many seconds as the first number of its first input."""
    time.sleep(float(inputs[0][0]))  # noqa: TID251 - a slow model
    return [float(sum(values)) for values in inputs]


@dataclass(frozen=True, slots=True)
class App:
    """An application and the model linked to it, both called `name`."""

    engine: EngineUnderTest
    connection: ClipperConnection
    name: str

    def post(self, value: float) -> httpx2.Response:
        """On a connection of its own."""
        url = f"{self.engine.query}/{self.name}/predict"
        return httpx2.post(url, json={"input": [value]}, timeout=60, trust_env=False, verify=False)

    def ask(self, value: float) -> dict[str, Any]:
        answer = self.post(value)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def outputs(self, value: float) -> set[float]:
        """The answers on many fresh connections, of which every front end gets some."""
        return {self.ask(value)["output"] for _ in range(CONNECTIONS)}

    def deploy(self, version: int, function: Callable[[Any], Any] | None = None, **options: Any) -> None:
        """By default it adds 1000 times the version to the first number of an input."""
        deploy_python_closure(
            self.connection, self.name, version, "doubles", function or of_version(version), **options
        )

    def predictions(self) -> float:
        return _count(self.engine, f'clipper_predictions_total{{application="{self.name}"}}')

    def frontends(self) -> set[int]:
        """Process ids of those that serve."""
        status = httpx2.get(f"{self.engine.management}/admin/get_status", trust_env=False, verify=False).json()
        return {one["pid"] for one in status["frontends"] if one["state"] == "serving"}


def _serving(engine: EngineUnderTest, name: str) -> App:
    """With version 1."""
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    app = App(engine, connection, name)
    connection.register_application(name, "doubles", "-1", SLO_MICROS)
    app.deploy(1)
    connection.link_model_to_app(name, name)
    return app


@contextmanager
def _engine(folder: Path) -> Iterator[EngineUnderTest]:
    with embedded_engine(folder / "state", ("--frontends", str(FRONTENDS))) as engine:
        yield engine


@pytest.fixture(scope="module")
def shared_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    with _engine(tmp_path_factory.mktemp("shared")) as engine:
        yield engine


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return (f"app{number}" for number in itertools.count())


@pytest.fixture
def app(shared_engine: EngineUnderTest, names: Iterator[str]) -> App:
    """One that no other test knows, in an engine that other tests use, too."""
    return _serving(shared_engine, next(names))


@pytest.fixture
def lone_app(tmp_path: Path) -> Iterator[App]:
    """In an engine that the test may end."""
    with _engine(tmp_path) as engine:
        yield _serving(engine, "app")


def _until(happened: Callable[[], Any], what: str) -> Any:
    pause = threading.Event()
    for _ in range(round(WAIT_LIMIT_S / POLL_S)):
        found = happened()
        if found:
            return found
        pause.wait(POLL_S)
    pytest.fail(f"not within {WAIT_LIMIT_S:g} s: {what}")


def _get(engine: EngineUnderTest, path: str, **headers: str) -> httpx2.Response:
    return httpx2.get(f"{engine.query}{path}", headers=headers, timeout=60, trust_env=False, verify=False)


def _count(engine: EngineUnderTest, line: str) -> float:
    text = _get(engine, "/metrics", accept="text/plain").text
    return next((float(found.split()[-1]) for found in text.splitlines() if found.startswith(line)), 0.0)


def test_a_change_is_everywhere_once_it_is_acknowledged(app: App) -> None:
    assert app.outputs(0.0) == {1000.0}
    for version in (2, 3, 4):
        app.deploy(version)
        assert app.outputs(0.0) == {version * 1000.0}
    for version in (3, 1, 4) * 3:
        app.connection.set_model_version(app.name, str(version))
        assert app.outputs(0.0) == {version * 1000.0}
    assert app.connection.rollback(app.name) == "1"
    assert app.outputs(0.0) == {1000.0}
    app.connection.delete_application(app.name)
    assert {app.post(0.0).status_code for _ in range(6)} == {404}


def test_every_front_end_draws_who_is_asked(app: App) -> None:
    app.deploy(2)
    assert app.connection.set_traffic(app.name, 1, 50) == {"2": 50.0, "1": 50.0}
    with ThreadPoolExecutor(ASKERS) as pool:
        outputs = [answer["output"] for answer in pool.map(app.ask, [0.0] * 200)]
    assert 50 < outputs.count(1000.0) < 150
    assert set(outputs) == {1000.0, 2000.0}
    assert app.connection.get_traffic(app.name) == {"2": 50.0, "1": 50.0}
    app.connection.set_traffic(app.name, 1, 0)
    assert app.outputs(0.0) == {2000.0}


def test_everybody_gets_the_answer_to_what_they_asked(app: App) -> None:
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(app.ask, range(200)))
    assert [answer["output"] for answer in answers] == [1000.0 + number for number in range(200)]
    assert len({answer["query_id"] for answer in answers}) == 200


def test_connections_are_spread_evenly(app: App) -> None:
    clients = [httpx2.Client(trust_env=False, verify=False) for _ in range(10)]
    for client in clients:
        assert client.get(f"{app.engine.query}/livez").status_code == 200
    port = int(app.engine.query.rpartition(":")[2])
    held = [
        sum(one.laddr.port == port and one.status == "ESTABLISHED" for one in psutil.Process(pid).net_connections())
        for pid in app.frontends()
    ]
    for client in clients:
        client.close()
    assert held == [5, 5]


def test_metrics_are_of_all_front_ends_whichever_answers(app: App) -> None:
    for number in range(1, 41):
        app.ask(number % 10)
        assert [app.predictions() for _ in range(FRONTENDS)] == [number] * FRONTENDS
    found = {
        result: _count(app.engine, f'clipper_cache_lookups_total{{model="{app.name}",result="{result}",version="1"}}')
        for result in ("hit", "miss")
    }
    assert sum(found.values()) == 40
    assert 10 <= found["miss"] <= 10 * FRONTENDS
    entries = _get(app.engine, "/metrics").json()["counters"]
    counters = {name: value for entry in entries for name, value in entry.items()}
    assert counters[f"app:{app.name}:num_predictions"] == {"count": "40"}
    assert _count(app.engine, f'clipper_query_latency_seconds_count{{application="{app.name}"}}') == 40


def test_readiness_and_documents_are_the_engines(app: App) -> None:
    for _ in range(FRONTENDS):
        assert _get(app.engine, "/readyz").json() == {"ready": True, "unwell": {}}
        assert _get(app.engine, f"/v2/models/{app.name}/ready").json() == {"name": app.name, "ready": True}
        assert "/{application}/predict" in _get(app.engine, "/openapi.json").json()["paths"]
        assert _get(app.engine, "/no/such/page").status_code == 404
        infer = {"inputs": [{"name": "x", "shape": [2, 1], "datatype": "FP64", "data": [1, 2]}]}
        url = f"{app.engine.query}/v2/models/{app.name}/infer"
        answer = httpx2.post(url, json=infer, trust_env=False, verify=False)
        assert answer.json()["outputs"][0]["data"] == [1001.0, 1002.0]


def test_a_front_end_that_is_killed_costs_its_own_connections_and_is_started_again(app: App) -> None:
    answers: list[float] = []
    cut: set[int] = set()
    ended = threading.Event()

    def ask(asker: int) -> None:
        """On one connection for as long as it lasts, then on another one."""
        number = asker
        while not ended.is_set():
            try:
                with httpx2.Client(trust_env=False, verify=False, timeout=60) as client:
                    while not ended.is_set():
                        number += ASKERS
                        answer = client.post(f"{app.engine.query}/{app.name}/predict", json={"input": [number]}).json()
                        assert (answer["output"], answer["default"]) == (1000.0 + number, False)
                        answers.append(number)
            except httpx2.TransportError:
                cut.add(asker)

    before = app.frontends()
    victim = min(before)
    with ThreadPoolExecutor(ASKERS) as pool, ExitStack() as at_the_end:
        askers = [pool.submit(ask, number) for number in range(ASKERS)]
        at_the_end.callback(ended.set)
        _until(lambda: {number % ASKERS for number in answers} == {*range(ASKERS)}, "load")
        counted = app.predictions()
        os.kill(victim, signal.SIGKILL)
        _until(lambda: before - {victim} < app.frontends() - {victim}, "another one beside those that were there")
        asked = len(answers)
        _until(lambda: len(answers) > asked + 200, "load goes on")
    for asker in askers:
        asker.result()
    assert 0 < len(cut) < ASKERS
    assert app.predictions() >= counted


def test_a_front_end_that_is_told_to_end_answers_first_and_is_replaced(app: App) -> None:
    victim = min(app.frontends())
    os.kill(victim, signal.SIGTERM)
    assert app.outputs(0.0) == {1000.0}
    _until(lambda: len(app.frontends() - {victim}) == FRONTENDS, "another one is there")
    assert app.outputs(1.0) == {1001.0}


@pytest.mark.slow
def test_a_front_end_that_hangs_does_not_keep_a_change_from_being_made(lone_app: App) -> None:
    victim = min(lone_app.frontends())
    os.kill(victim, signal.SIGSTOP)
    lone_app.deploy(2)
    _until(lambda: len(lone_app.frontends() - {victim}) == FRONTENDS, "another one is there")
    assert lone_app.outputs(0.0) == {2000.0}


def test_feedback_is_on_the_disk_when_it_is_acknowledged(lone_app: App) -> None:
    url = f"{lone_app.engine.query}/app/update"
    for number in range(6):
        feedback = {"uid": number, "input": [1.0], "label": 2.0}
        answer = httpx2.post(url, json=feedback, trust_env=False, verify=False)
        assert (answer.status_code, answer.text) == (200, "Feedback received? 1")
    lone_app.engine.kill()
    with closing(sqlite3.connect(lone_app.engine.state_dir / DATABASE)) as database:
        assert database.execute("SELECT count(*) FROM feedback").fetchone() == (6,)


def test_a_killed_engine_leaves_no_front_end(lone_app: App) -> None:
    children = psutil.Process(lone_app.engine.process.pid).children(recursive=True)
    assert len(children) >= FRONTENDS + 1
    lone_app.engine.kill()
    _until(lambda: not any(is_alive(child) for child in children), "all are gone")


def test_what_is_being_answered_when_the_engine_is_told_to_end_is_answered(lone_app: App) -> None:
    engine = lone_app.engine
    lone_app.deploy(2, slow, num_replicas=2)
    children = psutil.Process(engine.process.pid).children(recursive=True)
    with ThreadPoolExecutor() as pool:
        asked = [pool.submit(lone_app.ask, 0.5 + number / 10) for number in range(2)]
        pools = f"{engine.management}/admin/get_replicas"
        _until(
            lambda: httpx2.post(pools, json={}, trust_env=False, verify=False).text.count('"busy"') == 2,
            "replicas are busy",
        )
        assert engine.stop() == 0
        answers = [answer.result() for answer in asked]
    assert [answer["output"] for answer in answers] == [0.5, 0.6]
    assert not any(is_alive(child) for child in children)
    assert "Traceback" not in engine.log
