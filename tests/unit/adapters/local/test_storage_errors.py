"""Every failure of storage is one of ours, names the path, and says what to do."""

import errno
import os
import sqlite3
from pathlib import Path

import pytest

from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.errors import InvalidBundleError, StorageFullError, StoreUnavailableError

PATH = Path("/somewhere/registry.sqlite3")


def _sqlite_error(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("what SQLite says")
    error.sqlite_errorname = name
    return error


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


FULL = [
    _os_error(errno.ENOSPC),
    _os_error(errno.EDQUOT),
    _os_error(errno.EFBIG),
    _sqlite_error("SQLITE_FULL"),
    _sqlite_error("SQLITE_IOERR_SHMSIZE"),
    sqlite3.OperationalError("database or disk is full"),
]
UNUSABLE = [
    _os_error(errno.EACCES),
    _os_error(errno.EROFS),
    _os_error(errno.EIO),
    _os_error(errno.ENOTDIR),
    _os_error(errno.EMFILE),
    _sqlite_error("SQLITE_CORRUPT"),
    _sqlite_error("SQLITE_READONLY"),
    _sqlite_error("SQLITE_BUSY"),
    sqlite3.DatabaseError("file is not a database"),
    sqlite3.ProgrammingError("Cannot operate on a closed database."),
    UnicodeDecodeError("utf-8", b"malformed database schema (\x80)", 27, 28, "invalid start byte"),
]


@pytest.mark.parametrize("error", FULL, ids=repr)
def test_no_space_is_told_apart_and_says_to_make_room(error: Exception) -> None:
    with pytest.raises(StorageFullError, match=f"{PATH}.*Make room") as raised, translated(PATH):
        raise error
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", UNUSABLE, ids=repr)
def test_whatever_else_names_the_path_the_cause_and_the_ways_out(error: Exception) -> None:
    with pytest.raises(StoreUnavailableError, match="--state-dir") as raised, translated(PATH):
        raise error
    assert str(PATH) in raised.value.msg
    assert str(error) in raised.value.msg
    assert raised.value.__cause__ is error


@pytest.mark.parametrize("error", [InvalidBundleError("no bundle"), KeyError("a bug"), KeyboardInterrupt()], ids=repr)
def test_what_is_not_of_storage_passes_unchanged(error: BaseException) -> None:
    with pytest.raises(type(error)) as raised, translated(PATH):
        raise error
    assert raised.value is error


def test_an_error_that_is_already_ours_is_not_wrapped_again() -> None:
    inner = Path("/somewhere/else")
    with pytest.raises(StorageFullError, match=str(inner)), translated(PATH), translated(inner):
        raise _os_error(errno.ENOSPC)
