"""Engines that are killed and come back on the same state directory."""

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

WAIT_LIMIT_S = 30.0
POLL_S = 0.02
SLO_MICROS = 20_000_000


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def engine(state_dir: Path) -> Iterator[EngineUnderTest]:
    with embedded_engine(state_dir) as engine:
        yield engine


@pytest.fixture
def connect() -> Callable[[EngineUnderTest], ClipperConnection]:
    """A connection to an engine."""

    def to(engine: EngineUnderTest) -> ClipperConnection:
        connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
        connection.connect()
        return connection

    return to


@pytest.fixture
def serving(engine: EngineUnderTest, connect: Callable[..., ClipperConnection]) -> ClipperConnection:
    """A connection to an engine with the application `app`, linked to the model `m`, which has no version yet."""
    connection = connect(engine)
    connection.register_application("app", "doubles", "-1", SLO_MICROS)
    return connection


@pytest.fixture
def until() -> Callable[[Callable[[], Any], str], Any]:
    """Waits for something to become true, within a limit."""

    def wait(happened: Callable[[], Any], what: str) -> Any:
        pause = threading.Event()
        for _ in range(round(WAIT_LIMIT_S / POLL_S)):
            found = happened()
            if found:
                return found
            pause.wait(POLL_S)
        pytest.fail(f"not within {WAIT_LIMIT_S:g} s: {what}")

    return wait


@dataclass(frozen=True, slots=True)
class Asked:
    """One request and its answer; `moment` tells which requests and marks came before it was sent."""

    moment: int
    number: float
    status: int
    body: dict[str, Any]


class Askers:
    """Threads that ask `app` again and again, each time about another number, and keep every answer."""

    def __init__(self, query_url: str, count: int) -> None:
        self.answers: list[Asked] = []
        self.failures: list[str] = []
        self._moments = itertools.count()
        self._url = query_url
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(count)]

    def mark(self) -> int:
        """This moment."""
        return next(self._moments)

    @contextmanager
    def asking(self) -> Iterator["Askers"]:
        for thread in self._threads:
            thread.start()
        try:
            yield self
        finally:
            self._is_over.set()
            for thread in self._threads:
                thread.join()

    def _ask(self, number: int) -> None:
        with httpx2.Client(base_url=self._url, timeout=60, trust_env=False, verify=False) as client:
            while not self._is_over.is_set():
                number += len(self._threads)  # a number nobody asks twice, so that the cache has no part in this
                moment = self.mark()
                try:
                    response = client.post("/app/predict", json={"input": [number]})
                    self.answers.append(Asked(moment, number, response.status_code, response.json()))
                except httpx2.HTTPError as error:
                    self.failures.append(repr(error))


@pytest.fixture
def askers() -> Callable[[str, int], Askers]:
    return Askers
