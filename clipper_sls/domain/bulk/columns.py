"""Which columns of a file are the input, and which go into the output as they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clipper_sls.domain.bulk.inputs import input_of_fields
from clipper_sls.domain.bulk.rows import BulkRow
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidError, InvalidInputError

OUTPUT_COLUMNS = ("output", "default", "error")


@dataclass(frozen=True, slots=True)
class WantedColumns:
    """What a user said. Without `columns` all are the input but those that are kept."""

    kind: InputType
    columns: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        taken = sorted(set(self.kept) & set(OUTPUT_COLUMNS))
        if taken:
            raise InvalidInputError(f"A column {taken[0]!r} cannot be kept: the output has one of that name")

    def among(self, header: Sequence[str]) -> "Columns":
        """Raises InvalidInputError for a name that the file does not have, or has twice."""
        names = self.columns or tuple(name for name in header if name not in self.kept)
        for name in (*names, *self.kept):
            if header.count(name) != 1:
                times = "no column" if name not in header else "more than one column"
                raise InvalidInputError(f"The file has {times} {name!r}. Its columns are: {', '.join(header)}")
        if not names:
            raise InvalidInputError(f"The file has no column for the input. Its columns are: {', '.join(header)}")
        if len(names) > 1 and not (self.kind.is_numeric or self.kind is InputType.JSON):
            raise InvalidInputError(
                f"An input of type {self.kind} is one column; name it with --columns. The file has: {', '.join(header)}"
            )
        return Columns(
            self.kind, names, tuple(map(header.index, names)), tuple(map(header.index, self.kept)), len(header)
        )


@dataclass(frozen=True, slots=True)
class Columns:
    """Places of the columns in a row of `width` fields."""

    kind: InputType
    names: tuple[str, ...]
    places: tuple[int, ...]
    kept: tuple[int, ...]
    width: int

    def row(self, fields: Sequence[Any]) -> BulkRow:
        """One row; what is wrong with it is in it."""
        if len(fields) != self.width:
            kept = tuple(fields[place] if place < len(fields) else None for place in self.kept)
            return BulkRow(None, f"the row has {len(fields)} fields, and the header {self.width}", kept)
        kept = tuple(fields[place] for place in self.kept)
        try:
            return BulkRow(input_of_fields(self.kind, self.names, [fields[place] for place in self.places]), kept=kept)
        except InvalidError as error:
            return BulkRow(None, error.msg, kept)


def check_first(wanted: WantedColumns, row: BulkRow) -> None:
    """A first row that is no input means that the wrong columns were taken, where nobody has named any.

    Raises InvalidInputError.
    """
    if row.input_json is None and not wanted.columns:
        raise InvalidInputError(
            f"The first row is no input of type {wanted.kind}: {row.problem}. "
            f"Name the columns of the input with --columns, or those that are not part of it with --keep"
        )
