"""How large an image is, and what of: from its manifest and configuration, without a byte of its layers."""

from collections.abc import Mapping
from dataclasses import dataclass

from clipper_sls.domain.image.contents import LAYER_ANNOTATION, LayerKind
from clipper_sls.domain.image.documents import ImageConfig, ImageManifest
from clipper_sls.domain.image.package_notes import sizes_in
from clipper_sls.image_errors import ImageTooLargeError

_PACKAGES_TOLD = 5


@dataclass(frozen=True, slots=True)
class LayerReport:
    kind: str  # of LayerKind; whatever names none is the base's
    digest: str
    size_bytes: int  # compressed


@dataclass(frozen=True, slots=True)
class ImageReport:
    digest: str
    platform: str
    size_bytes: int  # compressed; the layers, and the configuration
    labels: Mapping[str, str]
    layers: tuple[LayerReport, ...]  # lowest first
    packages: Mapping[str, int]  # uncompressed bytes by "name version", largest first; empty for images not of ours


def check_budget(report: ImageReport, max_bytes: int, name: str) -> None:
    """Raises ImageTooLargeError, which says what in the image `name` is large."""
    if report.size_bytes <= max_bytes:
        return
    layers = ", ".join(f"{layer.kind} {_megabytes(layer.size_bytes)}" for layer in report.layers)
    packages = [f"{package} {_megabytes(size)}" for package, size in report.packages.items()][:_PACKAGES_TOLD]
    largest = f"; largest packages, unpacked: {', '.join(packages)}" if packages else ""
    raise ImageTooLargeError(
        f"The image of {name} has {_megabytes(report.size_bytes)}, over its budget of {_megabytes(max_bytes)}, and was "
        f"neither pushed nor written. Layers: {layers}{largest}. Leave packages out, or raise the budget: "
        f"--max-size-bytes, CLIPPER_SLS_MAX_IMAGE_BYTES"
    )


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"


def report_on(digest: str, manifest: ImageManifest, config: ImageConfig) -> ImageReport:
    layers = tuple(
        LayerReport(layer.annotations.get(LAYER_ANNOTATION, LayerKind.BASE.value), layer.digest, layer.size)
        for layer in manifest.layers
    )
    packages: dict[str, int] = {}
    for layer in manifest.layers:
        packages |= sizes_in(layer.annotations)
    return ImageReport(
        digest=digest,
        platform=f"{config.os}/{config.architecture}",
        size_bytes=manifest.size_bytes,
        labels=config.config.labels or {},
        layers=layers,
        packages=dict(sorted(packages.items(), key=lambda item: (-item[1], item[0]))),
    )
