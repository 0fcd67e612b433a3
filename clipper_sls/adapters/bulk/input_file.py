"""An input file as a stream of bytes, wherever it lies."""

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from clipper_sls.domain.bulk.output_lines import GZIP_SUFFIX
from clipper_sls.errors import AbsentError, InvalidInputError, RefusedError, StoreUnavailableError


class InputFile(Protocol):
    """Raises AbsentError, RefusedError or StoreUnavailableError, reading from the stream included."""

    @property
    def name(self) -> str: ...

    @property
    def content(self) -> str:
        """Another text whenever the bytes are other ones."""
        ...

    @property
    def size_bytes(self) -> int: ...

    def open(self) -> BinaryIO:
        """A stream that can seek; the caller closes it."""
        ...


@dataclass(frozen=True, slots=True)
class LocalFile:
    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    @property
    def content(self) -> str:
        stat = self._stat()
        return f"{stat.st_size} bytes of {stat.st_mtime_ns}"

    @property
    def size_bytes(self) -> int:
        return self._stat().st_size

    def open(self) -> BinaryIO:
        try:
            return self.path.open("rb")
        except OSError as error:
            raise _translated(self.path, error) from error

    def _stat(self) -> os.stat_result:
        try:
            return self.path.stat()
        except OSError as error:
            raise _translated(self.path, error) from error


@dataclass(frozen=True, slots=True)
class Unzipped:
    """A gzipped file; positions are those of its content, so to go on in it is to read it from the beginning."""

    file: InputFile

    @property
    def name(self) -> str:
        return self.file.name

    @property
    def content(self) -> str:
        return self.file.content

    @property
    def size_bytes(self) -> int:
        """0: the size of the content is not known."""
        return 0

    def open(self) -> BinaryIO:
        return cast(BinaryIO, _Unzipping(self.file.open()))


class _Unzipping(gzip.GzipFile):
    """Closes the zipped stream with itself, which GzipFile does not."""

    def __init__(self, zipped: BinaryIO) -> None:
        super().__init__(fileobj=zipped)
        self._zipped = zipped

    def close(self) -> None:
        super().close()
        self._zipped.close()


def unzipped(file: InputFile) -> InputFile:
    """The file, or what is in it."""
    return Unzipped(file) if file.name.lower().endswith(GZIP_SUFFIX) else file


def share_read(file: InputFile, offset: int) -> float:
    return min(1.0, offset / file.size_bytes) if file.size_bytes else 0.0


@contextmanager
def opened(file: InputFile) -> Iterator[BinaryIO]:
    """The stream for a block, and what is wrong with its content as InvalidInputError."""
    with closing(file.open()) as stream:
        try:
            yield stream
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise InvalidInputError(f"{file.name} is no whole gzip file: {error}") from error
        except csv.Error as error:
            raise InvalidInputError(f"{file.name} is no CSV: {error}") from error
        except OSError as error:
            raise StoreUnavailableError(f"{file.name} cannot be read: {error}") from error


def _translated(path: Path, error: OSError) -> AbsentError | RefusedError | StoreUnavailableError:
    match error:
        case FileNotFoundError() | NotADirectoryError():
            return AbsentError(f"There is no file {path}")
        case PermissionError():
            return RefusedError(f"The file {path} may not be read by you")
        case _:
            return StoreUnavailableError(f"The file {path} cannot be read: {error.strerror}")
