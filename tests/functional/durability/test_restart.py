"""What a killed engine served is served again: versions, history, labels, replicas."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from clipper_sls import ClipperConnection
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

SLO_MICROS = 20_000_000


def one(inputs: Any) -> list[int]:
    return [1 for _ in inputs]


def two(inputs: Any) -> list[int]:
    return [2 for _ in inputs]


def _output(engine: EngineUnderTest, app: str, **body: Any) -> Any:
    answer = httpx2.post(
        f"{engine.query}/{app}/predict", json={"input": [0.5], **body}, timeout=30, trust_env=False, verify=False
    )
    return answer.json()["output"]


def _set_up(connection: ClipperConnection) -> None:
    for app, model in (("app", "m"), ("sleepy", "sleeper")):
        connection.register_application(app, "doubles", "-1", SLO_MICROS)
        deploy_python_closure(connection, model, 1, "doubles", one, labels=["first"], min_replicas=0, max_replicas=1)
        connection.link_model_to_app(app, model)
    deploy_python_closure(connection, "m", 2, "doubles", two, num_replicas=2)


def test_everything_registered_serves_again(state_dir: Path, connect: Callable[..., ClipperConnection]) -> None:
    with embedded_engine(state_dir) as engine:
        connection = connect(engine)
        _set_up(connection)
        models = connection.get_all_models(verbose=True)
        engine.kill()
    with embedded_engine(state_dir) as engine:
        connection = connect(engine)
        assert connection.get_all_models(verbose=True) == models
        assert _output(engine, "app") == 2
        assert _output(engine, "app", version="1") == 1
        assert _output(engine, "sleepy") == 1, "wakes on the first query"
        assert connection.get_num_replicas("m") == 2
        assert connection.rollback("m") == "1"
        assert _output(engine, "app") == 1
