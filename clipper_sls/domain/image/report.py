"""How large an image is, and what of: from its manifest and configuration, without a byte of its layers."""

from collections.abc import Mapping
from dataclasses import dataclass

from clipper_sls.domain.image.contents import LAYER_ANNOTATION, LayerKind
from clipper_sls.domain.image.documents import ImageConfig, ImageManifest
from clipper_sls.domain.image.package_notes import sizes_in


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
