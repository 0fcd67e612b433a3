"""Images of functions: in a registry, made without Docker, or where AWS is this machine bundles in a folder."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

from clipper_sls.adapters.oci.credentials import Credentials, docker_config_path
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.sources import from_registry
from clipper_sls.bootstrap.images import image_builder, image_context
from clipper_sls.config import Settings
from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.deployment.content import Architecture
from clipper_sls.domain.functions.names import image_tag
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.image.building import BuiltImage
from clipper_sls.domain.image.model_config import BUNDLE_DIGEST_LABEL, INPUT_TYPE_LABEL
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.image.report import check_budget
from clipper_sls.errors import ClipperError, UnsupportedImageError
from clipper_sls.image_errors import UnknownImageError
from clipper_sls.packaging.signing import Signer
from clipper_sls.ports.image_builder import ImageBuilder
from clipper_sls.ports.image_publisher import ImagePublisher

AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".amazonaws.eu")

Login = Callable[[], tuple[str, str]]
"""User name and password of a registry."""


@dataclass
class FolderImages:
    """Implements `ImagePublisher`: a bundle by its digest stands for the image, and nothing is built."""

    folder: Path
    repository: str
    signer: Signer
    _prepared: dict[str, Path] = field(default_factory=dict)

    def prepare(self, model: ModelId, bundle: Path, architecture: Architecture) -> str:
        self.signer.sign(bundle)
        digest = Manifest.from_json((bundle / MANIFEST_NAME).read_bytes()).digest
        image = f"{self.repository}@sha256:{digest}"
        self._prepared[image] = bundle
        return image

    def is_published(self, image: str) -> bool:
        return self._place(image).exists()

    def publish(self, image: str) -> None:
        """A bundle is there as a whole or not at all, whoever else brings the same one."""
        place = self._place(image)
        self.folder.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".publishing-", dir=self.folder))
        try:
            shutil.copytree(self._prepared[image], draft / place.name)
            (draft / place.name).rename(place)
        except OSError:
            if not place.exists():
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _place(self, image: str) -> Path:
        return self.folder / image.rpartition(":")[2]


@dataclass
class RegistryImages:
    """Implements `ImagePublisher`: images in `repository`, each under a tag of its own.

    Tags there cannot be moved, and a version that never came to be registered may be deployed again with other content.
    """

    repository: str
    builder: ImageBuilder
    registries: Registries
    signer: Signer
    base: str | None
    max_bytes: int
    scratch: Path
    _prepared: dict[str, tuple[BuiltImage, Reference]] = field(default_factory=dict)

    def prepare(self, model: ModelId, bundle: Path, architecture: Architecture) -> str:
        self.builder.reach(Reference.parse(self.repository))
        key = self.signer.sign(bundle)
        built = self.builder.build(image_context(bundle, self.base, architecture.platform, self.scratch, key))
        check_budget(built.report, self.max_bytes, str(model))
        image = f"{self.repository}@{built.digest}"
        self._prepared[image] = (built, Reference.parse(f"{self.repository}:{image_tag(model, built.digest)}"))
        return image

    def is_published(self, image: str) -> bool:
        reference = Reference.parse(image)
        try:
            self.registries.repository(reference).manifest(reference)
        except UnknownImageError:
            return False
        return True

    def publish(self, image: str) -> None:
        """Who deploys the same at the same time may have been faster; then the tag is taken, as it should be."""
        built, target = self._prepared[image]
        try:
            self.builder.push(built, target)
        except ClipperError:
            if not self.is_published(image):
                raise


@dataclass(frozen=True, slots=True)
class PresentImage:
    """Implements `ImagePublisher` for an image that somebody has pushed: there is nothing left to do."""

    image: str  # by digest
    bundle_digest: str
    input_type: str

    def prepare(self, model: ModelId, bundle: Path, architecture: Architecture) -> str:
        return self.image

    def is_published(self, image: str) -> bool:
        return True

    def publish(self, image: str) -> None:
        return


def present_image(name: str, architecture: Architecture, login: Login) -> PresentImage:
    """The image of that name, for the architecture. Raises UnsupportedImageError when it holds no model of ours.

    UnknownImageError, RegistryRefusedError and ImageRegistryError as registries give them.
    """
    reference = Reference.parse(name)
    with tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder, _registries(reference.registry, login) as there:
        found = from_registry(there, reference, Layout(Path(folder)), architecture.platform)
    labels = found.config.config.labels or {}
    if BUNDLE_DIGEST_LABEL not in labels:
        raise UnsupportedImageError(
            f"Image '{name}' cannot be deployed: it has no label {BUNDLE_DIGEST_LABEL}, so it holds no model of ours. "
            f"Make one with: clipper-sls image build"
        )
    pinned = str(reference.pinned(found.digest))
    return PresentImage(pinned, labels[BUNDLE_DIGEST_LABEL], labels.get(INPUT_TYPE_LABEL, ""))


def _registries(registry: str, login: Login) -> Registries:
    """Amazon's are logged in to; for others there is what Docker knows."""
    logins = {registry: Credentials(*login())} if registry.endswith(AMAZON) else {}
    return Registries(docker_config=docker_config_path(), pause=Event().wait, logins=logins)


@contextmanager
def function_images(settings: Settings, repository: str, signer: Signer, login: Login) -> Iterator[ImagePublisher]:
    """Where the images of `repository` go: the setting image_folder stands for it, if it is set.

    `login` is asked for the registry of `repository`, unless Docker's configuration knows it. Raises
    RegistryRefusedError, and what `login` raises.
    """
    if settings.image_folder is not None:
        yield FolderImages(settings.image_folder.expanduser(), repository, signer)
        return
    with (
        _registries(Reference.parse(repository).registry, login) as registries,
        image_builder(settings.environment_timeout_s, registries=registries) as builder,
        tempfile.TemporaryDirectory(prefix="clipper-sls-") as scratch,
    ):
        yield RegistryImages(
            repository=repository,
            builder=builder,
            registries=registries,
            signer=signer,
            base=settings.container_base,
            max_bytes=settings.max_image_bytes,
            scratch=Path(scratch),
        )
