"""A small model, an index of all that its image needs, a base in a real registry, and the image, built once."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.packaging.runtime_package import RUNTIME_PACKAGES, SERVER_PACKAGES
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.images import only_wheels_in, push_base, wheel
from clipper_sls.testing.installed_packages import closure, repacked

HERE = {"x86_64": Platform.AMD64, "aarch64": Platform.ARM64}.get(platform.machine())
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LIMIT_S = 90
TRAIN = """
import os
import time

def predict(inputs):
    import tinypackage
    if any(row[0] == -1.0 for row in inputs):
        print("dying", flush=True)
        os.abort()
    seconds = {-2.0: 1.0, -3.0: 60.0}.get(inputs[0][0])
    if seconds:
        print("thinking", flush=True)
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            pass
    return [tinypackage.FACTOR * float(sum(row)) for row in inputs]
"""

Command = Callable[..., "subprocess.CompletedProcess[str]"]
BuildArguments = Callable[..., tuple[object, ...]]


@pytest.fixture(scope="session")
def here() -> Platform:
    if HERE is None:
        pytest.skip("NOT TESTED HERE: images are for amd64 and arm64")
    return HERE


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(TRAIN)
    return folder


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An index of what an image needs, and nothing more."""
    folder = tmp_path_factory.mktemp("wheels")
    for found in closure((*RUNTIME_PACKAGES, *SERVER_PACKAGES)):
        repacked(found, folder)
    wheel(folder, {"tinypackage.py": b"FACTOR = 3\n"})
    return {**os.environ, **only_wheels_in(folder), "DOCKER_CONFIG": str(folder / "docker")}  # noqa: TID251


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> str:
    reference = Reference.parse(f"{registry.host}/base:1")
    push_base(reference, tmp_path_factory.mktemp("base"), (f"PYTHON_VERSION={PYTHON}.1",))
    return str(reference)


@pytest.fixture(scope="module")
def command(project: Path, variables: Mapping[str, str]) -> Command:
    """`clipper-sls image ...` in the project's folder, with `more` variables."""

    def run(*arguments: object, **more: str) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            [sys.executable, "-m", "clipper_sls", "image", *map(str, arguments)],
            cwd=project,
            env={**variables, **more},
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return run


@pytest.fixture(scope="module")
def build_arguments(base: str, here: Platform) -> BuildArguments:
    """What `command` builds the project's model with, and `more`, on another base if need be."""

    def arguments(*more: object, base: str = base) -> tuple[object, ...]:
        model = ("--name", "tripled", "--version", "1", "--input-type", "doubles", "--package", "tinypackage==1.0")
        return ("build", "train:predict", *model, "--base", base, "--platform", here, "--json", *more)

    return arguments


@pytest.fixture(scope="module")
def built(
    command: Command,
    build_arguments: BuildArguments,
    registry: DockerRegistryUnderTest,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, Any], Path]:
    """What the command said, and the folder that it has written."""
    folder = tmp_path_factory.mktemp("built") / "image"
    done = command(*build_arguments("--push", f"{registry.host}/tripled:1", "--output", folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), folder
