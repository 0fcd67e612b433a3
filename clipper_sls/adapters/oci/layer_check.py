"""Whether the bytes of a layer are what an image's documents say: its digest, and that of the archive in it."""

import hashlib
import zlib
from collections.abc import Iterable, Iterator

from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.repository import Repository
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.digests import ALGORITHM, Descriptor
from clipper_sls.image_errors import ImageDigestError

_GZIP_WINDOW = 31
_COMPRESSED = frozenset((media_types.LAYER_GZIP, media_types.DOCKER_LAYER_GZIP))


def check_layer(layer: Descriptor, diff_id: str, chunks: Iterable[bytes]) -> None:
    """Raises ImageDigestError unless `chunks` are `layer`, and the archive in it has the digest `diff_id`.

    Nothing is kept. An archive that is compressed otherwise than by gzip is left to the digest of the layer.
    """
    digest, inner = hashlib.sha256(), hashlib.sha256()
    try:
        for archived in _archive(layer, chunks, digest):
            inner.update(archived)
    except zlib.error as error:
        raise ImageDigestError(f"it is no gzip: {error}") from error
    if (found := f"{ALGORITHM}:{digest.hexdigest()}") != layer.digest:
        raise ImageDigestError(f"its bytes have digest {found}, not {layer.digest}")
    found = f"{ALGORITHM}:{inner.hexdigest()}"
    if layer.media_type in _COMPRESSED and found != diff_id:
        raise ImageDigestError(f"the archive in it has digest {found}, and the configuration says {diff_id}")


def _archive(layer: Descriptor, chunks: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    for chunk in chunks:
        digest.update(chunk)
        if layer.media_type in _COMPRESSED:
            waiting = chunk
            while waiting:
                yield unpacking.decompress(waiting)
                waiting = unpacking.unused_data
                if waiting:  # gzip may have several members
                    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    yield unpacking.flush()


def bytes_of(layer: Descriptor, layout: Layout, repository: Repository | None) -> Iterator[bytes]:
    """From the registry if there is one, as the layer may be in `layout` from before; what breaks off goes on."""
    return layout.chunks(layer.digest) if repository is None else repository.blob(layer)
