"""An image that a Docker engine has built, and one that was made without it, are the same to whoever runs them."""

import io
import json
import os
import secrets
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clipper_sls.bootstrap.images import DockerBuild, image_builder, image_context
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import BILL_OF_MATERIALS
from clipper_sls.domain.image.model_config import name_in_engine
from clipper_sls.domain.image.references import Reference
from clipper_sls.image_errors import ImageBuildError
from clipper_sls.packaging.bundling import bundle_closure
from clipper_sls.packaging.runtime_package import RUNTIME_PACKAGES
from clipper_sls.packaging.signing import Signer
from clipper_sls.testing.docker_engine import DockerEngineUnderTest
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.images import PulledImage
from clipper_sls.testing.python_base import PLATFORM, push_python_base
from clipper_sls.testing.runtime_api import Reply
from clipper_sls.testing.wheel_index import only_wheels_over_http

LIMIT_S = 240
NAME = f"both-{secrets.token_hex(4)}"
"""Another process that runs these tests must not remove what this one is looking at."""

BACKEND = b"""
import zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    info, name = "fromsource-1.0.dist-info", "fromsource-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as wheel:
        wheel.writestr("fromsource.py", "FACTOR = 3\\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: fromsource\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/RECORD", f"fromsource.py,,\\n{info}/METADATA,,\\n{info}/WHEEL,,\\n{info}/RECORD,,\\n")
    return name
"""
PROJECT = b"""
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "fromsource"
version = "1.0"
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def tripled(inputs: Any) -> Any:
    """Needs numpy and the package."""
    import tinypackage

    return [float(np.sum(row)) * len(tinypackage.__name__) for row in inputs]


def from_source(inputs: Any) -> Any:
    """Needs a package that has no wheel."""
    import fromsource

    return [fromsource.FACTOR] * len(inputs)


def _sdist(folder: Path) -> None:
    with tarfile.open(folder / "fromsource-1.0.tar.gz", "w:gz") as tar:
        for name, content in {
            "backend.py": BACKEND,
            "pyproject.toml": PROJECT,
            "PKG-INFO": b"Name: fromsource\n",
        }.items():
            member = tarfile.TarInfo(f"fromsource-1.0/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


@pytest.fixture(scope="module")
def index(wheels: dict[str, str]) -> Iterator[dict[str, str]]:
    """The same packages for both builders, one of which is there as source only; also as variables of this process."""
    folder = Path(wheels["UV_FIND_LINKS"])
    _sdist(folder)
    with only_wheels_over_http(folder) as over_http, pytest.MonkeyPatch.context() as patch:
        for variable, value in {**wheels, **over_http}.items():
            patch.setenv(variable, value)
        yield {**wheels, **over_http}


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return push_python_base(Reference.parse(f"{registry.host}/python:1"), tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def base_with_packages(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """With all that the runtime needs, so that an image on it has few packages of its own."""
    place = Reference.parse(f"{registry.host}/packages:1")
    return push_python_base(place, tmp_path_factory.mktemp("packages"), RUNTIME_PACKAGES)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The user's: layers that Docker's engine and we have made once are made once."""
    return tmp_path_factory.mktemp("cache")


@dataclass(frozen=True)
class Built:
    """One model by both: pushed images, and ids in the engine; `kept` is what Docker's engine has by itself."""

    context: ImageContext
    with_docker: PulledImage
    without: PulledImage
    ids: dict[str, str]


def _context(function: Any, package: str, base: Reference, folder: Path) -> ImageContext:
    target = {"name": NAME, "version": "1", "input_type": "doubles", "pkgs_to_install": (package,)}
    bundle_closure(function, **target, destination=folder / "bundle")
    signer = Signer(folder / "key.pem").sign(folder / "bundle")
    return image_context(folder / "bundle", str(base), str(PLATFORM), folder / "runtime", signer)


@pytest.fixture(scope="module")
def built(
    index: dict[str, str],
    base: Reference,
    containers: DockerEngineUnderTest,
    registry: DockerRegistryUnderTest,
    cache: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Built:
    folder = tmp_path_factory.mktemp("both")
    context = _context(tripled, "tinypackage==1.0", base, folder)
    docker = DockerBuild(network="host", builder=None, tell=lambda line: None)
    pushed = {}
    for name, how in {"with": docker, "without": None}.items():
        with image_builder(LIMIT_S, kept=cache / "clipper-sls/images", docker=how) as builder:
            place = Reference.parse(f"{registry.host}/{name}:1")
            pushed[name] = builder.push(builder.build(context), place)
    ids = {name: containers.pull(str(reference)) for name, reference in pushed.items()}
    kept = containers.owned(name_in_engine(context.manifest))
    return Built(context, PulledImage(pushed["with"]), PulledImage(pushed["without"]), {**ids, "kept": kept})


def test_they_are_started_alike(built: Built, containers: DockerEngineUnderTest) -> None:
    assert built.with_docker.config.config == built.without.config.config
    found = {name: containers.client.images.get(image).attrs["Config"] for name, image in built.ids.items()}
    for field in ("User", "Entrypoint", "Cmd", "WorkingDir", "ExposedPorts", "Labels"):
        values = {name: config.get(field) or None for name, config in found.items()}
        if field == "Labels":
            values["kept"].pop("clipper-sls.build", None)
        assert values["kept"] == values["without"] == values["with"], field
    assert sorted(found["kept"]["Env"]) == sorted(found["without"]["Env"])


def test_they_hold_the_same_packages_and_code(built: Built) -> None:
    with_docker, without = built.with_docker.files(), built.without.files()
    assert with_docker.keys() - without.keys() == without.keys() - with_docker.keys() == set()
    different = {path for path in without if with_docker[path] != without[path]}
    assert {path for path in different if not path.endswith(("/INSTALLER", "/RECORD"))} == {BILL_OF_MATERIALS}
    bills = [json.loads(files[BILL_OF_MATERIALS]) for files in (with_docker, without)]  # pip does not name its wheels
    listed = [sorted((one["name"], one.get("version")) for one in bill["components"]) for bill in bills]
    assert listed[0] == listed[1]
    kinds = [
        [layer.annotations.get("clipper-sls.layer") for layer in one.manifest.layers]
        for one in (built.with_docker, built.without)
    ]
    assert kinds[0] == kinds[1]


def test_they_answer_alike(built: Built, running: Any, event: bytes, rows: Any) -> None:
    expected = Reply("response", {"outputs": [float(np.sum(row)) * 11 for row in rows], "errors": []})
    for name, image in built.ids.items():
        with running(image) as (api, container):
            assert api.ask(event) == expected, (name, container.log)


def test_only_docker_compiles_what_has_no_wheel(
    index: dict[str, str],
    base_with_packages: Reference,
    cache: Path,
    containers: DockerEngineUnderTest,
    running: Any,
    event: bytes,
    rows: Any,
    registry: DockerRegistryUnderTest,
    tmp_path: Path,
) -> None:
    context = _context(from_source, "fromsource==1.0", base_with_packages, tmp_path)
    context = replace(context, packages=("fromsource==1.0",), constraints=())
    with (
        image_builder(LIMIT_S, kept=cache / "clipper-sls/images") as builder,
        pytest.raises(ImageBuildError, match="needs a wheel"),
    ):
        builder.build(context)
    docker = DockerBuild(network="host", builder=str(base_with_packages), tell=lambda line: None)
    with image_builder(LIMIT_S, kept=cache / "clipper-sls/images", docker=docker) as builder:
        pushed = builder.push(builder.build(context), Reference.parse(f"{registry.host}/source:1"))
    containers.owned(name_in_engine(context.manifest))
    with running(containers.pull(str(pushed))) as (api, container):
        assert api.ask(event) == Reply("response", {"outputs": [3] * len(rows), "errors": []}), container.log


def test_the_command_shows_what_docker_does_and_names_what_it_keeps(
    index: dict[str, str], base: Reference, containers: DockerEngineUnderTest, cache: Path, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("def predict(inputs):\n    return [1.0] * len(inputs)\n")
    model = ("--name", NAME, "--version", "1", "--input-type", "doubles", "--platform", str(PLATFORM))
    command = (sys.executable, "-m", "clipper_sls", "image", "build", "train:predict", *model, "--base", str(base))

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, **index, "XDG_CACHE_HOME": str(cache)}  # noqa: TID251
        words = [*command, *more]
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=LIMIT_S)

    done = run("--docker", "--build-network", "host", "--package", "tinypackage==1.0", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["image"] == containers.owned(f"{NAME}:1")
    assert "Step 1/" in done.stderr
    assert containers.client.images.get(document["image"]).attrs["Config"]["Labels"]["clipper-sls.model"] == NAME
    refused = run("--build-network", "host", "--output", "image.tar")
    assert refused.returncode == 2
    assert "are for builds with --docker" in refused.stderr
    failed = run("--docker", "--build-network", "host", "--package", "absent-package==1")
    assert failed.returncode == 1
    assert "No matching distribution found for absent-package==1" in failed.stderr
