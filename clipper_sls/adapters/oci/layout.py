"""A folder in the form of the OCI image layout (OCI image specification, "Image Layout"): blobs by digest.

A blob is there whole or not at all: it is written under another name first.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from clipper_sls.domain.image.digests import ALGORITHM, Descriptor, verify
from clipper_sls.domain.image.documents import (
    MAX_DOCUMENT_BYTES,
    ImageIndex,
    from_json,
)
from clipper_sls.image_errors import ImageDigestError, InvalidImageError

MARKER, MARKER_CONTENT = "oci-layout", b'{"imageLayoutVersion":"1.0.0"}'
INDEX = "index.json"
BLOBS = f"blobs/{ALGORITHM}"
CHUNK_BYTES = 1 << 20


class Layout:
    """Blobs below `folder`, which need not exist before something is written."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._blobs = folder / BLOBS

    def path(self, digest: str) -> Path:
        """Where the blob is, if it is there."""
        return self._blobs / digest.removeprefix(f"{ALGORITHM}:")

    def has(self, blob: Descriptor) -> bool:
        """Whether it is there; if so it was used just now."""
        path = self.path(blob.digest)
        try:
            os.utime(path)
            return path.stat().st_size == blob.size
        except FileNotFoundError:
            return False

    def keep(self, chunks: Iterable[bytes], digest: str | None = None) -> tuple[str, int]:
        """Write a blob; returns its digest and its size in bytes.

        Raises ImageDigestError, and keeps nothing, when it is not what `digest` stands for.
        """
        self._blobs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".part-") as scratch:
            part = Path(scratch) / "blob"
            found, size_bytes = _written(part, chunks)
            if digest not in (None, found):
                raise ImageDigestError(
                    f"A blob of an image arrived with digest {found}, not {digest}, and was not kept. Try again; if it "
                    f"stays so, whatever sent it is broken."
                )
            part.rename(self.path(found))
        return found, size_bytes

    def note(self, path: Path, content: bytes) -> None:
        """Write a file below the layout's folder that is no blob; whole, or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix=".part-") as scratch:
            part = Path(scratch) / path.name
            part.write_bytes(content)
            part.rename(path)

    def document(self, digest: str, what: str) -> bytes:
        """A manifest or configuration, verified; `what` names it in messages. Raises InvalidImageError when absent."""
        try:
            with self.path(digest).open("rb") as file:
                content = file.read(MAX_DOCUMENT_BYTES + 1)
        except OSError as error:
            raise InvalidImageError(f"{what} is not in the image layout {self.folder}: {error}") from error
        verify(content, digest, what)
        return content

    def chunks(self, digest: str, start: int = 0, size_bytes: int | None = None) -> Iterator[bytes]:
        """The bytes of a blob that is there, from `start` on; at most `size_bytes` of them."""
        left = size_bytes if size_bytes is not None else self.path(digest).stat().st_size
        with self.path(digest).open("rb") as file:
            file.seek(start)
            while left and (chunk := file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk

    def prune(self, max_bytes: int, unused_since: float) -> None:
        """Remove blobs not used after `unused_since` (seconds since 1970), oldest first, until `max_bytes` are left."""
        found = sorted((path.stat().st_mtime, path.stat().st_size, path) for path in self._blobs.glob("*"))
        excess_bytes = sum(size_bytes for _, size_bytes, _ in found) - max_bytes
        for used_at, size_bytes, path in found:
            if excess_bytes <= 0 or used_at >= unused_since:
                return
            path.unlink(missing_ok=True)
            excess_bytes -= size_bytes

    def only_image(self) -> Descriptor:
        """The manifest that the index names. Raises InvalidImageError for a folder that is no layout of one image."""
        try:
            content = (self.folder / INDEX).read_bytes()
        except OSError as error:
            raise InvalidImageError(f"{self.folder} is no OCI image layout: {error}") from error
        manifests = from_json(content, ImageIndex, f"{self.folder / INDEX}").manifests
        if len(manifests) != 1:
            raise InvalidImageError(f"The image layout {self.folder} holds {len(manifests)} images, not one")
        return manifests[0]


def _written(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    digest, size_bytes = hashlib.sha256(), 0
    with path.open("wb") as file:
        for chunk in chunks:
            digest.update(chunk)
            size_bytes += file.write(chunk)
    return f"{ALGORITHM}:{digest.hexdigest()}", size_bytes
