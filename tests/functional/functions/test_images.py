"""Images on their way to Lambda: into a real registry, and into a folder that stands for one."""

import sys
from pathlib import Path

import pytest

from clipper_sls.bootstrap.function_images import FolderImages, function_images, present_image
from clipper_sls.config import Settings
from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.deployment.content import Architecture
from clipper_sls.domain.functions.names import image_tag
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.image.references import Reference
from clipper_sls.errors import UnsupportedImageError
from clipper_sls.image_errors import ImageRegistryError
from clipper_sls.packaging.bundling import bundle_builtin
from clipper_sls.packaging.runtime_package import RUNTIME_PACKAGES, SERVER_PACKAGES
from clipper_sls.packaging.signing import Signer
from clipper_sls.testing.docker_registry import DockerRegistryUnderTest
from clipper_sls.testing.faulty_proxy import Answer, Fault, faulty_proxy
from clipper_sls.testing.images import PulledImage, only_wheels_in, push_base
from clipper_sls.testing.installed_packages import closure, repacked
from clipper_sls.testing.ports import free_port

MODEL = ModelId.of("noop", "1")


def _bundle(folder: Path) -> Path:
    bundle_builtin("builtin:noop", name="noop", version="1", input_type="doubles", destination=folder)
    return folder


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An index of what an image needs, and nothing more."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for found in closure((*RUNTIME_PACKAGES, *SERVER_PACKAGES)):
        repacked(found, folder)
    for name, value in only_wheels_in(folder).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


def _no_login() -> tuple[str, str]:
    raise AssertionError("only Amazon's registries are logged in to")


def test_a_bundle_in_a_folder_stands_for_the_image(signing_key: Path, tmp_path: Path) -> None:
    images = FolderImages(tmp_path / "images", "nowhere/models", Signer(signing_key, None))
    image = images.prepare(MODEL, _bundle(tmp_path / "bundle"), Architecture.X86_64)
    repository, _, digest = image.partition("@sha256:")
    assert (repository, images.is_published(image)) == ("nowhere/models", False)
    for _ in range(2):
        images.publish(image)
    assert images.is_published(image)
    assert [one.name for one in (tmp_path / "images").iterdir()] == [digest]
    assert {one.name for one in (tmp_path / "images" / digest).iterdir()} >= {"manifest.json", "signature.json"}


def test_an_image_is_pushed_by_digest_and_seen_to_be_there(
    registry: DockerRegistryUnderTest, wheels: None, signing_key: Path, tmp_path: Path
) -> None:
    base = Reference.parse(f"{registry.host}/base:1")
    push_base(base, tmp_path / "base", (f"PYTHON_VERSION={sys.version_info.major}.{sys.version_info.minor}.1",))
    settings = Settings.load(container_base=str(base))
    repository = f"{registry.host}/st/models"
    with function_images(settings, repository, Signer(signing_key, None), _no_login) as images:
        image = images.prepare(MODEL, _bundle(tmp_path / "bundle"), Architecture.X86_64)
        assert not images.is_published(image)
        for _ in range(2):
            images.publish(image)
        assert images.is_published(image)
    pulled = PulledImage(Reference.parse(image))
    assert image == f"{repository}@{pulled.digest}"
    tagged = f"{repository}:{image_tag(MODEL, pulled.digest)}"
    assert pulled.digest == PulledImage(Reference.parse(tagged)).digest
    found = present_image(tagged, Architecture.X86_64, _no_login)
    assert (found.image, found.input_type) == (image, "doubles")
    assert found.bundle_digest == Manifest.from_json((tmp_path / "bundle" / MANIFEST_NAME).read_bytes()).digest
    with pytest.raises(UnsupportedImageError, match="no model of ours"):
        present_image(str(base), Architecture.ARM64, _no_login)


def test_a_registry_that_is_away_is_noticed_before_anything_is_built(signing_key: Path, tmp_path: Path) -> None:
    repository = f"127.0.0.1:{free_port()}/st/models"
    with (
        function_images(Settings.load(), repository, Signer(signing_key, None), _no_login) as images,
        pytest.raises(ImageRegistryError),
    ):
        images.prepare(MODEL, _bundle(tmp_path / "bundle"), Architecture.X86_64)
    assert not (tmp_path / "bundle" / "signature.json").exists()


def test_who_pushes_what_somebody_else_has_pushed_meanwhile_is_content(
    registry: DockerRegistryUnderTest, wheels: None, signing_key: Path, tmp_path: Path
) -> None:
    """ECR refuses a tag that is taken, be it by the same image."""
    base = Reference.parse(f"{registry.host}/base:2")
    push_base(base, tmp_path / "base", (f"PYTHON_VERSION={sys.version_info.major}.{sys.version_info.minor}.1",))
    settings = Settings.load(container_base=str(base))
    with (
        faulty_proxy(registry.host) as ecr,
        function_images(settings, f"{ecr.host}/st/raced", Signer(signing_key, None), _no_login) as images,
    ):
        image = images.prepare(MODEL, _bundle(tmp_path / "bundle"), Architecture.X86_64)
        ecr.fail(Fault("PUT", "/manifests/", Answer(400)))
        with pytest.raises(ImageRegistryError):
            images.publish(image)
        images.publish(image)
        ecr.fail(Fault("PUT", "/manifests/", Answer(400)))
        images.publish(image)
