"""The packages of a model version, installed inside its base by a Docker engine: what has no wheel is compiled there.

The engine builds the whole image, from `runtime_images/python`, and keeps it under the model's name, ready to be run.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from clipper_sls.adapters.docker.build_context import build_context
from clipper_sls.adapters.docker.engine import Build, DockerEngine
from clipper_sls.domain.image.building import ImageContext
from clipper_sls.domain.image.contents import PACKAGES_FOLDER, SERVER_FOLDER, LayerKind
from clipper_sls.domain.image.model_config import labels
from clipper_sls.domain.image.references import Reference
from clipper_sls.errors import InvalidSettingError

_FOLDERS = {LayerKind.SERVER: SERVER_FOLDER, LayerKind.DEPENDENCIES: PACKAGES_FOLDER}


class DockerPackages:
    """`image` is the folder of the Dockerfile; `builder` an image with compilers, None for the base itself."""

    def __init__(self, *, engine: DockerEngine, image: Path, builder: Reference | None, network: str | None) -> None:
        self._engine = engine
        self._image = image
        self._builder = builder
        self._network = network

    @contextmanager
    def opened(self, context: ImageContext, base: Reference) -> Iterator[Callable[[LayerKind, Path], None]]:
        """A function that puts the packages of a layer into a folder.

        Raises InvalidSettingError when the engine is of another platform, ImageBuildError, ContainerEngineError.
        """
        self._check_platform(context)
        name = f"{context.manifest.name}:{context.manifest.version}"
        arguments = {
            "BASE": str(base),
            "BUILDER": str(self._builder or base),
            "BUNDLE_DIGEST": context.manifest.digest,
        }
        wanted = Build(
            build_context(context, self._image),
            arguments,
            labels(context.manifest, context.release),
            name.lower(),
            self._network,
        )
        image = self._engine.build(wanted, name)
        with self._engine.files_of(image) as copied:
            yield lambda kind, folder: copied(f"/{_FOLDERS[kind]}", folder)

    def _check_platform(self, context: ImageContext) -> None:
        if context.platform.architecture != self._engine.architecture:
            raise InvalidSettingError(
                f"The Docker engine is for linux/{self._engine.architecture} and builds no image for "
                f"{context.platform}. Without --docker images for every platform are built anywhere"
            )
