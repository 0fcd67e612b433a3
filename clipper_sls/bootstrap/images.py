"""Images of model versions: the builder, what it is given, and how images are looked at."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import platformdirs

from clipper_sls import __version__
from clipper_sls.adapters.engine.environment_choice import constraints_for, packages_for, settled
from clipper_sls.adapters.local.system_clock import SystemClock
from clipper_sls.adapters.oci.credentials import docker_config_path
from clipper_sls.adapters.oci.image_builder import OciImageBuilder
from clipper_sls.adapters.oci.layer_files import file_in, layer_of
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.packages import Packages, WheelPackages
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.sources import from_layout, from_registry, named, open_image, opened
from clipper_sls.domain.bundle import MANIFEST_NAME, SIGNATURE_FILE, Manifest
from clipper_sls.domain.image.building import ImageContext, Provenance, ServerPart
from clipper_sls.domain.image.contents import BILL_OF_MATERIALS, LayerKind
from clipper_sls.domain.image.model_config import name_in_engine
from clipper_sls.domain.image.platforms import Platform
from clipper_sls.domain.image.references import Reference
from clipper_sls.domain.image.report import ImageReport, report_on
from clipper_sls.domain.lock import locked_packages
from clipper_sls.domain.trust import PublicKey, verified_statement
from clipper_sls.errors import InvalidSettingError
from clipper_sls.image_errors import UnknownImageError
from clipper_sls.packaging.runtime_images import runtime_image
from clipper_sls.packaging.runtime_package import (
    RUNTIME_REQUIREMENTS,
    runtime_lock,
    server_requirements,
    stage_runtime,
    stage_server,
)
from clipper_sls.ports.image_builder import ImageBuilder

MAX_KEPT_BYTES = 10 << 30
MIN_KEPT_S = 24 * 3600.0
"""Of layers of earlier builds, and of bases: how much is kept, and how long at least, as another build may need it."""


@dataclass(frozen=True, slots=True)
class DockerBuild:
    """How a Docker engine is to build: on which network, with which image for what is compiled, and who is told."""

    network: str | None
    builder: str | None
    tell: Callable[[str], object]


@contextmanager
def image_builder(
    packages_timeout_s: float,
    kept: Path | None = None,
    docker: DockerBuild | None = None,
    registries: Registries | None = None,
) -> Iterator[ImageBuilder]:
    """A builder, without Docker unless it is asked for.

    Layers are kept in the folder `kept`, by default among the user's caches; without `registries`, who is logged in is
    as Docker knows it. Raises InvalidNameError,
    ContainerEngineError, and InvalidSettingError where the package that speaks to Docker is not installed.
    """
    layout = Layout(kept or platformdirs.user_cache_path("clipper-sls") / "images")
    with open_registries() as usual, _packages(packages_timeout_s, docker) as packages:
        yield OciImageBuilder(layout=layout, registries=registries or usual, packages=packages)
    layout.prune(MAX_KEPT_BYTES, SystemClock().wall() - MIN_KEPT_S)


@contextmanager
def _packages(timeout_s: float, docker: DockerBuild | None) -> Iterator[Packages]:
    if docker is None:
        yield WheelPackages(timeout_s=timeout_s)
        return
    try:
        from clipper_sls.adapters.docker.engine import docker_engine
        from clipper_sls.adapters.docker.packages import DockerPackages
    except ModuleNotFoundError as error:
        raise InvalidSettingError(
            f"Building with Docker needs the module {error.name!r}, which is not installed here: "
            f"pip install 'clipper-sls[docker]'. Without --docker an image is built without it"
        ) from error
    builder = None if docker.builder is None else Reference.parse(docker.builder)
    with docker_engine(timeout_s=timeout_s, tell=docker.tell) as engine:
        yield DockerPackages(
            engine=engine,
            image=runtime_image("python"),
            builder=builder,
            network=docker.network,
            named=name_in_engine,
        )


def image_context(
    bundle: Path, base: str | None, platform: str, scratch: Path, signer: PublicKey | None
) -> ImageContext:
    """What to build for the bundle in the folder `bundle`; without `base` on the official image of its Python.

    `signer` has signed it; None leaves its signature out. The runtime's sources are written below `scratch`.
    Raises InvalidNameError, InvalidSettingError.
    """
    manifest = Manifest.from_json((bundle / MANIFEST_NAME).read_bytes())
    packages = packages_for(manifest, RUNTIME_REQUIREMENTS)
    lock = locked_packages(manifest, lambda path: (bundle / path).read_bytes())
    return ImageContext(
        bundle=bundle,
        manifest=manifest,
        base=Reference.parse(base or f"python:{manifest.python}-slim"),
        platform=Platform.parse(platform),
        packages=packages,
        constraints=constraints_for(packages, settled(manifest, lock, runtime_lock())),
        runtime=stage_runtime(scratch),
        server=ServerPart(server_requirements(), stage_server(scratch)),
        release=__version__,
        provenance=_provenance(bundle, manifest, signer),
    )


def _provenance(bundle: Path, manifest: Manifest, signer: PublicKey | None) -> Provenance | None:
    if signer is None:
        return None
    statement = verified_statement((bundle / SIGNATURE_FILE).read_bytes(), manifest, [signer])
    return Provenance(str(signer), statement.revision)


def inspect_image(name: str, platform: str | None) -> ImageReport:
    """Of a folder or archive that a builder saved, if `name` is a path to one, else of an image in a registry.

    Raises InvalidImageError, InvalidNameError, UnknownImageError and what registries raise.
    """
    if (path := Path(name)).exists():
        with opened(path) as layout:
            digest = layout.only_image().digest
            source = from_layout(layout, digest, name)
            return report_on(digest, source.manifest, source.config)
    wanted = None if platform is None else Platform.parse(platform)
    with tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder, open_registries() as registries:
        found = from_registry(registries, named(name), Layout(Path(folder)), wanted)
        report = report_on(found.digest, found.manifest, found.config)
        if wanted not in (None, report.platform):
            raise UnknownImageError(f"The image {name} is for {report.platform}, and there is none for {wanted}")
        return report


def image_bill(name: str, platform: str | None) -> bytes:
    """The bill of materials in an image, which is given as for `inspect_image`; raises what that raises."""
    wanted = None if platform is None else Platform.parse(platform)
    with (
        tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder,
        open_registries() as registries,
        open_image(registries, name, wanted, Path(folder)) as image,
    ):
        layer = layer_of(image.source.manifest, LayerKind.CODE, name)
        image.fetch(layer)
        return file_in(image.layout, layer, BILL_OF_MATERIALS)


def open_registries() -> Registries:
    """With what `docker login` has left."""
    return Registries(docker_config=docker_config_path(), pause=Event().wait)
