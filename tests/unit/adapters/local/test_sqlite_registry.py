"""The registry in its file: what any record becomes, and what is said of rows that are none of ours."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipper_sls.adapters.local.sqlite_registry import SqliteRegistry
from clipper_sls.domain.changes import Delete, Put
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.identifiers import AppName, ModelId, ModelName, Version
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import (
    Application,
    Current,
    Link,
    ModelVersion,
    Record,
    RegistrySnapshot,
    Scaling,
    Switch,
)
from clipper_sls.domain.serving import Batching, Serving
from clipper_sls.errors import StoreUnavailableError

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
texts = st.text(max_size=40)
times = st.floats(0, 4e9)
applications = st.builds(
    Application, names.map(AppName), st.sampled_from(InputType), texts, st.integers(1, 86_400_000_000)
)


def _placed(version: ModelVersion, endpoint: Endpoint | None) -> ModelVersion:
    """Where it says, unless it has replicas here."""
    return version if version.has_replicas else replace(version, endpoint=endpoint)


elsewhere = st.builds(
    lambda host, port: Endpoint(f"http://{host}:{port}"), names, st.integers(1, 65_535).filter((80).__ne__)
)
versions = st.builds(
    lambda *fields, endpoint: _placed(ModelVersion(*fields), endpoint),
    st.builds(ModelId.of, names, names),
    st.sampled_from(InputType),
    texts,
    texts,
    st.lists(texts, max_size=3).map(tuple),
    st.just(-1) | st.integers(1, 1_000_000),
    st.none() | st.just("a" * 64),
    st.just(Scaling(0, 0))
    | st.integers(0, 9).flatmap(lambda least: st.builds(Scaling, st.just(least), st.integers(least, 1_000))),
    st.builds(Serving, st.sampled_from(Batching), is_cached=st.booleans(), hedging=st.none() | st.booleans()),
    times,
    endpoint=st.none() | elsewhere,
)
links = st.builds(Link, names.map(AppName), names.map(ModelName))
switches = st.lists(st.builds(Switch, names.map(Version), times), min_size=1, max_size=4).map(tuple)
records = applications | versions | links | st.builds(Current, names.map(ModelName), switches)


@given(st.lists(records, max_size=8))
@settings(max_examples=40, deadline=None)
async def test_any_records_are_there_after_the_file_was_closed(
    tmp_path_factory: pytest.TempPathFactory, given_records: list[Record]
) -> None:
    path = tmp_path_factory.mktemp("round") / "registry.sqlite3"
    registry = SqliteRegistry(path)
    committed = await registry.commit([Put(record) for record in given_records], 0)
    registry.close()
    again = SqliteRegistry(path)
    assert await again.snapshot() == committed
    emptied = await again.commit([Delete(record) for record in given_records], committed.revision)
    again.close()
    assert emptied == RegistrySnapshot(emptied.revision)


@pytest.fixture
def damage(tmp_path: Path) -> Iterator[Callable[[str], SqliteRegistry]]:
    """Opens a registry of one application, in whose file a statement was run."""
    opened: list[SqliteRegistry] = []

    def run(statement: str) -> SqliteRegistry:
        path = tmp_path / "registry.sqlite3"
        SqliteRegistry(path).close()
        connection = sqlite3.connect(path)
        body = '{"name":"shop","input_type":"doubles","default_output":"","slo_micros":1000}'
        connection.execute("INSERT INTO records VALUES ('application', 'shop', ?)", (body,))
        connection.execute(statement)
        connection.commit()
        connection.close()
        opened.append(SqliteRegistry(path))
        return opened[-1]

    yield run
    for registry in opened:
        registry.close()


async def test_rows_written_by_hand_are_read(damage: Callable[[str], SqliteRegistry]) -> None:
    snapshot = await damage("SELECT 1").snapshot()
    assert [*snapshot.applications] == ["shop"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET body = '{'",
        "UPDATE records SET body = ''",
        "UPDATE records SET body = 'null'",
        "UPDATE records SET body = '[]'",
        "UPDATE records SET body = '\"shop\"'",
        "UPDATE records SET body = '{}'",
        "UPDATE records SET body = x'FF'",
        "UPDATE records SET body = CAST(x'FF' AS TEXT)",
        "UPDATE records SET kind = 'wish'",
        "UPDATE records SET kind = NULL",
        "UPDATE records SET body = replace(body, 'doubles', 'doobles')",
        "UPDATE records SET body = replace(body, '1000', '-1')",
        "UPDATE records SET body = replace(body, '1000', '\"soon\"')",
        'UPDATE records SET kind = \'current\', body = \'{"model":"m","history":[1]}\'',
        "UPDATE records SET kind = 'version'",
    ],
)
async def test_a_record_that_cannot_be_read_is_told_of_with_the_file(
    damage: Callable[[str], SqliteRegistry], tmp_path: Path, statement: str
) -> None:
    registry = damage(statement)
    with pytest.raises(StoreUnavailableError, match="--state-dir") as raised:
        await registry.snapshot()
    assert str(tmp_path / "registry.sqlite3") in raised.value.msg
