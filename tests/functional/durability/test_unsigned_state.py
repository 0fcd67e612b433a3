"""What a release that did not sign has left in a state directory: it is not run, until somebody says so."""

from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.domain.bundle import SIGNATURE_FILE
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

PATIENCE_S = 60.0
POLL_S = 0.05
pytestmark = pytest.mark.slow


def _connected(engine: EngineUnderTest) -> ClipperConnection:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    return connection


def _deploy(connection: ClipperConnection, version: int) -> None:
    deploy_python_closure(connection, "m", version, "doubles", lambda inputs: [version for _ in inputs])


def _ask(engine: EngineUnderTest) -> Any:
    url = f"{engine.query}/app/predict"
    return httpx2.post(url, json={"input": [1.0]}, timeout=70, trust_env=False, verify=False).json()


def _pool(connection: ClipperConnection, version: str, health: str) -> dict[str, Any]:
    """Waits for it."""
    pause = Event()
    for _ in range(round(PATIENCE_S / POLL_S)):
        (pool,) = connection.cm.management.get_replicas("m", version)
        if pool["health"] == health:
            return pool
        pause.wait(POLL_S)
    raise AssertionError(pool)


def test_an_upgrade_says_how_to_go_on_and_loses_nothing(tmp_path: Path) -> None:
    with embedded_engine(tmp_path / "state") as engine:
        connection = _connected(engine)
        connection.register_application("app", "doubles", "none", 30_000_000)
        _deploy(connection, 1)
        connection.link_model_to_app("app", "m")
        engine.stop()
    (signature,) = (tmp_path / "state" / "bundles").glob(f"*/{SIGNATURE_FILE}")
    signature.unlink()

    with embedded_engine(tmp_path / "state") as engine:
        connection = _connected(engine)
        pool = _pool(connection, "1", "unhealthy")
        assert "is not signed" in pool["last_error"]
        assert "--allow-unsigned" in pool["last_error"]
        assert _ask(engine)["default"] is True
        _deploy(connection, 2)
        assert _ask(engine)["output"] == 2
        connection.set_model_version("m", "1")
        engine.stop()

    with embedded_engine(tmp_path / "state", ["--allow-unsigned"]) as engine:
        _pool(_connected(engine), "1", "healthy")
        assert _ask(engine)["output"] == 1
