"""Putting the image of a bundle where AWS Lambda, or what stands for it, fetches images."""

from pathlib import Path
from typing import Protocol

from clipper_sls.domain.deployment.content import Architecture
from clipper_sls.domain.identifiers import ModelId


class ImagePublisher(Protocol):
    """Holds what it has prepared until it is closed by whoever made it; blocks."""

    def prepare(self, model: ModelId, bundle: Path, architecture: Architecture) -> str:
        """Make the image of the bundle in the folder `bundle`; returns where it will be, by digest. Publishes nothing.

        Raises what `ImageBuilder.build` raises, and ImageTooLargeError.
        """
        ...

    def is_published(self, image: str) -> bool:
        """Whether the image is where `prepare` said."""
        ...

    def publish(self, image: str) -> None:
        """Bring what was prepared there. May be repeated. Raises RegistryRefusedError, ImageRegistryError."""
        ...
