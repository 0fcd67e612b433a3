"""What an image of a model version holds, where, and in which layer.

Layers lie in the order of how seldom they change, as a layer is pushed and pulled again only when it or its content
changes: base, server, dependencies, weights, code. The server is the same for all models of a release; versions that
differ in their code share all but the last.
"""

from dataclasses import dataclass
from enum import StrEnum

from clipper_sls.domain.bundle import MANIFEST_NAME, SIGNATURE_FILE, Manifest

ROOT = "opt/clipper"
SERVER_FOLDER = f"{ROOT}/server"
PACKAGES_FOLDER = f"{ROOT}/packages"
RUNTIME_FOLDER = f"{ROOT}/runtime"
BUNDLE_FOLDER = f"{ROOT}/bundle"
"""Where things lie, relative to the root of the image. `/opt` is what no base has Python packages in."""

BILL_OF_MATERIALS = f"{ROOT}/bom.cdx.json"
PACKAGES_LOCK = f"{ROOT}/packages.lock"
"""`name==version` of everything in `PACKAGES_FOLDER`: what was settled before, and what was chosen for this image."""

WEIGHT_BYTES = 1 << 20
"""A file of a bundle of this size or more is a weight: code is not as large, and what is as large is rarely code."""


class LayerKind(StrEnum):
    """From the lowest to the highest."""

    BASE = "base"
    SERVER = "server"
    DEPENDENCIES = "dependencies"
    WEIGHTS = "weights"
    CODE = "code"


LAYER_ANNOTATION = "clipper-sls.layer"
PACKAGES_ANNOTATION = "clipper-sls.packages"
PACKAGES_ORIGIN_ANNOTATION = "clipper-sls.packages.origin"
"""On the descriptor of a layer: its kind; and of packages, JSON objects by `name version`; see `package_notes`."""


@dataclass(frozen=True, slots=True)
class BundleSplit:
    """Paths of a bundle's files, each in one of the two, sorted."""

    weights: tuple[str, ...]
    code: tuple[str, ...]  # the manifest among them, and the signature


def split_bundle(manifest: Manifest, *, is_signed: bool) -> BundleSplit:
    weights = {path for path, file in manifest.files.items() if file.size_bytes >= WEIGHT_BYTES}
    ours = {MANIFEST_NAME, SIGNATURE_FILE} if is_signed else {MANIFEST_NAME}
    return BundleSplit(tuple(sorted(weights)), tuple(sorted(ours.union(manifest.files) - weights)))


def comment_of(kind: LayerKind) -> str:
    """What the image's history says of a layer."""
    return f"clipper-sls: {kind}"
