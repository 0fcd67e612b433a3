"""Looking into layers: which files they hold, and what is in those. Nothing of a layer is written anywhere."""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from typing import IO, TypeVar

from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.domain.image.contents import LAYER_ANNOTATION, LayerKind
from clipper_sls.domain.image.digests import Descriptor
from clipper_sls.domain.image.documents import ImageManifest
from clipper_sls.image_errors import InvalidImageError

MAX_FILE_BYTES = 64 << 20
"""Of a file that is read as a whole."""

_Found = TypeVar("_Found")
Read = Callable[[tarfile.TarInfo, IO[bytes] | None], _Found]


def layer_of(manifest: ImageManifest, kind: LayerKind, image: str) -> Descriptor:
    """Raises InvalidImageError when there is none, or more than one."""
    found = [layer for layer in manifest.layers if layer.annotations.get(LAYER_ANNOTATION) == kind]
    if len(found) != 1:
        raise InvalidImageError(f"{image} has {len(found)} layers with the {kind} of a model; those made here have one")
    return found[0]


def read_files(layout: Layout, layer: Descriptor, read: Read[_Found]) -> Iterator[_Found]:
    """What `read` makes of each member of a layer that is in `layout` and no folder, in their order.

    It is given None for the content of what is no regular file. Raises InvalidImageError for what is no layer.
    """
    try:
        with tarfile.open(layout.path(layer.digest), "r|*") as tar:
            for member in tar:
                if not member.isdir():
                    yield read(member, tar.extractfile(member) if member.isreg() else None)
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise InvalidImageError(f"The layer {layer.digest} cannot be read: {error}") from error


def file_in(layout: Layout, layer: Descriptor, path: str) -> bytes:
    """The content of one file of a layer. Raises InvalidImageError when it is not there."""

    def content(member: tarfile.TarInfo, file: IO[bytes] | None) -> bytes | None:
        is_it = member.name == path and member.size <= MAX_FILE_BYTES
        return file.read() if is_it and file is not None else None

    for found in read_files(layout, layer, content):
        if found is not None:
            return found
    raise InvalidImageError(f"There is no {path} in the layer {layer.digest}")
