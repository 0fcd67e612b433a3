"""Jobs and their results in a SQLite file."""

import sqlite3
from pathlib import Path

from clipper_sls.adapters.local.sqlite_database import SqliteDatabase
from clipper_sls.domain.jobs.job import Job, JobId, JobRecord, Outcome, counts
from clipper_sls.domain.jobs.outcome_json import job_from_json, job_to_json, outcome_from_json, outcome_to_json
from clipper_sls.ports.clock import Clock

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, job BLOB NOT NULL, content BLOB, outcome BLOB, finished_at REAL, forget_at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS jobs_by_age ON jobs (forget_at);
"""

FORGOTTEN_AT_ONCE = 100
"""Jobs that are too old and are removed when one is finished, so that there is no need for a time to tidy up."""


class SqliteJobStore:
    """One row a job."""

    def __init__(self, path: Path, *, clock: Clock) -> None:
        self._database = SqliteDatabase(path, SCHEMA)
        self._clock = clock

    async def create(self, job: Job, content: bytes | None = None) -> None:
        values = (job.id, job_to_json(job), content, job.forget_at)

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO jobs (id, job, content, forget_at) VALUES (?, ?, ?, ?)", values)

        await self._database.run(work)

    async def read(self, job_id: JobId) -> JobRecord | None:
        return await self._database.run(lambda connection: self._read(connection, job_id))

    async def content(self, job_id: JobId) -> bytes | None:
        now = self._clock.wall()

        def work(connection: sqlite3.Connection) -> bytes | None:
            found = connection.execute(
                "SELECT content FROM jobs WHERE id = ? AND forget_at > ?", (job_id, now)
            ).fetchone()
            return found[0] if found else None

        return await self._database.run(work)

    async def finish(self, job_id: JobId, outcome: Outcome, *, finished_at: float, forget_at: float) -> bool:
        text = outcome_to_json(outcome)

        def work(connection: sqlite3.Connection) -> bool:
            found = self._read(connection, job_id)
            if found is None or not counts(outcome, found.outcome):
                return False
            connection.execute(
                "UPDATE jobs SET outcome = ?, finished_at = ?, forget_at = ? WHERE id = ?",
                (text, finished_at, forget_at, job_id),
            )
            self._forget(connection)
            return True

        return await self._database.run(work)

    def close(self) -> None:
        self._database.close()

    def _read(self, connection: sqlite3.Connection, job_id: JobId) -> JobRecord | None:
        found = connection.execute(
            "SELECT job, outcome, finished_at FROM jobs WHERE id = ? AND forget_at > ?",
            (job_id, self._clock.wall()),
        ).fetchone()
        if found is None:
            return None
        job, outcome, finished_at = found
        return JobRecord(job_from_json(job), outcome and outcome_from_json(outcome), finished_at)

    def _forget(self, connection: sqlite3.Connection) -> None:
        connection.execute(
            "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE forget_at <= ? LIMIT ?)",
            (self._clock.wall(), FORGOTTEN_AT_ONCE),
        )
