"""Selection states in a SQLite file."""

import sqlite3
from pathlib import Path

from clipper_sls.adapters.local.sqlite_database import SqliteDatabase
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.selection.state_rules import check_size, stale
from clipper_sls.ports.selection_state_store import VersionedState

SCHEMA = """
CREATE TABLE IF NOT EXISTS selection_states (
    application TEXT, user TEXT, revision INTEGER NOT NULL, state BLOB NOT NULL, PRIMARY KEY (application, user)
);
"""
_ALL_USERS = ""
"""In place of a user's number, since NULL is equal to nothing."""


class SqliteSelectionStates:
    """One row a state."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, SCHEMA)

    async def read(self, application: AppName, user_id: int | None) -> VersionedState | None:
        def work(connection: sqlite3.Connection) -> VersionedState | None:
            found = connection.execute(
                "SELECT state, revision FROM selection_states WHERE application = ? AND user = ?",
                _key(application, user_id),
            ).fetchone()
            return found and VersionedState(*found)

        return await self._database.run(work)

    async def write(
        self, application: AppName, user_id: int | None, state: bytes, expected_revision: int
    ) -> VersionedState:
        check_size(application, state)
        written = VersionedState(state, expected_revision + 1)

        def work(connection: sqlite3.Connection) -> None:
            values = (written.revision, state, *_key(application, user_id))
            if expected_revision == 0:
                statement = (
                    "INSERT OR IGNORE INTO selection_states (revision, state, application, user) VALUES (?, ?, ?, ?)"
                )
                cursor = connection.execute(statement, values)
            else:
                statement = "UPDATE selection_states SET revision = ?, state = ? WHERE application = ? AND user = ?"
                cursor = connection.execute(f"{statement} AND revision = ?", (*values, expected_revision))
            if cursor.rowcount != 1:
                raise stale(application, user_id, expected_revision)

        await self._database.run(work)
        return written

    async def forget(self, application: AppName) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM selection_states WHERE application = ?", (str(application),))

        await self._database.run(work)

    def close(self) -> None:
        self._database.close()


def _key(application: AppName, user_id: int | None) -> tuple[str, str]:
    return str(application), _ALL_USERS if user_id is None else str(user_id)
