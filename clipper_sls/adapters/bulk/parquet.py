"""Parquet, by pyarrow, which is not needed for anything else."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from clipper_sls.adapters.bulk.input_file import InputFile, opened
from clipper_sls.domain.bulk.columns import Columns, WantedColumns, check_first
from clipper_sls.domain.bulk.rows import Chunk, Position
from clipper_sls.errors import InvalidInputError, InvalidSettingError

WRITTEN_ROWS = 65_536
"""Of a row group."""


def pyarrow() -> Any:
    """The module. Raises InvalidSettingError without it."""
    try:
        import pyarrow as arrow
        import pyarrow.parquet
    except ImportError as error:
        raise InvalidSettingError(
            "Parquet needs pyarrow. Install it with: pip install 'clipper-sls[parquet]'"
        ) from error
    return arrow


@dataclass(frozen=True, slots=True)
class ParquetSource:
    """Row groups one after another, of each a part at a time. A chunk does not go over the end of its group."""

    file: InputFile
    wanted: WantedColumns

    @property
    def content(self) -> str:
        return self.file.content

    def chunks(self, start: Position, rows: int) -> Iterator[Chunk]:
        arrow = pyarrow()
        with opened(self.file) as stream, _readable(self.file.name):
            parquet = arrow.parquet.ParquetFile(stream, pre_buffer=False)
            header = list(parquet.schema_arrow.names)
            columns = self.wanted.among(header)
            first = 0
            for group in range(parquet.num_row_groups):
                end = first + parquet.metadata.row_group(group).num_rows
                if end > start.row:
                    yield from self._group(parquet, columns, header, _Group(group, first, start.row), rows)
                first = end

    def _group(self, parquet: Any, columns: Columns, header: list[str], group: "_Group", size: int) -> Iterator[Chunk]:
        read = [header[place] for place in sorted({*columns.places, *columns.kept})]
        at = group.first
        for batch in parquet.iter_batches(batch_size=size, row_groups=[group.number], columns=read):
            skipped = min(batch.num_rows, max(0, group.wanted_from - at))
            at += batch.num_rows
            if skipped == batch.num_rows:
                continue
            fields = batch.slice(skipped).to_pydict()  # of unread columns there is nothing
            filled = [fields.get(name) or [None] * (batch.num_rows - skipped) for name in header]
            found = [columns.row(values) for values in zip(*filled, strict=True)]
            if at == len(found):
                check_first(self.wanted, found[0])
            yield Chunk(found, Position(0, at), at / parquet.metadata.num_rows)


@dataclass(frozen=True, slots=True)
class _Group:
    """A row group; `first` is the number of its first row in the file, and rows are wanted from `wanted_from` on."""

    number: int
    first: int
    wanted_from: int


def write_parquet(lines: BinaryIO, path: Path, kept: tuple[str, ...]) -> None:
    """The file that scored rows make which are in `lines` as JSON, read twice: for the types and for the values.

    `output` is of booleans, whole numbers, numbers, lists of numbers or texts where all outputs are; else it holds
    the outputs' JSON as text.
    """
    arrow = pyarrow()
    names = (*kept, "output")
    kinds: dict[str, set[str]] = {name: set() for name in names}
    for row in _rows(lines):
        for name in names:
            kinds[name].add(_kind(row[name]))
    lines.seek(0)
    types = {name: _type(arrow, found) for name, found in kinds.items()}
    fields = [
        *((name, types[name] or arrow.string()) for name in names),
        ("default", arrow.bool_()),
        ("error", arrow.string()),
    ]
    schema = arrow.schema(fields)
    as_text = [name for name in names if types[name] is None]
    with arrow.parquet.ParquetWriter(path, schema) as writer:
        for rows in _batches(lines):
            for row in rows:
                row.update({name: _json(row[name]) for name in as_text})
            writer.write_batch(arrow.RecordBatch.from_pylist(rows, schema=schema))


def _rows(lines: BinaryIO) -> Iterator[dict[str, Any]]:
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for line in lines:
        yield decode(line)


def _batches(lines: BinaryIO) -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []
    for row in _rows(lines):
        found.append(row)
        if len(found) == WRITTEN_ROWS:
            yield found
            found = []
    if found:
        yield found


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int" if -(2**63) <= value < 2**63 else "other"
        case float():
            return "float"
        case str():
            return "text"
        case list() if all(isinstance(item, int | float) and not isinstance(item, bool) for item in value):
            return "list"
        case _:
            return "other"


def _type(arrow: Any, kinds: set[str]) -> Any | None:
    """None where the values have no type in common, and are written as JSON."""
    found = kinds - {"null"}
    if found == {"bool"}:
        return arrow.bool_()
    if found == {"int"}:
        return arrow.int64()
    if found and found <= {"int", "float"}:
        return arrow.float64()
    if found == {"list"}:
        return arrow.list_(arrow.float64())
    return arrow.string() if found <= {"text"} else None


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


@contextmanager
def _readable(name: str) -> Iterator[None]:
    arrow = pyarrow()
    try:
        yield
    except arrow.ArrowException as error:
        raise InvalidInputError(f"{name} is no readable Parquet: {error}") from error
