"""What a deployment tells and asks the registry of versions, which is behind the management API."""

from typing import Protocol

from clipper_sls.domain.identifiers import ModelId


class VersionRegister(Protocol):
    """Registers the one version that is being deployed; blocks."""

    def registered_digest(self, model: ModelId) -> str | None:
        """Digest of the bundle that is registered as this version; None when none is."""
        ...

    def register(self, model: ModelId) -> None:
        """Register the version and let it answer, all or nothing.

        Raises VersionExistsError when it is there with the same content, and the other errors of `ModelService.add`.
        """
        ...
