"""One SQLite file that loses nothing it has acknowledged."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from clipper_sls.adapters.local.storage_errors import translated
from clipper_sls.errors import StoreUnavailableError

T = TypeVar("T")

SCHEMA_VERSION = 1


class SqliteDatabase:
    """Write-ahead log with `synchronous=FULL`: a commit is on the disk when it returns (sqlite.org/pragma.html).

    One connection behind a lock, used from worker threads so that an fsync never holds up the event loop.
    """

    def __init__(self, path: Path, schema: str) -> None:
        self._path = path
        self._lock = threading.Lock()
        with translated(path):
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(schema)
            except BaseException:
                self._connection.close()
                raise

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do `work` in one transaction; all of it is kept, or nothing. Raises StoreError."""
        return await asyncio.to_thread(self._transact, work)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        with self._lock, translated(self._path), self._transaction():
            return work(self._connection)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _prepare(self, schema: str) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > SCHEMA_VERSION:
            raise StoreUnavailableError(
                f"{self._path} was written by a newer release (schema {version}, this one knows {SCHEMA_VERSION}); "
                f"run that release, or start with another --state-dir"
            )
        with self._transaction():
            for statement in filter(str.strip, schema.split(";")):
                self._connection.execute(statement)
            self._connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
