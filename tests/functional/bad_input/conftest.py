"""One engine for each module, with models that answer, and the question whether they still do."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import create_endpoint
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

SLO_MICROS = 20_000_000


def total(inputs: Any) -> list[float]:
    return [float(sum(values)) for values in inputs]


def upper(inputs: Any) -> list[str]:
    return [text.upper() for text in inputs]


def length(inputs: Any) -> list[int]:
    return [len(content) for content in inputs]


def kind(inputs: Any) -> list[str]:
    return [type(value).__name__ for value in inputs]


MODELS = {"integers": total, "floats": total, "doubles": total, "strings": upper, "bytes": length, "json": kind}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineUnderTest]:
    """With an application, named like it, for each input type."""
    with embedded_engine(tmp_path_factory.mktemp("engine") / "state") as engine:
        connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
        connection.connect()
        for input_type, function in MODELS.items():
            create_endpoint(connection, input_type, input_type, function, "-1", slo_micros=SLO_MICROS)
        yield engine


@pytest.fixture(scope="module")
def client(engine: EngineUnderTest) -> Iterator[httpx2.Client]:
    """Asks the query application."""
    with httpx2.Client(base_url=engine.query, timeout=60, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture(scope="module")
def admin(engine: EngineUnderTest) -> Iterator[httpx2.Client]:
    """Asks the management application."""
    with httpx2.Client(base_url=engine.management, timeout=60, trust_env=False, verify=False) as client:
        yield client


@pytest.fixture
def all_is_well(client: httpx2.Client, engine: EngineUnderTest) -> Callable[[], None]:
    """The same engine still answers, and rightly, and nothing in it went wrong unforeseen."""
    asked, tracebacks = iter(range(1_000_000)), engine.log.count("Traceback")

    def check() -> None:
        number = next(asked)
        answer = client.post("/doubles/predict", json={"input": [number, 0.5]}).json()
        assert (answer["output"], answer["default"]) == (number + 0.5, False)
        assert engine.process.poll() is None
        assert engine.log.count("Traceback") == tracebacks

    return check
