"""The registry in a SQLite file."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from clipper_sls.adapters.local.sqlite_database import SqliteDatabase
from clipper_sls.domain.changes import Change, Delete, Put
from clipper_sls.domain.record_json import record_from_json, record_key, record_to_json
from clipper_sls.domain.records import RegistrySnapshot
from clipper_sls.errors import ClipperError, StaleWriteError, StoreUnavailableError

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (kind TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, key));
CREATE TABLE IF NOT EXISTS registry (only INTEGER PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL);
INSERT OR IGNORE INTO registry VALUES (1, 0);
"""


class SqliteRegistry:
    """One row a record, in order of first registration, and one revision number."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = SqliteDatabase(path, SCHEMA)

    async def snapshot(self) -> RegistrySnapshot:
        return await self._database.run(self._read)

    async def commit(self, changes: Sequence[Change], expected_revision: int) -> RegistrySnapshot:
        def work(connection: sqlite3.Connection) -> RegistrySnapshot:
            if changes:
                _advance(connection, expected_revision)
            for change in changes:
                _apply(connection, change)
            return self._read(connection)

        return await self._database.run(work)

    def close(self) -> None:
        self._database.close()

    def _read(self, connection: sqlite3.Connection) -> RegistrySnapshot:
        (revision,) = connection.execute("SELECT revision FROM registry").fetchone()
        rows = connection.execute("SELECT kind, body FROM records ORDER BY rowid")
        try:
            return RegistrySnapshot.of(revision, [record_from_json(kind, body) for kind, body in rows])
        except (KeyError, TypeError, ValueError, ClipperError) as error:
            raise StoreUnavailableError(
                f"{self._path} holds a record that cannot be read ({error!r}); restore the file from a copy, or start "
                f"with another --state-dir"
            ) from error


def _advance(connection: sqlite3.Connection, expected_revision: int) -> None:
    cursor = connection.execute("UPDATE registry SET revision = revision + 1 WHERE revision = ?", (expected_revision,))
    if cursor.rowcount != 1:
        raise StaleWriteError(f"The registry is no longer at revision {expected_revision}")


def _apply(connection: sqlite3.Connection, change: Change) -> None:
    match change:
        case Put(record):
            connection.execute(
                "INSERT INTO records (kind, key, body) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                (*record_key(record), record_to_json(record)),
            )
        case Delete(record):
            connection.execute("DELETE FROM records WHERE kind = ? AND key = ?", record_key(record))
