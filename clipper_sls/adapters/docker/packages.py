"""The packages of a model version, installed inside its base by a Docker engine: what has no wheel is compiled there.

The engine builds the whole image, from `runtime_images/python`, and keeps it under the model's name, ready to be run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.adapters.docker.build_context import build_context
from clipper_sls.adapters.docker.engine import Build, DockerEngine, OpenedImage
from clipper_sls.domain.bundle import Manifest
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import PACKAGES_FOLDER, SERVER_FOLDER, LayerKind
from clipper_sls.domain.image.model_config import labels
from clipper_sls.domain.image.references import Reference
from clipper_sls.errors import InvalidSettingError

_LAYERS_FROM_THE_TOP = {LayerKind.SERVER: 5, LayerKind.DEPENDENCIES: 4}
"""In the image of the Dockerfile: server, packages, weights, runtime, code."""

_FOLDERS = {LayerKind.SERVER: SERVER_FOLDER, LayerKind.DEPENDENCIES: PACKAGES_FOLDER}


class DockerPackages:
    """`image` is the folder of the Dockerfile; `builder` an image with compilers, None for the base itself.

    `named` says as what the engine keeps what it has built.
    """

    def __init__(
        self,
        *,
        engine: DockerEngine,
        image: Path,
        builder: Reference | None,
        network: str | None,
        named: Callable[[Manifest], str],
    ) -> None:
        self._engine = engine
        self._named = named
        self._image = image
        self._builder = builder
        self._network = network

    @contextmanager
    def opened(self, context: ImageContext, base: Reference) -> Iterator["_Installed"]:
        """The packages in the image that the engine has built.

        Raises InvalidSettingError when the engine is of another platform, ImageBuildError, ContainerEngineError.
        """
        self._check_platform(context)
        name = self._named(context.manifest)
        arguments = {
            "BASE": str(base),
            "BUILDER": str(self._builder or base),
            "BUNDLE_DIGEST": context.manifest.digest,
            "TRUSTED_KEYS": context.provenance.signer if context.provenance is not None else "",
        }
        wanted = Build(
            files=build_context(context, self._image),
            arguments=arguments,
            labels=labels(context.manifest, context.release, context.provenance),
            tag=name,
            network=self._network,
        )
        with self._engine.opened(self._engine.build(wanted, name)) as image:
            yield _Installed(image)

    def _check_platform(self, context: ImageContext) -> None:
        if context.platform.architecture != self._engine.architecture:
            raise InvalidSettingError(
                f"The Docker engine is for linux/{self._engine.architecture} and builds no image for "
                f"{context.platform}. Without --docker images for every platform are built anywhere"
            )


@dataclass(frozen=True, slots=True)
class _Installed:
    _image: OpenedImage

    def chosen(self, kind: LayerKind) -> str:
        """The engine finds again what it has built before, so that its layers are the same ones."""
        return f"built by Docker: {self._image.layers[-_LAYERS_FROM_THE_TOP[kind]]}"

    def put(self, kind: LayerKind, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._image.copy(f"/{_FOLDERS[kind]}", folder)

    def wheels(self, kind: LayerKind) -> str:
        return ""  # pip does not say, and some were built
