"""Streams a bundle as a tar archive: equal bundles give equal bytes, and a large one is never in memory as a whole."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

from clipper_sls.domain.bundle import MANIFEST_NAME, SIGNATURE_FILE, Manifest
from clipper_sls.errors import InvalidBundleError

CHUNK_BYTES = 1 << 18
END = bytes(2 * tarfile.BLOCKSIZE)


def archive(folder: Path) -> Iterator[bytes]:
    """The manifest, the signature if there is one, and the listed files by name; no times or owners of this machine.

    Raises InvalidBundleError when a file is not of the size that the manifest says.
    """
    manifest_path = folder / MANIFEST_NAME
    manifest = Manifest.from_json(manifest_path.read_bytes())
    yield from _member(MANIFEST_NAME, manifest_path, manifest_path.stat().st_size)
    if (signature := folder / SIGNATURE_FILE).exists():
        yield from _member(SIGNATURE_FILE, signature, signature.stat().st_size)
    for path in sorted(manifest.files):
        yield from _member(path, folder / path, manifest.files[path].size_bytes)
    yield END


def _member(name: str, path: Path, size_bytes: int) -> Iterator[bytes]:
    header = tarfile.TarInfo(name)
    header.size = size_bytes
    yield header.tobuf(tarfile.PAX_FORMAT)
    sent = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            sent += len(chunk)
            if sent > size_bytes:
                break
            yield chunk
    if sent != size_bytes:
        raise InvalidBundleError(f"{path} changed while it was being sent; make the bundle again")
    yield bytes(-size_bytes % tarfile.BLOCKSIZE)
