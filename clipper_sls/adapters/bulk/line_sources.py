"""Rows of CSV and of JSON lines, read a chunk at a time."""

import csv
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import msgspec

from clipper_sls.adapters.bulk.input_file import InputFile, opened, share_read
from clipper_sls.domain.bulk.columns import WantedColumns, check_first
from clipper_sls.domain.bulk.inputs import input_of_fields, input_of_line
from clipper_sls.domain.bulk.rows import BulkRow, Chunk, Position
from clipper_sls.errors import InvalidError, InvalidInputError

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MAX_LINE_BYTES = 64 * 1024 * 1024


@dataclass(slots=True)
class _Lines:
    """Lines of a stream; `offset` is where the next one begins."""

    stream: BinaryIO
    name: str
    offset: int = 0

    def seek(self, offset: int) -> None:
        if offset:
            self.stream.seek(offset)
            self.offset = offset

    def __iter__(self) -> Iterator[bytes]:
        while line := self.stream.readline(MAX_LINE_BYTES + 1):
            if len(line) > MAX_LINE_BYTES:
                raise InvalidInputError(f"{self.name} has a line of more than {MAX_LINE_BYTES} bytes")
            self.offset += len(line)
            yield line

    def as_text(self) -> Iterator[str]:
        """What is not UTF-8 stays in the text as it is, so that only its row suffers."""
        for line in self:
            text = line.removeprefix(BYTE_ORDER_MARK) if self.offset == len(line) else line
            yield text.decode(errors="surrogateescape")


@dataclass(frozen=True, slots=True)
class SeparatedSource:
    """CSV with a header. Blank lines are no rows, as for pandas."""

    file: InputFile
    wanted: WantedColumns
    delimiter: str

    @property
    def content(self) -> str:
        return self.file.content

    def chunks(self, start: Position, rows: int) -> Iterator[Chunk]:
        csv.field_size_limit(min(MAX_LINE_BYTES, sys.maxsize))  # the module's own is 128 KiB, little for a text
        with opened(self.file) as stream:
            yield from self._chunks(_Lines(stream, self.file.name), start, rows)

    def _chunks(self, lines: _Lines, start: Position, rows: int) -> Iterator[Chunk]:
        header = next(csv.reader(lines.as_text(), delimiter=self.delimiter), None)
        if not header:
            raise InvalidInputError(f"{self.file.name} has no header: its first line is to name the columns")
        columns = self.wanted.among(header)
        lines.seek(start.offset)
        records = (columns.row(fields) for fields in csv.reader(lines.as_text(), delimiter=self.delimiter) if fields)
        yield from _chunked(self.file, self.wanted, records, lines, start, rows)


@dataclass(frozen=True, slots=True)
class JsonLinesSource:
    """A value a line, or an object with `input`, or, where columns are named, objects that have these. Blank lines
    are no rows.
    """

    file: InputFile
    wanted: WantedColumns

    @property
    def content(self) -> str:
        return self.file.content

    def chunks(self, start: Position, rows: int) -> Iterator[Chunk]:
        with opened(self.file) as stream:
            lines = _Lines(stream, self.file.name)
            lines.seek(start.offset)
            records = (self._row(line, begins=lines.offset == len(line)) for line in lines if line.strip())
            yield from _chunked(self.file, self.wanted, records, lines, start, rows)

    def _row(self, line: bytes, *, begins: bool) -> BulkRow:
        text = (line.removeprefix(BYTE_ORDER_MARK) if begins else line).strip()
        wanted = self.wanted
        try:
            if not (wanted.columns or wanted.kept):
                return BulkRow(input_of_line(wanted.kind, text))
            fields = _object(text)
        except InvalidError as error:
            return BulkRow(None, error.msg, (None,) * len(wanted.kept))
        kept = tuple(fields.get(name) for name in wanted.kept)
        try:
            if not wanted.columns:
                return BulkRow(input_of_line(wanted.kind, text), kept=kept)
            values = [_field(fields, name) for name in wanted.columns]
            return BulkRow(input_of_fields(wanted.kind, wanted.columns, values), kept=kept)
        except InvalidError as error:
            return BulkRow(None, error.msg, kept)


def _object(line: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInputError(f"the line is not an object with the columns that were named: {error}") from error


def _field(fields: dict[str, Any], name: str) -> Any:
    if name not in fields:
        raise InvalidInputError(f"there is no column '{name}'")
    return fields[name]


def _chunked(
    file: InputFile, wanted: WantedColumns, records: Iterator[BulkRow], lines: _Lines, start: Position, size: int
) -> Iterator[Chunk]:
    row, found = start.row, list[BulkRow]()
    for record in records:
        if not row and not found:
            check_first(wanted, record)
        found.append(record)
        if len(found) == size:
            row += size
            yield Chunk(found, Position(lines.offset, row), share_read(file, lines.offset))
            found = []
    if found:
        yield Chunk(found, Position(lines.offset, row + len(found)), 1.0)
