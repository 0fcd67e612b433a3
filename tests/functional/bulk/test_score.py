"""Files that are scored by the command, to their end."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet
import pytest

from clipper_sls.testing.engine import EngineUnderTest

Run = Callable[..., Any]
ROWS = 3_000


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    """CSV; the row `r7` is no input."""
    path = tmp_path / "in.csv"
    rows = (f"r{n},{n},{n / 4 if n != 7 else 'oops'}\n" for n in range(ROWS))
    path.write_text("id,a,b\n" + "".join(rows))
    return path


def expected(n: int) -> float | None:
    return None if n == 7 else n + n / 4


def test_csv_becomes_csv_row_by_row(run: Run, numbers: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    code, _, err = run("score", "sums", "--input", numbers, "--output", out, "--keep", "id")
    assert code == 0, err
    assert f"Scored {ROWS} rows by version 1 into {out}: 0 default outputs, 1 rows that are no inputs" in err
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["id"] for row in rows] == [f"r{n}" for n in range(ROWS)]
    assert [float(row["output"]) if row["output"] else None for row in rows] == [expected(n) for n in range(ROWS)]
    assert rows[7]["error"] == "invalid_input: column 'b' is not a number: 'oops'"


def test_csv_becomes_parquet_becomes_json_lines(run: Run, numbers: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "out.parquet", tmp_path / "out.jsonl"
    assert run("score", "sums", "--input", numbers, "--output", first, "--columns", "a,b", "--keep", "id")[0] == 0
    table = parquet.read_table(first)
    assert table.column("output").to_pylist() == [expected(n) for n in range(ROWS)]
    assert run("score", "sums", "--input", first, "--output", second, "--columns", "output", "--keep", "id")[0] == 0
    lines = [json.loads(line) for line in second.read_text().splitlines()]
    assert [line["output"] for line in lines] == [expected(n) for n in range(ROWS)]


def test_texts_come_as_json_lines(run: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('"a"\n{"input": "bc"}\n5\n')
    code, document, _ = run("score", "texts", "--input", source, "--output", out, "--json")
    assert code == 0
    summary = json.loads(document)
    assert (summary["rows"], summary["defaults"], summary["failures"], summary["version"]) == (3, 0, 1, "1")
    assert [json.loads(line)["output"] for line in out.read_text().splitlines()] == [{"length": 1}, {"length": 2}, None]


def test_a_finished_output_is_kept_unless_it_is_to_be_replaced(run: Run, numbers: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine")
    command = ("score", "sums", "--input", numbers, "--output", out, "--keep", "id")
    code, _, err = run(*command)
    assert (code, out.read_text()) == (4, "mine")
    assert "replace it with --force" in err
    assert run(*command, "--force")[0] == 0
    assert len(out.read_text().splitlines()) == ROWS + 1


def test_with_strict_a_row_without_an_answer_is_a_failure_of_the_command(
    run: Run, numbers: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    code, _, err = run("score", "sums", "--input", numbers, "--output", out, "--keep", "id", "--strict")
    assert (code, out.exists()) == (1, True)
    assert "1 of 3000 rows have no answer of the model" in err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("nobody", "in.csv", "out.csv"), 3, "No application 'nobody' is registered"),
        (("sums", "no.csv", "out.csv"), 3, "There is no file"),
        (("sums", "in.csv", "out.csv"), 2, "Name the columns of the input with --columns"),
        (("sums", "in.csv", "out.xls"), 2, "does not say what it holds"),
        (("sums", "in.csv", "out.csv", "--columns", "z"), 2, "no column 'z'"),
        (("sums", "in.csv", "no folder/out.csv", "--keep", "id"), 1, "there is no folder"),
        (("sums", "in.csv", "out.csv", "--keep", "id", "--version", "9"), 3, "9"),
        (("lonely", "in.csv", "out.csv", "--keep", "id"), 3, "No model is linked"),
    ],
)
def test_what_cannot_be_scored_is_told_and_leaves_nothing(
    run: Run, numbers: Path, tmp_path: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    app, source, out, *more = arguments
    ended = run("score", app, "--input", tmp_path / source, "--output", tmp_path / out, *more)
    assert (ended[0], ended[1]) == (code, ""), ended
    assert said in ended[2]
    assert list(tmp_path.iterdir()) == [numbers]


def test_a_model_that_fails_gives_defaults_that_say_why(run: Run, engine: EngineUnderTest, tmp_path: Path) -> None:
    assert run("register", "failing", "-i", "doubles", "-d", "-1", "--slo-ms", "100")[0] == 0
    assert run("deploy", "models:broken", "--name", "broken", "-v", "1", "-i", "doubles", "--app", "failing")[0] == 0
    source, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("[1]\n[2]\n")
    assert run("score", "failing", "--input", source, "--output", out)[0] == 0
    for line in map(json.loads, out.read_text().splitlines()):
        assert (line["output"], line["default"]) == (-1, True)
        assert line["error"].startswith("model_failed: ")


def test_batches_may_be_jobs(run: Run, numbers: Path, tmp_path: Path) -> None:
    direct, queued = tmp_path / "direct.csv", tmp_path / "queued.csv"
    command = ("score", "sums", "--input", numbers, "--keep", "id", "--output")
    assert run(*command, direct)[0] == 0
    code, _, err = run(*command, queued, "--async")
    assert code == 0, err
    assert queued.read_bytes() == direct.read_bytes()
