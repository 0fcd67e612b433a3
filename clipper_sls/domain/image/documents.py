"""The JSON documents of an image: manifest, index, config. Written canonically, so equal images are equal bytes."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import Descriptor, digest_of
from clipper_sls.image_errors import InvalidImageError

MAX_DOCUMENT_BYTES = 4 << 20
"""Of a manifest or config. The distribution specification lets a registry refuse larger manifests."""

BASE_NAME, BASE_DIGEST = "org.opencontainers.image.base.name", "org.opencontainers.image.base.digest"
"""Annotations of a manifest (OCI image specification, "Pre-Defined Annotation Keys")."""

SCHEMA_VERSION = 2
NONE: Mapping[str, str] = {}


class ImageManifest(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """OCI image specification, "Image Manifest": the config and the layers, lowest first."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    schema_version: int
    media_type: str = ""
    annotations: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def size_bytes(self) -> int:
        """What a machine without any of it downloads, this document left out."""
        return self.config.size + sum(layer.size for layer in self.layers)


class ImageIndex(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """OCI image specification, "Image Index": one manifest for each platform."""

    manifests: tuple[Descriptor, ...]
    schema_version: int
    media_type: str = ""


class ContainerConfig(msgspec.Struct, frozen=True, omit_defaults=True, rename="pascal"):
    """The `config` field of the image configuration: how a container is started.

    Environment variables are `NAME=VALUE`.
    """

    user: str = ""
    env: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    exposed_ports: Mapping[str, Mapping[str, str]] | None = None
    working_dir: str = ""
    labels: Mapping[str, str] | None = None
    stop_signal: str = ""


class RootFilesystem(msgspec.Struct, frozen=True):
    """`diff_ids` are the digests of the layers before compression, lowest first."""

    type: str
    diff_ids: tuple[str, ...]


class HistoryEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a layer comes from; entries with `empty_layer` changed no file."""

    created: str = ""
    created_by: str = ""
    author: str = ""
    comment: str = ""
    empty_layer: bool = False


class ImageConfig(msgspec.Struct, frozen=True, omit_defaults=True):
    """OCI image specification, "Image Configuration"."""

    architecture: str
    os: str
    rootfs: RootFilesystem
    created: str = ""
    variant: str = ""
    config: ContainerConfig = ContainerConfig()
    history: tuple[HistoryEntry, ...] = ()


_Document = TypeVar("_Document", ImageManifest, ImageIndex, ImageConfig)


def to_json(document: ImageManifest | ImageIndex | ImageConfig) -> bytes:
    """Canonical: no blanks, fields in order of their names."""
    return msgspec.json.encode(document, order="sorted")


def from_json(content: bytes, kind: type[_Document], what: str) -> _Document:
    """Raises InvalidImageError naming `what` when `content` is no such document."""
    try:
        return msgspec.json.decode(content, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidImageError(f"{what} is not a readable {kind.__name__}: {error}") from error


def descriptor_of(content: bytes, media_type: str, **fields: Any) -> Descriptor:
    return Descriptor(media_type=media_type, digest=digest_of(content), size=len(content), **fields)


def manifest_of(
    config: Descriptor, layers: Iterable[Descriptor], annotations: Mapping[str, str] = NONE
) -> ImageManifest:
    return ImageManifest(config, tuple(layers), SCHEMA_VERSION, media_types.MANIFEST, annotations)


def with_layers(
    base: ImageManifest, config: Descriptor, added: Iterable[Descriptor], annotations: Mapping[str, str]
) -> ImageManifest:
    """An image of `config` whose layers are those of `base`, and on top of them `added`."""
    lower = [msgspec.structs.replace(layer, media_type=media_types.as_oci(layer.media_type)) for layer in base.layers]
    return manifest_of(config, [*lower, *added], annotations)
