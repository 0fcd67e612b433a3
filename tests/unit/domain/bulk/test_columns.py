import pytest

from clipper_sls.domain.bulk.columns import WantedColumns, check_first
from clipper_sls.domain.bulk.rows import BulkRow
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidInputError

HEADER = ["id", "a", "b"]


def test_all_columns_are_the_input_but_those_that_are_kept() -> None:
    columns = WantedColumns(InputType.DOUBLES, kept=("id",)).among(HEADER)
    assert columns.row(["x", "1", "2"]) == BulkRow(b"[1.0,2.0]", kept=("x",))


def test_named_columns_are_the_input_in_the_order_of_their_names() -> None:
    assert WantedColumns(InputType.DOUBLES, ("b", "a")).among(HEADER).row(["x", "1", "2"]).input_json == b"[2.0,1.0]"


def test_a_row_that_is_no_input_keeps_what_is_kept() -> None:
    row = WantedColumns(InputType.DOUBLES, kept=("id",)).among(HEADER).row(["x", "1", "?"])
    assert (row.input_json, row.kept) == (None, ("x",))
    assert "column 'b' is not a number" in row.problem


def test_a_row_of_another_width_is_no_input() -> None:
    row = WantedColumns(InputType.DOUBLES, kept=("b",)).among(HEADER).row(["x", "1"])
    assert row == BulkRow(None, "the row has 2 fields, and the header 3", (None,))


@pytest.mark.parametrize(
    ("wanted", "header", "said"),
    [
        (WantedColumns(InputType.DOUBLES, ("c",)), HEADER, "no column 'c'. Its columns are: id, a, b"),
        (WantedColumns(InputType.DOUBLES, kept=("c",)), HEADER, "no column 'c'"),
        (WantedColumns(InputType.DOUBLES, ("a",)), ["a", "a"], "more than one column 'a'"),
        (WantedColumns(InputType.STRINGS), HEADER, "one column; name it with --columns"),
        (WantedColumns(InputType.DOUBLES, kept=("a",)), ["a"], "no column for the input"),
    ],
)
def test_columns_that_cannot_be_meant_are_told_before_anything_is_asked(
    wanted: WantedColumns, header: list[str], said: str
) -> None:
    with pytest.raises(InvalidInputError, match=said):
        wanted.among(header)


def test_a_column_that_the_output_has_cannot_be_kept() -> None:
    with pytest.raises(InvalidInputError, match="'error' cannot be kept"):
        WantedColumns(InputType.DOUBLES, kept=("error",))


def test_a_wrong_first_row_means_wrong_columns_unless_they_were_named() -> None:
    wrong = BulkRow(None, "column 'id' is not a number: 'x'")
    with pytest.raises(InvalidInputError, match="Name the columns of the input with --columns"):
        check_first(WantedColumns(InputType.DOUBLES), wrong)
    check_first(WantedColumns(InputType.DOUBLES, ("id",)), wrong)
