"""The image of the front end answers for a model's image: two containers, and the command that puts them together."""

import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from packaging.requirements import Requirement

from clipper_sls.adapters.docker.engine import Build, docker_engine
from clipper_sls.bootstrap.images import image_builder, image_context
from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.packaging.signing import Signer
from clipper_sls.testing.docker_engine import ContainerUnderTest, DockerEngineUnderTest
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.installed_packages import closure, repacked
from clipper_sls.testing.ports import free_port
from clipper_sls.testing.python_base import PLATFORM, push_python_base
from clipper_sls.testing.wheel_index import only_wheels_over_http

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[4]
LIMIT_S, POLL_S = 60.0, 0.05
TOKEN = "only for this test"


def tripled(inputs: Any) -> Any:
    return [3.0 * float(sum(row)) for row in inputs]


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return push_python_base(Reference.parse(f"{registry.host}/python:1"), tmp_path_factory.mktemp("base"))


def _context(requirements: str) -> Iterator[bytes]:
    """The parts of the repository that the Dockerfile takes; packages are those that are installed here."""
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            tar.add(ROOT / "clipper_sls", "clipper_sls")
            tar.add(ROOT / "runtime_images/frontend/Dockerfile", "Dockerfile")
            member = tarfile.TarInfo("requirements/runtime.txt")
            member.size = len(requirements)
            tar.addfile(member, io.BytesIO(requirements.encode()))
        yield buffer.getvalue()


@pytest.fixture(scope="module")
def frontend(containers: DockerEngineUnderTest, base: Reference, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("frontend")
    needed = [Requirement(text) for text in requires("clipper-sls") or ()]
    found = closure(one.name for one in needed if one.marker is None or one.marker.evaluate({"extra": ""}))
    for package in found:
        repacked(package, folder)
    pins = "\n".join(f"{package.name}=={package.version}" for package in found)
    with only_wheels_over_http(folder) as index, docker_engine(timeout_s=LIMIT_S, tell=lambda line: None) as engine:
        wanted = Build(
            files=_context(pins),
            arguments={"BASE": str(base), **index},
            labels=containers.mark,
            tag=None,
            network="host",
        )
        return containers.owned(engine.build(wanted, "the front end"))


@pytest.fixture(scope="module")
def model(
    containers: DockerEngineUnderTest,
    base: Reference,
    registry: DockerRegistryUnderTest,
    wheels: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("model")
    target = {"name": "tripled", "version": "1", "input_type": "doubles", "pkgs_to_install": ()}
    bundle_closure(tripled, **target, destination=folder / "bundle")
    signer = Signer(folder / "key.pem").sign(folder / "bundle")
    context = image_context(folder / "bundle", str(base), str(PLATFORM), folder / "runtime", signer)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in wheels.items():
            patch.setenv(name, value)
        with image_builder(LIMIT_S, kept=folder / "kept") as builder:
            pushed = builder.push(builder.build(context), Reference.parse(f"{registry.host}/tripled:1"))
        yield containers.pull(str(pushed))


def _until_ready(url: str, container: ContainerUnderTest) -> None:
    for _ in range(round(LIMIT_S / POLL_S)):
        try:
            if httpx2.get(f"{url}/readyz", trust_env=False).status_code == httpx2.codes.OK:
                return
        except httpx2.HTTPError:
            pass
        Event().wait(POLL_S)
    raise AssertionError(container.log)


def _command(management: str, *arguments: str) -> None:
    settings = {"CLIPPER_SLS_MANAGEMENT_URL": management, "CLIPPER_SLS_MANAGEMENT_TOKEN": TOKEN}
    done = subprocess.run(
        [sys.executable, "-m", "clipper_sls", *arguments],
        env={**os.environ, **settings},  # noqa: TID251
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_front_end_and_a_model_are_two_containers(
    containers: DockerEngineUnderTest, frontend: str, model: str
) -> None:
    ports = [str(free_port()) for _ in range(3)]
    served, query, management = (f"http://127.0.0.1:{port}" for port in ports)
    here = {"CLIPPER_SERVER_HOST": "127.0.0.1", "CLIPPER_SERVER_PORT": ports[0]}
    front = {
        "CLIPPER_SLS_HOST": "127.0.0.1",
        "CLIPPER_SLS_QUERY_PORT": ports[1],
        "CLIPPER_SLS_MANAGEMENT_PORT": ports[2],
        "CLIPPER_SLS_MANAGEMENT_TOKEN": TOKEN,
    }
    with containers.container(model, here) as serving, containers.container(frontend, front) as answering:
        _until_ready(served, serving)
        _until_ready(query, answering)
        assert httpx2.post(f"{management}/admin/get_all_applications", json={}, trust_env=False).status_code == 401
        _command(management, "register", "app", "-i", "doubles", "-d", "none", "--slo-ms", "10000")
        _command(management, "register-model", "tripled", "-v", "1", "-i", "doubles", "--url", served, "--app", "app")
        answer = httpx2.post(f"{query}/app/predict", json={"input": [1.0, 2.0]}, trust_env=False).json()
        assert (answer["output"], answer["default"]) == (9.0, False), answering.log
