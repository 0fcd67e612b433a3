"""The suite of image builders over packages that a Docker engine installs, on a base with a Python."""

import itertools
import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clipper_sls.adapters.docker.engine import docker_engine
from clipper_sls.adapters.docker.packages import DockerPackages
from clipper_sls.adapters.oci.image_builder import OciImageBuilder
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.tar_stream import FileEntry
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.errors import InvalidSettingError
from clipper_sls.packaging.runtime_images import runtime_image
from clipper_sls.testing.contracts.image_builder import FILES, PACKAGE, PACKAGE_FILES, ImageBuilderContract
from clipper_sls.testing.docker_engine import DockerEngineUnderTest
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.images import BASE_FILE, bundle_of, context_of, wheel
from clipper_sls.testing.python_base import PLATFORM, push_python_base
from clipper_sls.testing.wheel_index import only_wheels_over_http

_names = itertools.count()
KEPT = f"clipper-sls-contract-{secrets.token_hex(4)}"
"""Another process that runs these tests must not remove what this one is looking at."""

pytestmark = pytest.mark.slow


def _never(seconds: float) -> None:
    raise AssertionError("a good registry needs no pause")


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    reference = Reference.parse(f"{registry.host}/python:1")
    files = {BASE_FILE: FileEntry(PLATFORM.value.encode())}
    push_python_base(reference, tmp_path_factory.mktemp("base"), files=files)
    return reference


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One address for all tests: the engine takes from its cache what is asked for a second time."""
    wheels = tmp_path_factory.mktemp("wheels")
    wheel(wheels, PACKAGE_FILES)
    with only_wheels_over_http(wheels) as variables, pytest.MonkeyPatch.context() as patch:
        for variable, value in variables.items():
            patch.setenv(variable, value)
        yield


@pytest.fixture
def context(base: Reference, index: None, tmp_path: Path) -> ImageContext:
    manifest = bundle_of(tmp_path / "bundle", FILES)
    context = context_of(tmp_path / "bundle", manifest, base, (f"{PACKAGE}==1.0",), tmp_path / "runtime")
    return replace(context, platform=PLATFORM)


@pytest.fixture
def place(registry: DockerRegistryUnderTest) -> Reference:
    return Reference.parse(f"{registry.host}/models/of-{next(_names)}:1")


@pytest.fixture
def told() -> list[str]:
    """Lines that the engine's build printed."""
    return []


@pytest.fixture
def packages(containers: DockerEngineUnderTest, told: list[str]) -> Iterator[DockerPackages]:
    with docker_engine(timeout_s=60, tell=told.append) as engine:
        yield DockerPackages(
            engine=engine,
            image=runtime_image("python"),
            builder=None,
            network="host",
            named=lambda manifest: containers.owned(f"{KEPT}:{manifest.version}"),
        )


@pytest.fixture
def builder(packages: DockerPackages, tmp_path: Path) -> Iterator[OciImageBuilder]:
    with Registries(docker_config=tmp_path / "none", pause=_never) as registries:
        yield OciImageBuilder(layout=Layout(tmp_path / "layout"), registries=registries, packages=packages)


@pytest.fixture
def patient_builder(packages: DockerPackages, tmp_path: Path) -> Iterator[OciImageBuilder]:
    with Registries(docker_config=tmp_path / "none", pause=lambda seconds: None) as registries:
        yield OciImageBuilder(layout=Layout(tmp_path / "layout"), registries=registries, packages=packages)


class TestDockerImageBuilder(ImageBuilderContract):
    pass


def test_the_engines_log_is_told(builder: OciImageBuilder, context: ImageContext, told: list[str]) -> None:
    builder.build(context)
    assert told[0].startswith("Step 1/")
    assert f"Successfully tagged {KEPT}:1" in told


def test_an_engine_of_another_platform_is_named(packages: DockerPackages, context: ImageContext) -> None:
    (other,) = set(Platform) - {context.platform}
    context = replace(context, platform=other)
    with (
        pytest.raises(InvalidSettingError, match="Without --docker images for every platform"),
        packages.opened(context, context.base),
    ):
        pass
