"""What the operating system and SQLite say of storage, in our errors."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clipper_sls.errors import StorageFullError, StoreUnavailableError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_SQLITE_FULL = frozenset({"SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"})
"""The second one comes when there is no room for the index of the write-ahead log."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise StorageFullError or StoreUnavailableError for what goes wrong with `path`."""
    try:
        yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorname", "") in _SQLITE_FULL or "disk is full" in str(error):
            raise _full(path) from error
        raise _unavailable(path, error) from error
    except UnicodeDecodeError as error:  # of a message of SQLite's that quotes a damaged file
        raise _unavailable(path, error) from error
    except OSError as error:
        raise (_full(path) if error.errno in _FULL else _unavailable(path, error)) from error


def _full(path: Path) -> StorageFullError:
    return StorageFullError(f"No space is left for {path}; nothing of the change was kept. Make room and try again")


def _unavailable(path: Path, error: Exception) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"{path} cannot be used ({error}). Check its permissions and its disk; if it is damaged, restore it from a "
        f"copy, or start with another --state-dir"
    )
