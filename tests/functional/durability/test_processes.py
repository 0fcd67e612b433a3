"""No replica outlives its engine, and an engine that is told to end answers what it was asked."""

import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2
import psutil
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.sdk.engine_process import find_engine, is_alive
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

Until = Callable[[Callable[[], Any], str], Any]


def quick(inputs: Any) -> list[float]:
    return [float(sum(values)) for values in inputs]


def slow(inputs: Any) -> list[float]:
    """Takes as many seconds as the first number of its first input."""
    time.sleep(float(inputs[0][0]))  # noqa: TID251 - a slow model
    return [float(sum(values)) for values in inputs]


def _children(engine: EngineUnderTest) -> list[psutil.Process]:
    return psutil.Process(engine.process.pid).children(recursive=True)


def _gone(processes: list[psutil.Process]) -> bool:
    return not any(is_alive(process) for process in processes)


def _ask(engine: EngineUnderTest, value: float) -> httpx2.Response:
    return httpx2.post(
        f"{engine.query}/app/predict", json={"input": [value, 1.0]}, timeout=60, trust_env=False, verify=False
    )


@pytest.fixture
def two_models(serving: ClipperConnection) -> ClipperConnection:
    deploy_python_closure(serving, "m", 1, "doubles", slow)
    deploy_python_closure(serving, "idle", 1, "doubles", quick, num_replicas=2)
    serving.link_model_to_app("app", "m")
    return serving


@pytest.mark.usefixtures("two_models")
@pytest.mark.parametrize("is_busy", [False, True])
def test_a_killed_engine_leaves_no_process(engine: EngineUnderTest, until: Until, is_busy: bool) -> None:
    children = _children(engine)
    assert len(children) >= 3
    with ThreadPoolExecutor() as pool:
        if is_busy:
            asked = pool.submit(_ask, engine, 30.0)
            busy = f"{engine.management}/admin/get_replicas"
            until(
                lambda: '"busy"' in httpx2.post(busy, json={}, trust_env=False, verify=False).text, "a replica is busy"
            )
        engine.kill()
        until(lambda: _gone(children), "all replicas are gone")
        if is_busy:
            assert isinstance(asked.exception(), httpx2.HTTPError)


def test_an_engine_that_is_killed_while_a_model_starts_leaves_no_process(
    serving: ClipperConnection, engine: EngineUnderTest, until: Until
) -> None:
    class SlowToLoad:
        def __call__(self, inputs: Any) -> Any:
            return inputs

        def __reduce__(self) -> Any:
            return time.sleep, (30,)  # noqa: TID251 - what a model does while it is loaded

    loads_slowly = SlowToLoad()
    with ThreadPoolExecutor() as pool:
        deploying = pool.submit(deploy_python_closure, serving, "m", 1, "doubles", lambda inputs: loads_slowly(inputs))
        children = until(lambda: _children(engine), "a replica is being started")
        engine.kill()
        until(lambda: _gone(children), "the replica is gone")
        assert deploying.exception() is not None


@pytest.mark.usefixtures("two_models")
def test_what_is_being_answered_when_the_engine_is_told_to_end_is_answered(
    engine: EngineUnderTest, until: Until
) -> None:
    children = _children(engine)
    with ThreadPoolExecutor() as pool:
        asked = pool.submit(_ask, engine, 1.0)
        busy = f"{engine.management}/admin/get_replicas"
        until(lambda: '"busy"' in httpx2.post(busy, json={}, trust_env=False, verify=False).text, "a replica is busy")
        assert engine.stop() == 0
        answer = asked.result()
    assert (answer.status_code, answer.json()["output"]) == (200, 2.0)
    assert _gone(children)
    assert not (engine.state_dir / "engine.json").exists()


@pytest.fixture(scope="module")
def state_left_behind(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By a killed engine with two replicas of a model."""
    state_dir = tmp_path_factory.mktemp("left") / "state"
    with embedded_engine(state_dir) as engine:
        connection = ClipperConnection(LocalContainerManager(state_dir=state_dir))
        connection.connect()
        deploy_python_closure(connection, "m", 1, "doubles", quick, num_replicas=2)
        engine.kill()
    return state_dir


@pytest.mark.parametrize("delay_s", [0.1, 0.4, 0.7, 1.0])
def test_an_engine_that_is_told_to_end_while_it_starts_ends_cleanly(
    state_left_behind: Path, state_dir: Path, delay_s: float
) -> None:
    shutil.copytree(state_left_behind, state_dir)
    command = [sys.executable, "-m", "clipper_sls", "dev", "--state-dir", str(state_dir)]
    with subprocess.Popen([*command, "--query-port", "0", "--management-port", "0"], stderr=subprocess.PIPE) as process:
        ending = threading.Timer(delay_s, process.terminate)
        ending.start()
        _, said = process.communicate(timeout=30)
        ending.join()
    assert process.returncode in (0, -signal.SIGTERM), said  # the latter before it could listen to signals
    assert b"Traceback" not in said
    assert find_engine(state_dir) is None
