"""Layers: the files of one, archived, compressed, digested twice and written in one pass."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from clipper_sls.adapters.oci.gzip_stream import Compressor, StoredGzip, deflated
from clipper_sls.adapters.oci.layout import Layout
from clipper_sls.adapters.oci.tar_stream import Files, tar_stream
from clipper_sls.domain.image import media_types
from clipper_sls.domain.image.contents import LAYER_ANNOTATION, ROOT, LayerKind
from clipper_sls.domain.image.digests import ALGORITHM, Descriptor


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer in a layout: `descriptor.digest` is of the compressed bytes, `diff_id` of the archive in them."""

    kind: LayerKind
    descriptor: Descriptor
    diff_id: str


@dataclass(slots=True)
class _Digested:
    """Compresses what passes, and digests it before."""

    compressor: Compressor
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def chunks(self, source: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in source:
            self.digest.update(chunk)
            yield self.compressor.compress(chunk)
        yield self.compressor.flush()


def write_layer(layout: Layout, kind: LayerKind, files: Files, annotations: Mapping[str, str] | None = None) -> Layer:
    """Make a layer of `files`. Equal files give equal digests; memory needed does not grow with them.

    Raises ImageBuildError when a file changes meanwhile, OSError when one cannot be read or no space is left.
    """
    digested = _Digested(StoredGzip() if kind is LayerKind.WEIGHTS else deflated())
    digest, size_bytes = layout.keep(digested.chunks(tar_stream(files, top=ROOT)))
    descriptor = Descriptor(
        media_type=media_types.LAYER_GZIP,
        digest=digest,
        size=size_bytes,
        annotations={LAYER_ANNOTATION: kind.value, **(annotations or {})},
    )
    return Layer(kind, descriptor, f"{ALGORITHM}:{digested.digest.hexdigest()}")
