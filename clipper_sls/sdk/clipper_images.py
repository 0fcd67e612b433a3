"""What we know of Clipper's Docker images: which ones have a counterpart here, and how an image's name is made up.

An image is `[registry/]name[:tag][@sha256:digest]`. What `build_model` makes ends with the digest of its bundle.
"""

import re
from collections.abc import Mapping
from enum import Enum

CLIPPER_REGISTRY = "clipper"
CLIPPER_VERSION = "0.4.1"
"""The release of Clipper that the SDK is compatible with; scripts name images by it."""

QUERY_FRONTEND_IMAGE = f"{CLIPPER_REGISTRY}/query_frontend:{CLIPPER_VERSION}"
MANAGEMENT_FRONTEND_IMAGE = f"{CLIPPER_REGISTRY}/management_frontend:{CLIPPER_VERSION}"
FRONTEND_EXPORTER_IMAGE = f"{CLIPPER_REGISTRY}/frontend-exporter:{CLIPPER_VERSION}"

START_DEFAULTS: Mapping[str, str | int] = {
    "query_frontend_image": QUERY_FRONTEND_IMAGE,
    "mgmt_frontend_image": MANAGEMENT_FRONTEND_IMAGE,
    "frontend_exporter_image": FRONTEND_EXPORTER_IMAGE,
    "qf_http_thread_pool_size": 1,
    "qf_http_timeout_request": 5,
    "qf_http_timeout_content": 300,
    "num_frontend_replicas": 1,
}
"""Arguments of `start_clipper` that describe containers, with Clipper's defaults."""

_BUILT = re.compile(r"@sha256:([0-9a-f]{64})\Z")
_CLOSURE = re.compile(r"(python\d*-)?closure-container\Z")


class BaseImage(Enum):
    """What an image of Clipper's does here."""

    NOOP = "builtin:noop"
    SUM = "builtin:sum"
    CLOSURE = "closure"  # runs the func.pkl of the model's folder
    UNKNOWN = "unknown"

    @property
    def is_builtin(self) -> bool:
        return self in (BaseImage.NOOP, BaseImage.SUM)


_BUILTINS = {"noop-container": BaseImage.NOOP, "sum-container": BaseImage.SUM}


def base_image(image: str) -> BaseImage:
    """What `image` stands for, whatever its registry and tag."""
    name = _name_of(image)
    if _CLOSURE.match(name):
        return BaseImage.CLOSURE
    return _BUILTINS.get(name, BaseImage.UNKNOWN)


def _name_of(image: str) -> str:
    """`noop-container` of `localhost:5000/clipper/noop-container:0.4.1@sha256:...`."""
    return image.split("@", 1)[0].rsplit("/", 1)[-1].split(":", 1)[0]


def built_image(registry: str | None, cluster: str, name: str, version: str, digest: str) -> str:
    """The tag of an image that was built here; the digest says which bundle it stands for."""
    prefix = f"{registry}/" if registry is not None else ""
    return f"{prefix}{cluster}-{name}:{version}@sha256:{digest}"


def with_digest(image: str, digest: str) -> str:
    """`image` with `digest` instead of the one it has, if any."""
    return f"{image.split('@', 1)[0]}@sha256:{digest}"


def digest_of(image: str) -> str | None:
    """The digest at the end of an image's name; None when it has none, and so was not built here."""
    found = _BUILT.search(image)
    return found[1] if found else None
