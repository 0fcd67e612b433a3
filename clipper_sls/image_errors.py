"""Errors about container images: classes of the one tree, which `clipper_sls.errors` describes."""

from clipper_sls.errors import AbsentError, InvalidError, ModelError, RefusedError, StoreError


class InvalidImageError(InvalidError):
    """An image's manifest, configuration or layout cannot be read."""

    code = "invalid_image"


class ImageDigestError(InvalidError):
    """A part of an image is not what its digest says."""

    code = "image_digest_mismatch"


class ImageDifferenceError(InvalidError):
    """An image is not what its bundle, its lock and its base give, or is not signed by anybody who is trusted."""

    code = "image_differs"


class UnknownImageError(AbsentError):
    """The image registry has no such image, or none for the platform."""

    code = "unknown_image"


class RegistryRefusedError(RefusedError):
    """The image registry does not know who asks, or lets them not do that."""

    code = "registry_refused"


class ImageBuildError(ModelError):
    """An image could not be built: its packages could not be had, or are for another platform."""

    code = "image_build_failed"


class ImageTooLargeError(ModelError):
    """An image was built, and has more bytes than it may; nothing was pushed or written."""

    code = "image_too_large"


class ImageRegistryError(StoreError):
    """The image registry does not answer, breaks off or fails, each time it was tried."""

    code = "image_registry_failed"


class ContainerEngineError(StoreError):
    """The container engine does not answer, or could not do what it was asked."""

    code = "container_engine_failed"
