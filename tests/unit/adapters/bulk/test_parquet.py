import io
import json
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest

from clipper_sls.adapters.bulk.input_file import LocalFile
from clipper_sls.adapters.bulk.parquet import ParquetSource, write_parquet
from clipper_sls.domain.bulk.columns import WantedColumns
from clipper_sls.domain.bulk.rows import Position
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidInputError

DOUBLES = WantedColumns(InputType.DOUBLES, ("a", "b"), ("id",))


def source_of(folder: Path, columns: dict[str, Any], wanted: WantedColumns) -> ParquetSource:
    path = folder / "in.parquet"
    parquet.write_table(arrow.table(columns), path, row_group_size=4)
    return ParquetSource(LocalFile(path), wanted)


def test_scalars_of_several_columns_are_an_input(tmp_path: Path) -> None:
    columns = {"id": [1, 2], "a": [1, None], "unused": ["x", "y"], "b": [0.5, 1.5]}
    (chunk,) = source_of(tmp_path, columns, DOUBLES).chunks(Position(), 10)
    assert [(row.input_json, row.kept) for row in chunk.rows] == [(b"[1.0,0.5]", (1,)), (None, (2,))]


def test_a_column_of_lists_is_the_input(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"x": [[1.0, 2.0], [3.0]]}, WantedColumns(InputType.DOUBLES))
    assert [row.input_json for row in next(source.chunks(Position(), 10)).rows] == [b"[1.0,2.0]", b"[3.0]"]


def test_binary_columns_are_bytes(tmp_path: Path) -> None:
    source = source_of(tmp_path, {"x": [b"\x00\x01"]}, WantedColumns(InputType.BYTES))
    assert [row.input_json for row in next(source.chunks(Position(), 10)).rows] == [b'"AAE="']


@pytest.mark.parametrize("size", [1, 3, 4, 10])
def test_reading_goes_on_at_any_row(tmp_path: Path, size: int) -> None:
    source = source_of(tmp_path, {"x": [float(n) for n in range(11)]}, WantedColumns(InputType.DOUBLES))
    for start in range(12):
        chunks = list(source.chunks(Position(0, start), size))
        found = [json.loads(row.input_json or b"")[0] for chunk in chunks for row in chunk.rows]
        assert found == [float(n) for n in range(start, 11)]
        if chunks:
            assert (chunks[-1].end, chunks[-1].share) == (Position(0, 11), 1.0)


def test_a_file_that_is_no_parquet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    path.write_bytes(b"a,b\n1,2\n")
    with pytest.raises(InvalidInputError, match="no readable Parquet"):
        list(ParquetSource(LocalFile(path), DOUBLES).chunks(Position(), 10))


@pytest.mark.parametrize(
    ("outputs", "kind", "read"),
    [
        ([1, 2, None], "int64", [1, 2, None]),
        ([1, 2.5], "double", [1.0, 2.5]),
        ([True, False], "bool", [True, False]),
        (["a", None], "string", ["a", None]),
        ([[1, 2], [0.5]], "list<element: double>", [[1.0, 2.0], [0.5]]),
        ([{"x": 1}, 2], "string", ['{"x":1}', "2"]),
        ([None], "string", [None]),
        ([2**64, 1], "string", [str(2**64), "1"]),
    ],
)
def test_outputs_have_a_type_where_all_have_the_same(
    tmp_path: Path, outputs: list[Any], kind: str, read: list[Any]
) -> None:
    rows = [{"id": n, "output": output, "default": False, "error": None} for n, output in enumerate(outputs)]
    lines = io.BytesIO(b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    write_parquet(lines, tmp_path / "out.parquet", ("id",))
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column("output").to_pylist() == read
    assert str(table.schema.field("output").type) == kind
    assert table.column_names == ["id", "output", "default", "error"]
