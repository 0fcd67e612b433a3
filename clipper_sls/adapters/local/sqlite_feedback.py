"""Feedback in a SQLite file."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from clipper_sls.adapters.local.sqlite_database import SqliteDatabase
from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.query import Feedback

SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    id INTEGER PRIMARY KEY, application TEXT NOT NULL, user_id INTEGER NOT NULL, input_json BLOB NOT NULL,
    label REAL NOT NULL, received_at REAL NOT NULL
);
CREATE INDEX IF NOT EXISTS feedback_by_application ON feedback (application, id);
"""


class SqliteFeedbackLog:
    """One row a piece of feedback, in order of arrival."""

    def __init__(self, path: Path) -> None:
        self._database = SqliteDatabase(path, SCHEMA)

    async def append(self, feedback: Feedback) -> None:
        values = (
            str(feedback.application),
            feedback.user_id,
            feedback.input_json,
            feedback.label,
            feedback.received_at,
        )

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(
                "INSERT INTO feedback (application, user_id, input_json, label, received_at) VALUES (?, ?, ?, ?, ?)",
                values,
            )

        await self._database.run(work)

    async def read(self, application: AppName) -> Sequence[Feedback]:
        def work(connection: sqlite3.Connection) -> list[Feedback]:
            rows = connection.execute(
                "SELECT user_id, input_json, label, received_at FROM feedback WHERE application = ? ORDER BY id",
                (str(application),),
            )
            return [Feedback(application, *row) for row in rows]

        return await self._database.run(work)

    def close(self) -> None:
        self._database.close()
