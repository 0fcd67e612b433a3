"""One engine for the tests of all deployers, and what they ask it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine


@dataclass(frozen=True)
class Deployed:
    """What runs on the engine, seen from outside."""

    engine: EngineUnderTest

    def answers(self, app: str, inputs: Sequence[Any]) -> list[Any]:
        """The outputs of one request; fails when one of them is a default output."""
        url = f"{self.engine.query}/{app}/predict"
        answer = httpx2.post(url, json={"input_batch": list(inputs)}, timeout=60, trust_env=False, verify=False).json()
        assert not any(row["default"] for row in answer["batch_predictions"]), answer
        return [row["output"] for row in answer["batch_predictions"]]

    def bundle(self, connection: ClipperConnection, name: str, version: object = 1) -> Path:
        """The folder from which its replicas were started."""
        image = connection.get_model_info(name, version)["container_name"]
        return self.engine.state_dir / "bundles" / image.rpartition(":")[2]

    def manifest(self, connection: ClipperConnection, name: str, version: object = 1) -> Manifest:
        return Manifest.from_json((self.bundle(connection, name, version) / MANIFEST_NAME).read_bytes())


@pytest.fixture(scope="session")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with embedded_engine(tmp_path_factory.mktemp("deployers") / "state") as engine:
        yield Deployed(engine)


@pytest.fixture(scope="session")
def connection(deployed: Deployed) -> ClipperConnection:
    connection = ClipperConnection(LocalContainerManager(state_dir=deployed.engine.state_dir))
    connection.connect()
    return connection


@pytest.fixture(scope="session")
def digits() -> tuple[Any, Any]:
    """Images of eight times eight pixels as rows of doubles, and the digits that they show."""
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)
