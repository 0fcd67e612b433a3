"""All of a transaction or nothing of it, and a file that is damaged is said to be."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.local.sqlite_database import SCHEMA_VERSION, SqliteDatabase
from clipper_sls.errors import StoreUnavailableError

SCHEMA = "CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, content BLOB NOT NULL);"
HOLD_WRITE_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("INSERT INTO notes (content) VALUES ('never committed')")
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.sqlite3"


@pytest.fixture
def database(path: Path) -> Iterator[SqliteDatabase]:
    database = SqliteDatabase(path, SCHEMA)
    yield database
    database.close()


def _write(content: bytes) -> Callable[[sqlite3.Connection], None]:
    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO notes (content) VALUES (?)", (content,))

    return work


def _read(connection: sqlite3.Connection) -> list[bytes]:
    return [content for (content,) in connection.execute("SELECT content FROM notes ORDER BY id")]


@given(st.lists(st.binary(max_size=2_000), max_size=8))
@settings(max_examples=20, deadline=None)
async def test_what_was_written_is_read_after_the_file_was_closed(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("round") / "notes.sqlite3"
    database = SqliteDatabase(path, SCHEMA)
    for content in contents:
        await database.run(_write(content))
    database.close()
    again = SqliteDatabase(path, SCHEMA)
    assert await again.run(_read) == contents
    again.close()


async def test_work_that_fails_keeps_nothing_and_its_error_comes_through(database: SqliteDatabase) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        _write(b"lost")(connection)
        raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        await database.run(fail)
    await database.run(_write(b"kept"))
    assert await database.run(_read) == [b"kept"]


async def test_a_statement_that_fails_keeps_nothing_of_its_transaction(database: SqliteDatabase) -> None:
    def break_the_rule(connection: sqlite3.Connection) -> None:
        _write(b"lost")(connection)
        connection.execute("INSERT INTO notes (content) VALUES (NULL)")

    with pytest.raises(StoreUnavailableError, match="NOT NULL"):
        await database.run(break_the_rule)
    assert await database.run(_read) == []


async def test_many_at_once_all_count(database: SqliteDatabase) -> None:
    await asyncio.gather(*(database.run(_write(b"%d" % number)) for number in range(30)))
    assert len(await database.run(_read)) == 30


async def test_a_commit_waits_for_the_disk(database: SqliteDatabase) -> None:
    def modes(connection: sqlite3.Connection) -> tuple[str, int]:
        (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
        (synchronous,) = connection.execute("PRAGMA synchronous").fetchone()
        return journal, synchronous

    assert await database.run(modes) == ("wal", 2)


def test_a_writer_that_is_killed_lets_the_file_go_and_leaves_nothing(database: SqliteDatabase, path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_WRITE_LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with sqlite3.connect(path, timeout=0) as impatient, pytest.raises(sqlite3.OperationalError, match="locked"):
            impatient.execute("BEGIN IMMEDIATE")
        impatient.close()
        holder.kill()
    asyncio.run(database.run(_write(b"after")))
    assert asyncio.run(database.run(_read)) == [b"after"]


async def test_a_closed_database_is_unavailable(path: Path) -> None:
    database = SqliteDatabase(path, SCHEMA)
    database.close()
    with pytest.raises(StoreUnavailableError, match="closed"):
        await database.run(_read)


@pytest.mark.parametrize("content", [b"not a database" * 100, b"SQLite format 3\0" + b"\xff" * 4_000])
def test_a_file_that_is_no_database_is_named_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreUnavailableError, match="restore it from a copy") as raised:
        SqliteDatabase(path, SCHEMA)
    assert str(path) in raised.value.msg
    assert path.read_bytes() == content


def test_a_file_of_a_newer_release_is_refused_and_left_as_it_is(path: Path) -> None:
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    newer.close()
    with pytest.raises(StoreUnavailableError, match="newer release"):
        SqliteDatabase(path, SCHEMA)


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailableError, match="absent"):
        SqliteDatabase(tmp_path / "absent" / "notes.sqlite3", SCHEMA)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A closed database of a few pages."""
    path = tmp_path_factory.mktemp("sound") / "notes.sqlite3"
    database = SqliteDatabase(path, SCHEMA)
    for number in range(40):
        asyncio.run(database.run(_write(bytes([number]) * 500)))
    database.close()
    return path.read_bytes()


@given(st.floats(0, 1, exclude_max=True), st.binary(min_size=1, max_size=400), st.booleans())
@settings(max_examples=60, deadline=None)
async def test_any_damage_is_unavailable_or_harmless_and_never_a_bare_sqlite_error(
    tmp_path_factory: pytest.TempPathFactory, sound: bytes, share: float, damage: bytes, is_cut_off: bool
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "notes.sqlite3"
    start = int(share * len(sound))
    after = b"" if is_cut_off else sound[start + len(damage) :]
    path.write_bytes(sound[:start] + damage + after)
    problem = await _problem(path)
    assert problem is None or str(path) in problem


async def _problem(path: Path) -> str | None:
    """What we say of a file when it is opened, read and written to."""
    try:
        database = SqliteDatabase(path, SCHEMA)
        try:
            await database.run(_read)
            await database.run(_write(b"more"))
        finally:
            database.close()
    except StoreUnavailableError as error:
        return error.msg
    return None
