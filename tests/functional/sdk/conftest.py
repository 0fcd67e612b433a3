"""A real engine for each module, started in the background through the SDK, and ways to ask it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager

FREE_PORT = 0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClipperConnection]:
    manager = LocalContainerManager(
        "sdk-test", FREE_PORT, FREE_PORT, state_dir=tmp_path_factory.mktemp("engine") / "state"
    )
    connection = ClipperConnection(manager)
    connection.start_clipper()
    yield connection
    connection.stop_all(graceful=False)


@pytest.fixture
def connection(cluster: ClipperConnection) -> Iterator[ClipperConnection]:
    """The module's cluster, empty before and after, as each of Clipper's tests has a cluster of its own."""
    yield cluster
    cluster.stop_all_model_containers()
    for name in cluster.get_all_apps():
        cluster.unregister_application(name)


@pytest.fixture(scope="module")
def predict(cluster: ClipperConnection) -> Iterator[Callable[..., httpx2.Response]]:
    """`predict(app, input=[...])`: one request to the predict URL."""
    with httpx2.Client(
        base_url=f"http://{cluster.get_query_addr()}", timeout=60, trust_env=False, verify=False
    ) as client:

        def ask(app: str, slash: str = "", **body: Any) -> httpx2.Response:
            return client.post(f"/{app}/predict{slash}", json=body)

        yield ask


@pytest.fixture
def empty_folder(tmp_path: Path) -> str:
    """Clipper's `fake_model_data`."""
    folder = tmp_path / "fake-model-data"
    folder.mkdir()
    return str(folder)


@pytest.fixture
def new_manager(tmp_path: Path) -> Iterator[Callable[..., LocalContainerManager]]:
    """Makes container managers of one state directory; whatever they started is killed in the end."""
    made = []

    def make(cluster_name: str = "lifecycle", **options: Any) -> LocalContainerManager:
        ports = {"clipper_query_port": FREE_PORT, "clipper_management_port": FREE_PORT}
        manager = LocalContainerManager(cluster_name, **{**ports, "state_dir": tmp_path / "state", **options})
        made.append(manager)
        return manager

    yield make
    for manager in made:
        manager.stop_all(graceful=False)
