"""Making the container image of a model version."""

from pathlib import Path
from typing import Protocol

from clipper_sls.domain.image.building import BuiltImage, ImageContext
from clipper_sls.domain.image.references import Reference


class ImageBuilder(Protocol):
    """Builds images and holds them until it is closed; what it names an image by is a digest, never a tag."""

    def build(self, context: ImageContext) -> BuiltImage:
        """Make the image. Nothing of the model runs meanwhile, so the platform may be another than this machine's.

        Raises UnknownImageError for a base that is not there; InvalidSettingError for one on which the model cannot
        run; ImageBuildError when the packages cannot be had for the platform; RegistryRefusedError, ImageRegistryError
        and ImageDigestError when the base cannot be read.
        """
        ...

    def reach(self, reference: Reference) -> None:
        """Ask the registry for what will be pushed, so that one that is away is noticed before anything is built.

        Whether the image is there does not matter. Raises RegistryRefusedError, ImageRegistryError.
        """
        ...

    def push(self, image: BuiltImage, reference: Reference) -> Reference:
        """Publish it under a tag; returns where it is by digest. May be repeated: what is there is not sent twice.

        Raises InvalidNameError for a reference with a digest, RegistryRefusedError, ImageRegistryError, and
        then the tag leads to where it led before.
        """
        ...

    def save(self, image: BuiltImage, path: Path) -> None:
        """Write it as an OCI image layout: a folder that is made, or an archive if `path` ends in `.tar`.

        Raises ConflictError when there is something already, and what `build` raises for the base.
        """
        ...
