"""An output on this machine: `NAME.partial` and the journal `NAME.partial.json` until it is whole."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from clipper_sls.domain.bulk.journal import BulkRun, Checkpoint, Journal, decode_journal, encode_journal
from clipper_sls.errors import ConflictError, RefusedError, StorageFullError, StoreUnavailableError

PARTIAL = ".partial"


class LocalSpool:
    """Each write is on disk, and then in the journal, before it returns: a run goes on after the last one."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + PARTIAL)
        self._journal_path = path.with_name(path.name + PARTIAL + ".json")
        self._run: BulkRun | None = None
        self._file: BinaryIO | None = None
        self._is_worth_keeping = False

    def unfinished(self) -> Journal | None:
        with translated(self.path):
            if not self._journal_path.exists() or not self.path.exists():
                return None
            journal = decode_journal(self._journal_path.read_bytes(), str(self._journal_path))
            return journal if self.path.stat().st_size >= journal.checkpoint.size_bytes else None

    def begin(self, run: BulkRun) -> None:
        self._open(run, Checkpoint())

    def resume(self, journal: Journal) -> None:
        self._open(journal.run, journal.checkpoint)

    def write(self, lines: bytes, checkpoint: Checkpoint) -> None:
        assert self._file is not None
        with translated(self.path):
            self._file.write(lines)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._note(checkpoint)

    def seal(self) -> None:
        """Each write was final."""
        self._is_worth_keeping = True

    def open(self) -> BinaryIO:
        with translated(self.path):
            return self.path.open("rb")

    def clear(self) -> None:
        with translated(self.path):
            self._journal_path.unlink(missing_ok=True)
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Of a run that has written no row nothing is left."""
        if self._file is None:
            return
        if not self._is_worth_keeping:
            self.clear()
        self._file.close()

    def _open(self, run: BulkRun, checkpoint: Checkpoint) -> None:
        with translated(self.path):
            self._file = self._locked()
            if not checkpoint.size_bytes:
                self._journal_path.unlink(missing_ok=True)  # what it says is about to be no longer so
            self._file.truncate(checkpoint.size_bytes)
            self._run = run
            self._note(checkpoint)

    def _locked(self) -> BinaryIO:
        file = self.path.open("ab")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.close()
            raise ConflictError(f"Another run is writing {self.path}. Wait for it, or end it") from error
        return file

    def _note(self, checkpoint: Checkpoint) -> None:
        assert self._run is not None
        self._is_worth_keeping = checkpoint.counts.rows > 0
        fresh = self._journal_path.with_name(self._journal_path.name + ".new")
        with fresh.open("wb") as file:
            file.write(encode_journal(Journal(self._run, checkpoint)))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._journal_path)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Errors of the file system as ours."""
    try:
        yield
    except PermissionError as error:
        raise RefusedError(f"{path} may not be written by you") from error
    except FileNotFoundError as error:
        raise StoreUnavailableError(f"{path} cannot be written: there is no folder {path.parent}") from error
    except OSError as error:
        kind = StorageFullError if error.errno in (errno.ENOSPC, errno.EDQUOT) else StoreUnavailableError
        raise kind(f"{path} cannot be written: {error.strerror}. Run the same command again to go on") from error
