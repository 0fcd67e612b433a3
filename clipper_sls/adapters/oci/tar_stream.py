"""A tar archive as a stream: equal files give equal bytes, whoever makes it, wherever, and whenever.

Names in order, no owners, no times, two modes. A file is read piece by piece, so its size does not matter.
"""

import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from clipper_sls.image_errors import ImageBuildError

CHUNK_BYTES = 1 << 20
MTIME_S = 0
READABLE, EXECUTABLE = 0o644, 0o755
"""All may read: which user an image is run as is decided elsewhere."""

_END = bytes(tarfile.RECORDSIZE)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One regular file of a layer."""

    source: Path | bytes
    is_executable: bool = False

    @property
    def size_bytes(self) -> int:
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size


Files = Mapping[str, FileEntry]
"""By path below the root of the image, with "/" and without one in front."""


def tar_stream(files: Files, top: str = "") -> Iterator[bytes]:
    """The archive of `files`, with a directory before the first file in it; those above `top` stay the base's.

    Raises ImageBuildError when a file changes its size while it is read.
    """
    made = set(_folders(top))
    for path in sorted(files, key=lambda path: path.split("/")):
        for folder in _folders(path):
            if folder not in made:
                made.add(folder)
                yield _header(f"{folder}/", tarfile.DIRTYPE, EXECUTABLE, 0)
        yield from _file(path, files[path])
    yield _END


def _folders(path: str) -> Iterable[str]:
    """All above `path`, outermost first."""
    return [str(parent) for parent in reversed(PurePosixPath(path).parents) if str(parent) != "."]


def _file(path: str, entry: FileEntry) -> Iterator[bytes]:
    mode = EXECUTABLE if entry.is_executable else READABLE
    size_bytes = entry.size_bytes
    yield _header(path, tarfile.REGTYPE, mode, size_bytes)
    sent = 0
    for chunk in _chunks(entry.source):
        sent += len(chunk)
        if sent > size_bytes:
            break
        yield chunk
    if sent != size_bytes:
        raise ImageBuildError(f"{entry.source!s:.200} changed while it was read; build the image again")
    yield bytes(-size_bytes % tarfile.BLOCKSIZE)


def _chunks(source: Path | bytes) -> Iterator[bytes]:
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _header(path: str, kind: bytes, mode: int, size_bytes: int) -> bytes:
    """PAX, the form of the OCI image specification, for what the older form has no room for."""
    member = tarfile.TarInfo(path)
    member.type, member.mode, member.size, member.mtime = kind, mode, size_bytes, MTIME_S
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member.tobuf(tarfile.PAX_FORMAT)
