"""Engines with a cache elsewhere: they share it, they outlive it, and queries do not notice when it is away."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.adapters.aws.dynamodb.tables import CACHE
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.deployers.python import create_endpoint
from clipper_sls.testing.dynamodb import boto3_client, create_table, dynamo_table, remove_table
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine
from clipper_sls.testing.ministack import REGION
from clipper_sls.testing.redis_cluster import redis_cluster
from clipper_sls.testing.redis_server import RedisServerUnderTest, redis_server

CLIENTS = 6
INPUTS = 40
CACHE_TIMEOUT_S = 0.5
"""Much longer than a query takes, so that one that waited for it is told from one that did not."""
SLACK_S = 10.0
WAIT_LIMIT_S = 30.0
POLL_S = 0.02
SLO_MICROS = 20_000_000

CLOCK = SystemClock()


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIPPER_SLS_CACHE_TIMEOUT_MS", str(CACHE_TIMEOUT_S * 1000))


def _options(server: RedisServerUnderTest, cache_size_bytes: int = 0) -> tuple[str, ...]:
    """Without a cache of its own, so that every look-up goes to the server."""
    return ("--cache-url", server.url, "--cache-size-bytes", str(cache_size_bytes))


def _connect(engine: EngineUnderTest, *, deploys: bool = True) -> ClipperConnection:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    if deploys:
        create_endpoint(connection, "sums", "doubles", counted_sums, slo_micros=SLO_MICROS)
    return connection


def counted_sums(inputs: Any) -> list[float]:
    print("rows:", len(inputs))
    return [float(sum(values)) for values in inputs]


@dataclass(frozen=True, slots=True)
class Asked:
    began: float
    seconds: float
    status: int
    is_right: bool


class Load:
    """Clients that ask about a few numbers again and again."""

    def __init__(self, query_url: str) -> None:
        self.answers: list[Asked] = []
        self.failures: list[str] = []
        self._url = f"{query_url}/sums/predict"
        self._numbers = itertools.cycle(range(INPUTS))
        self._is_over = threading.Event()

    @contextmanager
    def going_on(self) -> Iterator["Load"]:
        threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def since(self, moment: float, count: int = 20 * CLIENTS) -> list[Asked]:
        """At least `count` answers to what is asked after `moment`."""

        def newer() -> list[Asked]:
            found = [asked for asked in self.answers if asked.began > moment]
            return found if len(found) >= count else []

        return list(_until(newer, "more answers"))

    def _ask(self) -> None:
        with httpx2.Client(timeout=60, trust_env=False, verify=False) as client:
            while not self._is_over.is_set():
                number, began = next(self._numbers), CLOCK.now()
                try:
                    answer = client.post(self._url, json={"input": [number, 1.0]})
                    body = answer.json()
                    is_right = (body["output"], body["default"]) == (number + 1.0, False)
                    self.answers.append(Asked(began, CLOCK.now() - began, answer.status_code, is_right))
                except (httpx2.HTTPError, ValueError, KeyError) as error:
                    self.failures.append(repr(error))


def _until(happened: Callable[[], Any], what: str) -> Any:
    pause = threading.Event()
    for _ in range(round(WAIT_LIMIT_S / POLL_S)):
        if found := happened():
            return found
        pause.wait(POLL_S)
    return pytest.fail(f"not within {WAIT_LIMIT_S:g} s: {what}")


def _counter(engine: EngineUnderTest, name: str) -> float:
    text = httpx2.get(f"{engine.query}/metrics", headers={"accept": "text/plain"}, trust_env=False, verify=False).text
    (line,) = (line for line in text.splitlines() if line.startswith(f"{name} "))
    return float(line.rpartition(" ")[2])


def _hits(engine: EngineUnderTest) -> float:
    return _counter(engine, 'clipper_remote_cache_lookups_total{result="hit"}')


def _check_none_was_held_up(answers: list[Asked]) -> None:
    """Some wait for the cache once, until it is known to be away; all others do not."""
    waited = [asked for asked in answers if asked.seconds >= CACHE_TIMEOUT_S]
    assert max(asked.seconds for asked in answers) < CACHE_TIMEOUT_S + SLACK_S
    assert len(waited) <= 0.2 * len(answers), "a query waited though the cache was known to be away"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A cache outside the engine, which goes away and comes back."""

    url: str
    goes: Callable[[], None]
    comes_back: Callable[[], None]


@pytest.fixture
def elsewhere(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, redis_is_installed: None
) -> Iterator[Elsewhere]:
    where, how = request.param
    with ExitStack() as opened:
        if where == "table":
            server = request.getfixturevalue("shared_ministack")
            yield _table(server.url, opened, monkeypatch)
            return
        if where == "cluster":
            cluster = opened.enter_context(redis_cluster(tmp_path / "redis", nodes=3))
            url, nodes = cluster.url, cluster.nodes
        else:
            node = opened.enter_context(redis_server(tmp_path / "redis"))
            url, nodes = node.url, (node,)
        goes = [node.kill if how == "killed" else node.hang for node in nodes]
        comes_back = [node.start if how == "killed" else node.go_on for node in nodes]
        yield Elsewhere(url, lambda: _all(goes), lambda: _all(comes_back))


def _all(deeds: list[Callable[[], None]]) -> None:
    for deed in deeds:
        deed()


def _table(url: str, opened: ExitStack, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    variables = {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    table = opened.enter_context(dynamo_table(url, CACHE))
    client = boto3_client(url)
    opened.callback(client.close)
    return Elsewhere(
        f"dynamodb://{table}?region={REGION}",
        lambda: remove_table(client, table),
        lambda: create_table(client, table, CACHE),
    )


@pytest.mark.parametrize(
    "elsewhere",
    [
        ("server", "killed"),
        ("server", "hanging"),
        ("cluster", "killed"),
        pytest.param(("cluster", "hanging"), marks=pytest.mark.slow),
        ("table", "taken away"),
    ],
    indirect=True,
    ids="-".join,
)
def test_queries_do_not_notice_that_the_cache_is_away_and_it_is_found_again(
    elsewhere: Elsewhere, tmp_path: Path
) -> None:
    options = ("--cache-url", elsewhere.url, "--cache-size-bytes", "0")
    with embedded_engine(tmp_path / "state", options) as engine:
        _connect(engine)
        with Load(engine.query).going_on() as load:
            _until(lambda: _hits(engine) > INPUTS, "hits in the cache elsewhere")
            began = CLOCK.now()
            elsewhere.goes()
            during = load.since(began, count=100 * CLIENTS)
            assert _counter(engine, "clipper_cache_failures_total") > 0
            elsewhere.comes_back()
            hits = _hits(engine)
            _until(lambda: _hits(engine) > hits + INPUTS, "hits again, once the server is back")
            load.since(CLOCK.now())
        assert load.failures == []
        assert {(asked.status, asked.is_right) for asked in load.answers} == {(200, True)}
        _check_none_was_held_up(during)
        assert engine.stop() == 0


def test_what_one_engine_asked_another_knows(redis: RedisServerUnderTest, tmp_path: Path) -> None:
    inputs = [[float(number), 1.0] for number in range(INPUTS)]
    outputs = [number + 1.0 for number in range(INPUTS)]
    with embedded_engine(tmp_path / "state", _options(redis, 1_000_000)) as first:
        _connect(first)
        assert _ask(first, inputs) == outputs
        assert first.stop() == 0  # what waits to be written is written before the end
    with embedded_engine(tmp_path / "state", _options(redis, 1_000_000)) as second:
        connection = _connect(second, deploys=False)
        assert _ask(second, inputs) == outputs
        assert _hits(second) == INPUTS
        assert _ask(second, inputs) == outputs
        assert _hits(second) == INPUTS, "by now it has them itself"
        logs = connection.cm.management.get_logs("sums")
    assert "rows:" not in logs[-1]["text"]


@pytest.mark.slow
@pytest.mark.parametrize("elsewhere", [("table", "")], indirect=True, ids="-".join)
def test_of_a_table_another_engine_knows_what_was_asked_twice(elsewhere: Elsewhere, tmp_path: Path) -> None:
    options = ("--cache-url", elsewhere.url)
    once, twice = ([[float(number), 1.0] for number in numbers] for numbers in (range(5), range(100, 110)))
    with embedded_engine(tmp_path / "state", options) as first:
        _connect(first)
        for inputs in (once, twice, twice):
            assert _ask(first, inputs) == [sum(values) for values in inputs]
        assert first.stop() == 0
    with embedded_engine(tmp_path / "state", options) as second:
        _connect(second, deploys=False)
        assert _ask(second, once + twice) == [sum(values) for values in once + twice]
        assert _hits(second) == len(twice)


def test_a_server_that_is_away_is_no_reason_not_to_start(redis: RedisServerUnderTest, tmp_path: Path) -> None:
    redis.kill()
    options = ("--cache-url", f"redis://:s3cret@127.0.0.1:{redis.port}")
    with embedded_engine(tmp_path / "state", options) as engine:
        _connect(engine)
        assert _ask(engine, [[1.0, 1.0]] * 3) == [2.0] * 3
        assert engine.stop() == 0
        assert "s3cret" not in engine.log


def _ask(engine: EngineUnderTest, inputs: list[list[float]]) -> list[Any]:
    answer = httpx2.post(
        f"{engine.query}/sums/predict", json={"input_batch": inputs}, timeout=60, trust_env=False, verify=False
    )
    return [prediction["output"] for prediction in answer.json()["batch_predictions"]]
