"""Images to read: by name from a registry, or from a folder or archive in the form of the OCI image layout."""

import re
import shutil
import sys
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from clipper_sls.adapters.oci.layout import BLOBS, INDEX, Layout
from clipper_sls.adapters.oci.registries import Registries
from clipper_sls.adapters.oci.repository import Repository
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.domain.image.documents import MAX_DOCUMENT_BYTES, ImageConfig, ImageIndex, ImageManifest, from_json
from clipper_sls.domain.image.platforms import Platform, chosen
from clipper_sls.domain.image.references import Reference
from clipper_sls.image_errors import InvalidImageError, UnknownImageError

_BLOB = re.compile(rf"{BLOBS}/[0-9a-f]{{64}}")


@dataclass(frozen=True, slots=True)
class ImageSource:
    """An image's documents. Its layers are where `digest` leads."""

    digest: str
    manifest: ImageManifest
    config: ImageConfig


def from_registry(
    registries: Registries, reference: Reference, layout: Layout, platform: Platform | None
) -> ImageSource:
    """The image for `platform`, its configuration kept in `layout`.

    Without a platform the first of an index. Raises UnknownImageError, InvalidImageError and what the registry raises.
    """
    repository = registries.repository(reference)
    content, digest = repository.manifest(reference)
    index = from_json(content, ImageIndex, f"The index of {reference}") if _is_index(content) else None
    if index is not None:
        digest = _of_index(index, platform, str(reference)).digest
        content, _ = repository.manifest(reference.pinned(digest))
    manifest = from_json(content, ImageManifest, f"The manifest of {reference}")
    if manifest.config.size > MAX_DOCUMENT_BYTES:
        raise InvalidImageError(f"The configuration of {reference} is said to have {manifest.config.size} bytes")
    repository.pull(manifest.config, layout)
    return ImageSource(digest, manifest, _config(layout, manifest, str(reference)))


def from_layout(layout: Layout, digest: str, what: str) -> ImageSource:
    """Raises InvalidImageError, ImageDigestError."""
    manifest = from_json(layout.document(digest, f"The manifest of {what}"), ImageManifest, f"The manifest of {what}")
    return ImageSource(digest, manifest, _config(layout, manifest, what))


@contextmanager
def opened(path: Path, *, with_layers: bool = False) -> Iterator[Layout]:
    """A folder as it is; of an archive what `from_layout` reads, or all of it, for as long as it lasts.

    Raises InvalidImageError.
    """
    if path.is_dir():
        yield Layout(path)
        return
    with tempfile.TemporaryDirectory(prefix="clipper-sls-") as folder:
        try:
            with tarfile.open(path) as tar:
                _extract(tar, Path(folder), sys.maxsize if with_layers else MAX_DOCUMENT_BYTES)
        except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
            why = str(error).partition("\n")[0].rstrip(":")  # tarfile tells of each compression in a line of its own
            raise InvalidImageError(
                f"{path} is no archive of an image: {why}. One is what `clipper-sls image build --output` has written"
            ) from error
        yield Layout(Path(folder))


@dataclass(frozen=True, slots=True)
class OpenedImage:
    """An image whose parts can be had: they come into `layout` when they are asked for."""

    name: str
    source: ImageSource
    layout: Layout
    repository: Repository | None  # None when all that there is is in `layout`

    def fetch(self, blob: Descriptor) -> None:
        """Raises ImageDigestError when what comes is not `blob`, InvalidImageError when nothing does."""
        if self.repository is not None:
            self.repository.pull(blob, self.layout)
        elif not self.layout.has(blob):
            raise InvalidImageError(f"{self.name} does not hold {blob.digest}, which its manifest lists")


@contextmanager
def open_image(registries: Registries, name: str, platform: Platform | None, scratch: Path) -> Iterator[OpenedImage]:
    """A folder or archive with an image if there is one at the path `name`, else an image in a registry.

    What is fetched lies below `scratch`. Raises InvalidImageError, InvalidNameError, UnknownImageError and what
    registries raise.
    """
    if (path := Path(name)).exists():
        with opened(path, with_layers=True) as layout:
            yield OpenedImage(name, from_layout(layout, layout.only_image().digest, name), layout, None)
        return
    reference, layout = named(name), Layout(scratch)
    source = from_registry(registries, reference, layout, platform)
    yield OpenedImage(name, source, layout, registries.repository(reference))


def named(name: str) -> Reference:
    """An image in a registry; call it when there is nothing at the path `name`.

    Raises InvalidNameError; UnknownImageError for what looks like a path.
    """
    if name.startswith(("/", "./", "../", "~")) or (name.endswith(".tar") and ":" not in name):
        raise UnknownImageError(f"There is no folder or archive {name}; see that the path is right")
    return Reference.parse(name)


def _extract(tar: tarfile.TarFile, folder: Path, max_bytes: int) -> None:
    """The index, and blobs of up to `max_bytes`."""
    (folder / BLOBS).mkdir(parents=True)
    for member in tar:
        is_known = member.name == INDEX or _BLOB.fullmatch(member.name)
        if is_known and member.size <= max_bytes and (file := tar.extractfile(member)) is not None:
            with (folder / member.name).open("wb") as target:
                shutil.copyfileobj(file, target)


class _Shape(msgspec.Struct):
    manifests: object = None


def _is_index(content: bytes) -> bool:
    """By its fields: the media type of a manifest is optional, and what the registry says of it is not signed."""
    try:
        return msgspec.json.decode(content, type=_Shape).manifests is not None
    except (msgspec.MsgspecError, RecursionError):
        return False


def _of_index(index: ImageIndex, platform: Platform | None, image: str) -> Descriptor:
    if platform is not None:
        return chosen(index.manifests, platform, image)
    manifests = [one for one in index.manifests if one.media_type in media_types.MANIFESTS]
    if not manifests:
        raise InvalidImageError(f"{image} is an index of no images")
    return manifests[0]


def _config(layout: Layout, manifest: ImageManifest, what: str) -> ImageConfig:
    name = f"The configuration of {what}"
    return from_json(layout.document(manifest.config.digest, name), ImageConfig, name)
