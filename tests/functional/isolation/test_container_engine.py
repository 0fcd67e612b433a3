"""An engine whose replicas are containers, as a user has it: deployed to, asked, killed and back; images as models."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

import docker
import httpx2
import pytest

from clipper_sls import ClipperConnection, LocalContainerManager
from clipper_sls.adapters.containers.container_launcher import MODEL_LABEL
from clipper_sls.deployers.python import deploy_python_closure
from clipper_sls.errors import IncompatibleInputTypeError, UnsupportedImageError
from clipper_sls.testing.container_base import ContainerBase
from clipper_sls.testing.engine import EngineUnderTest, embedded_engine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PATIENCE_S, POLL_S = 60.0, 0.05
MEMORY_MIB = 256
OPTIONS = ("--isolation", "container")
TRAIN = "def predict(inputs):\n    return [3.0 * float(sum(row)) for row in inputs]\n"


def looks_around(inputs: Any) -> Any:
    """What each input says to try, and what became of it."""
    import mmap
    import os
    import socket
    from pathlib import Path

    def tried(what: str) -> str:
        try:
            if what == "write":
                Path("/opt/clipper/bundle/added").touch()
            elif what == "network":
                socket.create_connection(("192.0.2.1", 80), timeout=1).close()
            elif what == "root":
                os.setuid(0)
            elif what == "memory":
                hoard = []
                while True:  # shared, so that it is the kernel who ends this, and no MemoryError
                    hoard.append(mmap.mmap(-1, 1 << 22))
                    hoard[-1].write(b"1" * (1 << 22))
            return "done"
        except OSError as error:
            return type(error).__name__

    return [tried(what) for what in inputs]


@pytest.fixture(autouse=True)
def variables(container_base: ContainerBase, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"CONTAINER_BASE": container_base.reference, "REPLICA_MEMORY_MIB": str(MEMORY_MIB)}
    for name, value in settings.items():
        monkeypatch.setenv(f"CLIPPER_SLS_{name}", value)
    for name, value in container_base.variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def client() -> Iterator[Any]:
    with closing(docker.from_env()) as connected:
        yield connected


@pytest.fixture
def engine(tmp_path: Path, variables: None) -> Iterator[EngineUnderTest]:
    with embedded_engine(tmp_path / "state", OPTIONS) as running:
        yield running
        running.stop()


def _connected(engine: EngineUnderTest) -> ClipperConnection:
    connection = ClipperConnection(LocalContainerManager(state_dir=engine.state_dir))
    connection.connect()
    return connection


def _serve(connection: ClipperConnection, input_type: str) -> None:
    connection.register_application("app", input_type, "-1", 20_000_000)
    connection.link_model_to_app("app", "m")


def _ask(engine: EngineUnderTest, value: Any) -> Any:
    body = {"input": value}
    answer = httpx2.post(f"{engine.query}/app/predict", json=body, timeout=PATIENCE_S, trust_env=False).json()
    return answer["default_detail"] if answer["default"] else answer["output"]


def _until(holds: Callable[[], object]) -> None:
    for _ in range(round(PATIENCE_S / POLL_S)):
        if holds():
            return
        Event().wait(POLL_S)
    raise AssertionError("it did not come about")


def _replicas(client: Any) -> list[Any]:
    return list(client.containers.list(filters={"label": f"{MODEL_LABEL}=m:1"}))


def test_a_model_can_do_nothing_to_the_machine(engine: EngineUnderTest, client: Any) -> None:
    connection = _connected(engine)
    deploy_python_closure(connection, "m", 1, "strings", looks_around, batch_size=1)
    _serve(connection, "strings")
    assert [_ask(engine, what) for what in ("nothing", "write", "network", "root")] == [
        "done",
        "OSError",
        "OSError",
        "PermissionError",
    ]
    (container,) = _replicas(client)
    assert container.attrs["HostConfig"]["NetworkMode"] == "none"
    assert container.attrs["HostConfig"]["Memory"] == MEMORY_MIB << 20
    assert f"used more than its memory limit of {MEMORY_MIB} MiB" in _ask(engine, "memory")
    assert _ask(engine, "nothing") == "done"


def test_a_replica_that_its_memory_limit_ends_costs_nobody_else_an_answer(engine: EngineUnderTest) -> None:
    connection = _connected(engine)
    deploy_python_closure(connection, "m", 1, "strings", looks_around, batch_size=1, num_replicas=2, cache=False)
    _serve(connection, "strings")
    answers: list[Any] = []
    over = Event()

    def ask_until_over(_: int) -> None:
        while not over.is_set():
            answers.append(_ask(engine, "nothing"))

    with ThreadPoolExecutor(4) as clients:
        asking = clients.map(ask_until_over, range(4))
        for _ in range(2):
            assert "used more than its memory limit" in _ask(engine, "memory")
        over.set()
        list(asking)
    assert len(answers) > 10
    assert set(answers) == {"done"}


def test_containers_end_with_their_engine_however_it_ends_and_come_back_with_it(tmp_path: Path, client: Any) -> None:
    with embedded_engine(tmp_path / "state", OPTIONS) as engine:
        connection = _connected(engine)
        deploy_python_closure(connection, "m", 1, "doubles", lambda inputs: [sum(row) for row in inputs])
        _serve(connection, "doubles")
        assert _ask(engine, [1.0, 2.0]) == 3.0
        first = {container.id for container in _replicas(client)}
        engine.kill()
        _until(lambda: not _replicas(client))
    with embedded_engine(tmp_path / "state", OPTIONS) as engine:
        assert _ask(engine, [1.0, 2.0]) == 3.0
        assert first.isdisjoint(container.id for container in _replicas(client))
        assert engine.stop() == 0
    assert _replicas(client) == []
    left = client.containers.list(all=True, filters={"label": f"{MODEL_LABEL}=m:1"})
    assert [container for container in left if container.id in first] == []


@pytest.fixture
def image(tmp_path: Path, client: Any, container_base: ContainerBase) -> Iterator[str]:
    """Built by the command, and in the container engine."""
    (tmp_path / "train.py").write_text(TRAIN)
    model = ("--name", "tripled", "-v", "7", "-i", "doubles", "--base", container_base.reference)
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "clipper_sls",
            "image",
            "build",
            "train:predict",
            *model,
            "--output",
            "image.tar",
            "--json",
        ],
        cwd=tmp_path,
        env=dict(os.environ),  # noqa: TID251
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["digest"]
    with (tmp_path / "image.tar").open("rb") as file:
        (loaded,) = client.images.load(file)
    yield "tripled:7"
    client.images.remove(loaded.id, force=True)


def test_an_image_is_deployed_under_its_name(
    image: str, engine: EngineUnderTest, client: Any, container_base: ContainerBase
) -> None:
    connection = _connected(engine)
    with pytest.raises(IncompatibleInputTypeError, match="takes doubles, not strings"):
        connection.deploy_model("m", 1, "strings", image)
    absent = container_base.reference.replace("/python:", "/absent:").partition("@")[0]
    for other, said in (
        (absent, "neither the container engine has it"),
        (container_base.reference, "no model of ours"),
    ):
        with pytest.raises(UnsupportedImageError, match=said):
            connection.deploy_model("m", 1, "doubles", other)
    connection.deploy_model("m", 1, "doubles", image)
    _serve(connection, "doubles")
    assert _ask(engine, [1.0, 2.0]) == 9.0
    assert connection.get_model_info("m", "1")["container_name"] == image
    (container,) = _replicas(client)
    assert container.image.tags == [image]


def test_an_image_is_nothing_that_an_engine_of_processes_runs(tmp_path: Path) -> None:
    with embedded_engine(tmp_path / "processes") as engine:
        with pytest.raises(UnsupportedImageError, match="--isolation container"):
            _connected(engine).deploy_model("m", 1, "doubles", "tripled:7")
        assert _connected(engine).get_all_models() == []
