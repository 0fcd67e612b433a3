"""What containers of images are asked, over each protocol, and the same runtime as a process to compare them with."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import numpy as np
import pytest

from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.envelope import INVOCATIONS_PATH, pack_event
from clipper_sls.domain.image.model_config import ENTRYPOINT
from clipper_sls.domain.inputs import InputType
from clipper_sls.packaging.runtime_package import RUNTIME_PACKAGES, SERVER_PACKAGES
from clipper_sls.testing.docker_engine import ContainerUnderTest, DockerEngineUnderTest
from clipper_sls.testing.images import only_wheels_in, wheel
from clipper_sls.testing.installed_packages import closure, repacked
from clipper_sls.testing.lambda_emulator import PLACE, LambdaEmulator
from clipper_sls.testing.ports import free_port
from clipper_sls.testing.runtime_api import Reply, RuntimeApi, runtime_api

LIMIT_S = 60
POLL_S = 0.02

Running = Callable[..., AbstractContextManager[tuple[RuntimeApi, ContainerUnderTest]]]


@pytest.fixture(scope="session")
def rows() -> Any:
    return np.random.default_rng(0).random((5, 64))


@pytest.fixture(scope="session")
def event(rows: Any) -> bytes:
    """The rows as a runtime is asked them."""
    return pack_event(InputType.DOUBLES, [row.tobytes() for row in rows])


@pytest.fixture
def running(containers: DockerEngineUnderTest) -> Running:
    """A container of an image, below a Runtime API."""

    @contextmanager
    def run(image: str, **more: Any) -> Iterator[tuple[RuntimeApi, ContainerUnderTest]]:
        with (
            runtime_api() as api,
            containers.container(image, {"AWS_LAMBDA_RUNTIME_API": api.address}, **more) as container,
        ):
            yield api, container

    return run


@pytest.fixture
def answer_in_a_process(event: bytes) -> Callable[[Path], Reply]:
    """What the runtime answers for a bundle as a process of this environment, as the engine's replicas are."""

    def ask(bundle: Path) -> Reply:
        digest = Manifest.from_json((bundle / MANIFEST_NAME).read_bytes()).digest
        variables = {
            "CLIPPER_BUNDLE_PATH": str(bundle),
            "CLIPPER_BUNDLE_DIGEST": digest,
            "CLIPPER_ALLOW_UNSIGNED": "1",
        }
        with runtime_api() as api:
            environment = {**os.environ, **variables, "AWS_LAMBDA_RUNTIME_API": api.address}  # noqa: TID251
            with subprocess.Popen([sys.executable, "-m", "clipper_sls.runtime"], env=environment) as process:
                try:
                    return api.ask(event)
                finally:
                    process.kill()

    return ask


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables with which what every image needs is found, as it is installed here, and one small package."""
    folder = tmp_path_factory.mktemp("wheels")
    for found in closure((*RUNTIME_PACKAGES, *SERVER_PACKAGES)):
        repacked(found, folder)
    wheel(folder, {"tinypackage.py": b""})
    return only_wheels_in(folder)


def _patiently(container: ContainerUnderTest, ask: Callable[[], Any]) -> Any:
    """What `ask` gives once the container listens."""
    for _ in range(round(LIMIT_S / POLL_S)):
        try:
            return ask()
        except httpx2.ConnectError:
            Event().wait(POLL_S)
    raise AssertionError(container.log)


@pytest.fixture
def answer_below_the_emulator(containers: DockerEngineUnderTest, emulator: Path, event: bytes) -> Callable[[str], Any]:
    def ask(image: str) -> Any:
        addresses = LambdaEmulator(f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
        command = addresses.command(PLACE, ENTRYPOINT)
        with containers.container(image, entrypoint=command, mounts={emulator: PLACE}) as container:
            return _patiently(container, lambda: addresses.ask(event))

    return ask


@pytest.fixture
def answer_over_http(containers: DockerEngineUnderTest, event: bytes) -> Callable[[str], Any]:
    """Of the server in the image, once it is ready; it then ends as it should when it is told to."""

    def ask(image: str) -> Any:
        port = free_port()
        variables = {"CLIPPER_SERVER_HOST": "127.0.0.1", "CLIPPER_SERVER_PORT": str(port)}
        with (
            httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=LIMIT_S, trust_env=False) as client,
            containers.container(image, variables) as container,
        ):
            while _patiently(container, lambda: client.get("/readyz")).status_code != httpx2.codes.OK:
                Event().wait(POLL_S)
            answer = client.post(INVOCATIONS_PATH, content=event)
            assert answer.status_code == httpx2.codes.OK, answer.text
            container.stop()
            assert container.ended_by == "ended with exit code 0", container.log
            return answer.json()

    return ask
