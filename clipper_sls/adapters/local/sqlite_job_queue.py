"""Jobs that wait in a SQLite file."""

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

from clipper_sls.adapters.local.arrivals import Arrivals
from clipper_sls.adapters.local.sqlite_database import SqliteDatabase
from clipper_sls.domain.jobs.fairness import take_fairly
from clipper_sls.domain.jobs.messages import MOST_RECEIVED, DeadLetter, NewMessage, Received, gave_up
from clipper_sls.ports.clock import Clock

SCHEMA = """
CREATE TABLE IF NOT EXISTS job_messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, grp TEXT NOT NULL, body TEXT NOT NULL, visible_at REAL NOT NULL,
    receive_count INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS job_messages_by_group ON job_messages (grp, visible_at, id);
CREATE INDEX IF NOT EXISTS job_messages_by_time ON job_messages (visible_at);
CREATE INDEX IF NOT EXISTS job_messages_by_count ON job_messages (receive_count, visible_at);
CREATE TABLE IF NOT EXISTS dead_job_messages (
    id INTEGER PRIMARY KEY, grp TEXT NOT NULL, body TEXT NOT NULL, reason TEXT NOT NULL, died_at REAL NOT NULL
);
UPDATE job_messages SET visible_at = 0;
"""
"""The last line, at each start: whoever had received a message before is no more, for a file belongs to one process."""

_GROUPS = """
WITH RECURSIVE found (grp) AS (
    SELECT MIN(grp) FROM job_messages
    UNION ALL SELECT (SELECT MIN(grp) FROM job_messages WHERE grp > found.grp) FROM found WHERE grp IS NOT NULL
) SELECT grp FROM found WHERE grp IS NOT NULL
"""
"""Each group once, by a step in the index for each of them and not for each message."""

MAX_MESSAGE_BYTES = 2**28
"""Well below SQLite's own limit."""


class SqliteJobQueue:
    """Implements `JobQueue` and `DeadLetters`. `visible_at` is wall time, 0 for what nobody has received yet."""

    max_message_bytes = MAX_MESSAGE_BYTES

    def __init__(self, path: Path, *, clock: Clock, max_receives: int) -> None:
        self._database = SqliteDatabase(path, SCHEMA)
        self._clock = clock
        self._max_receives = max_receives
        self._arrivals = Arrivals(clock)

    async def enqueue(self, messages: Sequence[NewMessage]) -> None:
        await self._database.run(lambda connection: _insert(connection, messages))
        self._arrivals.announce()

    async def receive(self, most: int, *, visibility_s: float, wait_s: float = 0.0) -> Sequence[Received]:
        async def take() -> Sequence[Received]:
            now = self._clock.wall()
            return await self._database.run(
                lambda connection: self._take(connection, min(most, MOST_RECEIVED), now, now + visibility_s)
            )

        return await self._arrivals.first(take, self._next_visible, wait_s)

    async def acknowledge(self, received: Sequence[Received]) -> None:
        if received:
            await self._database.run(lambda connection: _delete(connection, _ids(received)))

    async def release(self, received: Sequence[Received], *, after_s: float = 0.0) -> None:
        if not received:
            return
        visible = [(self._clock.wall() + after_s, message_id) for message_id in _ids(received)]
        await self._database.run(
            lambda connection: connection.executemany("UPDATE job_messages SET visible_at = ? WHERE id = ?", visible)
        )
        self._arrivals.announce()

    async def bury(self, received: Received, reason: str) -> None:
        now = self._clock.wall()
        await self._database.run(lambda connection: _bury(connection, int(received.message_id), reason, now))

    async def dead(self, most: int) -> Sequence[DeadLetter]:
        def work(connection: sqlite3.Connection) -> list[DeadLetter]:
            rows = connection.execute(
                "SELECT id, body, reason, died_at FROM dead_job_messages ORDER BY died_at, id LIMIT ?", (most,)
            )
            return [DeadLetter(str(number), body, reason, died_at) for number, body, reason, died_at in rows]

        return await self._database.run(work)

    async def redrive(self) -> int:
        def work(connection: sqlite3.Connection) -> int:
            letters = connection.execute("SELECT grp, body FROM dead_job_messages ORDER BY died_at, id").fetchall()
            _insert(connection, [NewMessage(group, body) for group, body in letters])
            connection.execute("DELETE FROM dead_job_messages")
            return len(letters)

        count = await self._database.run(work)
        self._arrivals.announce()
        return count

    async def purge(self) -> int:
        return await self._database.run(lambda connection: connection.execute("DELETE FROM dead_job_messages").rowcount)

    def close(self) -> None:
        self._database.close()

    def _take(self, connection: sqlite3.Connection, most: int, now: float, visible_at: float) -> list[Received]:
        self._bury_exhausted(connection, now)
        groups = [group for (group,) in connection.execute(_GROUPS)]
        in_flight = dict(
            connection.execute("SELECT grp, COUNT(*) FROM job_messages WHERE visible_at > ? GROUP BY grp", (now,))
        )
        waiting = {group: _oldest(connection, group, now, most) for group in groups}
        taken = take_fairly(waiting, in_flight, most)
        connection.executemany(
            "UPDATE job_messages SET visible_at = ?, receive_count = receive_count + 1 WHERE id = ?",
            [(visible_at, number) for number, _, _ in taken],
        )
        return [Received(str(number), f"{number}:{count + 1}", body, count + 1) for number, body, count in taken]

    def _bury_exhausted(self, connection: sqlite3.Connection, now: float) -> None:
        exhausted = connection.execute(
            "SELECT id, receive_count FROM job_messages INDEXED BY job_messages_by_count "
            "WHERE visible_at <= ? AND receive_count >= ?",
            (now, self._max_receives),
        ).fetchall()
        for number, count in exhausted:
            _bury(connection, number, gave_up(count), now)

    async def _next_visible(self) -> float | None:
        wall = self._clock.wall()

        def work(connection: sqlite3.Connection) -> float | None:
            (found,) = connection.execute(
                "SELECT MIN(visible_at) FROM job_messages WHERE visible_at > ?", (wall,)
            ).fetchone()
            return None if found is None else float(found)

        visible_at = await self._database.run(work)
        return None if visible_at is None else self._clock.now() + visible_at - wall


def _ids(received: Iterable[Received]) -> list[int]:
    return [int(one.message_id) for one in received]


def _insert(connection: sqlite3.Connection, messages: Sequence[NewMessage]) -> None:
    connection.executemany(
        "INSERT INTO job_messages (grp, body, visible_at, receive_count) VALUES (?, ?, 0, 0)",
        [(message.group, message.body) for message in messages],
    )


def _delete(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    connection.executemany("DELETE FROM job_messages WHERE id = ?", [(number,) for number in numbers])


def _oldest(connection: sqlite3.Connection, group: str, now: float, most: int) -> list[tuple[int, str, int]]:
    return connection.execute(
        "SELECT id, body, receive_count FROM job_messages WHERE grp = ? AND visible_at <= ? "
        "ORDER BY visible_at, id LIMIT ?",
        (group, now, most),
    ).fetchall()


def _bury(connection: sqlite3.Connection, number: int, reason: str, now: float) -> None:
    connection.execute(
        "INSERT INTO dead_job_messages SELECT id, grp, body, ?, ? FROM job_messages WHERE id = ?", (reason, now, number)
    )
    _delete(connection, [number])
