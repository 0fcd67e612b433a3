import csv
import io
import json

import pytest

from clipper_sls.domain.bulk.output_lines import format_of, lines_for
from clipper_sls.domain.bulk.rows import BulkRow, RowAnswer, ScoredRow, scored, unanswered
from clipper_sls.domain.query import OutputJson
from clipper_sls.errors import InvalidSettingError

ROW = BulkRow(b"[1]", kept=("r,1",))
ROWS = [
    scored(ROW, RowAnswer(OutputJson(b"1.50"))),
    scored(ROW, RowAnswer(OutputJson(b'"a \\"b\\""'))),
    scored(ROW, RowAnswer(OutputJson(b'[1,{"x":2}]'))),
    scored(ROW, RowAnswer(OutputJson(b"-1"), "timed_out", "no replica")),
    unanswered(BulkRow(None, "column 'a' is empty", ("r2",)), "column 'a' is empty"),
]


def test_json_lines_hold_outputs_as_they_came() -> None:
    text = lines_for("jsonl", ("id",)).lines(ROWS).decode()
    assert text.splitlines()[0] == '{"id":"r,1","output":1.50,"default":false,"error":null}'
    assert [json.loads(line)["output"] for line in text.splitlines()] == [1.5, 'a "b"', [1, {"x": 2}], -1, None]
    assert json.loads(text.splitlines()[3]) == {
        "id": "r,1",
        "output": -1,
        "default": True,
        "error": "timed_out: no replica",
    }


def test_csv_holds_numbers_and_texts_as_they_are_and_the_rest_as_json() -> None:
    lines = lines_for("csv", ("id",))
    read = list(csv.DictReader(io.StringIO((lines.header() + lines.lines(ROWS)).decode())))
    assert [row["output"] for row in read] == ["1.50", 'a "b"', '[1,{"x":2}]', "-1", ""]
    assert [row["id"] for row in read] == ["r,1"] * 4 + ["r2"]
    assert [row["default"] for row in read] == ["false", "false", "false", "true", "false"]
    assert read[4]["error"] == "invalid_input: column 'a' is empty"


def test_what_was_not_utf8_goes_through_csv_as_it_was() -> None:
    row = ScoredRow(OutputJson(b"1"), kept=(b"\xff".decode(errors="surrogateescape"),))
    assert lines_for("csv", ("id",)).lines([row]) == b"\xff,1,false,\n"


@pytest.mark.parametrize(
    ("name", "given", "expected"),
    [
        ("a.csv", None, "csv"),
        ("A.CSV.GZ", None, "csv"),
        ("a.ndjson", None, "jsonl"),
        ("a.pq", None, "parquet"),
        ("a.dat", "tsv", "tsv"),
    ],
)
def test_the_suffix_says_the_format(name: str, given: str | None, expected: str) -> None:
    assert format_of(name, given) == expected


@pytest.mark.parametrize(("name", "given"), [("a.dat", None), ("a.csv", "xls")])
def test_a_format_that_nobody_knows_is_refused(name: str, given: str | None) -> None:
    with pytest.raises(InvalidSettingError, match="csv"):
        format_of(name, given)
