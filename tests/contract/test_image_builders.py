import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from clipper_sls.adapters.oci.image_builder import OciImageBuilder
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.packages import WheelPackages
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.testing.contracts.image_builder import FILES, PACKAGE, PACKAGE_FILES, ImageBuilderContract
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest, docker_registry
from clipper_sls.testing.images import BASE_FILE, PulledImage, bundle_of, context_of, only_wheels_in, push_base, wheel

_names = itertools.count()


def _never(seconds: float) -> None:
    raise AssertionError("a good registry needs no pause")


@pytest.fixture(scope="module")
def base(registry: DockerRegistryUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Reference:
    reference = Reference.parse(f"{registry.host}/base:1")
    push_base(reference, tmp_path_factory.mktemp("base"))
    return reference


@pytest.fixture
def context(base: Reference, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ImageContext:
    wheel(tmp_path / "wheels", PACKAGE_FILES)
    for variable, value in only_wheels_in(tmp_path / "wheels").items():
        monkeypatch.setenv(variable, value)
    manifest = bundle_of(tmp_path / "bundle", FILES)
    return context_of(tmp_path / "bundle", manifest, base, (f"{PACKAGE}==1.0",), tmp_path / "runtime")


@pytest.fixture
def place(registry: DockerRegistryUnderTest) -> Reference:
    return Reference.parse(f"{registry.host}/models/of-{next(_names)}:1")


class TestOciImageBuilder(ImageBuilderContract):
    @pytest.fixture
    def builder(self, tmp_path: Path) -> Iterator[OciImageBuilder]:
        with Registries(docker_config=tmp_path / "none", pause=_never) as registries:
            yield OciImageBuilder(
                layout=Layout(tmp_path / "layout"), registries=registries, packages=WheelPackages(timeout_s=60)
            )

    @pytest.fixture
    def patient_builder(self, tmp_path: Path) -> Iterator[OciImageBuilder]:
        with Registries(docker_config=tmp_path / "none", pause=lambda seconds: None) as registries:
            yield OciImageBuilder(
                layout=Layout(tmp_path / "layout"), registries=registries, packages=WheelPackages(timeout_s=60)
            )


def test_a_base_of_another_registry_is_fetched_and_sent(
    context: ImageContext, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        docker_registry(tmp_path_factory.mktemp("elsewhere")) as elsewhere,
        Registries(docker_config=tmp_path / "none", pause=_never) as registries,
    ):
        layout = Layout(tmp_path / "layout")
        builder = OciImageBuilder(layout=layout, registries=registries, packages=WheelPackages(timeout_s=60))
        image = builder.build(context)
        pinned = builder.push(image, Reference.parse(f"{elsewhere.host}/tiny:1"))
        assert PulledImage(pinned).files()[BASE_FILE] == b"linux/amd64"


def test_within_one_registry_nothing_of_the_base_is_fetched(
    context: ImageContext, place: Reference, tmp_path: Path
) -> None:
    with Registries(docker_config=tmp_path / "none", pause=_never) as registries:
        layout = Layout(tmp_path / "layout")
        builder = OciImageBuilder(layout=layout, registries=registries, packages=WheelPackages(timeout_s=60))
        pulled = PulledImage(builder.push(builder.build(context), place))
    assert not layout.has(pulled.manifest.layers[0])
    assert pulled.files()[BASE_FILE] == b"linux/amd64"


def test_an_image_for_another_platform_has_the_base_of_that_platform(
    context: ImageContext, place: Reference, tmp_path: Path
) -> None:
    with Registries(docker_config=tmp_path / "none", pause=_never) as registries:
        builder = OciImageBuilder(
            layout=Layout(tmp_path / "l"), registries=registries, packages=WheelPackages(timeout_s=60)
        )
        image = builder.build(replace(context, platform=Platform.ARM64))
        pulled = PulledImage(builder.push(image, place))
    assert pulled.config.architecture == "arm64"
    assert pulled.files()[BASE_FILE] == b"linux/arm64"
