"""Standard output and error that lose what a full disk has no room for, and fail nobody who prints."""

import errno
import io
import sys
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class LossyFile(io.FileIO):
    """A file for what nobody must wait or fail for."""

    def write(self, content: "ReadableBuffer", /) -> int:
        try:
            return super().write(content)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            return memoryview(content).nbytes


def survive_full_disk() -> None:
    """From here on `print`, `logging` and awslambdaric, which write to `sys.stdout` and `sys.stderr`, meet no error."""
    sys.stdout = _lossy(sys.stdout, 1)
    sys.stderr = _lossy(sys.stderr, 2)


def _lossy(stream: TextIO, descriptor: int) -> io.TextIOWrapper:
    """Unbuffered, as the replica's streams are: its last words are in the log when it dies."""
    file = LossyFile(descriptor, "w", closefd=False)
    return io.TextIOWrapper(file, encoding=stream.encoding, errors=stream.errors, write_through=True)
