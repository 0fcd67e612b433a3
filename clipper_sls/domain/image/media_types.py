"""Media types of the OCI image specification ("OCI Image Media Types"), and Docker's older names for them."""

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"

DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"

INDEXES = frozenset((INDEX, DOCKER_INDEX))
MANIFESTS = frozenset((MANIFEST, DOCKER_MANIFEST))
ACCEPTED = (MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX)
"""What a registry is asked for, best first."""

_OCI_NAMES = {DOCKER_LAYER_GZIP: LAYER_GZIP}


def as_oci(media_type: str) -> str:
    """The OCI name of a layer's type: the bytes are the same, and an OCI manifest lists OCI names."""
    return _OCI_NAMES.get(media_type, media_type)
