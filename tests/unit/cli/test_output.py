"""What goes where."""

import json

import pytest

from clipper_sls.cli.output import Output, when


def test_a_document_is_json_and_keeps_letters(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).document({"name": "größe"})
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"name": "größe"}
    assert "größe" in captured.out
    assert captured.err == ""


def test_a_table_is_never_cut_in_a_pipe_and_takes_markup_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    cell = "[bold]" + "x" * 200
    Output(as_json=False).table(("name", "count"), [(cell, 3), ("", None)], right=("count",))
    head, row, empty = capsys.readouterr().out.splitlines()
    assert head.split() == ["NAME", "COUNT"]
    assert row.split() == [cell, "3"]
    assert empty.split() == ["-", "-"]


def test_lines_of_a_table_end_with_their_last_word(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).table(("part", "detail"), [("first", "x" * 200), ("second", "short")])
    assert [len(line) for line in capsys.readouterr().out.splitlines()] == [15, 209, 14]


def test_lines_are_text_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=False).lines(["[red]no markup[/]", ""])
    assert capsys.readouterr().out == "[red]no markup[/]\n\n"


@pytest.mark.parametrize(("as_json", "out", "err"), [(True, '{\n  "changed": true\n}\n', ""), (False, "", "Done\n")])
def test_a_change_ends_with_a_note_or_a_document(
    as_json: bool, out: str, err: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Output(as_json).done("Done", {"changed": True})
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == (out, err)


def test_progress_is_silent_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    with Output(as_json=False).progress("Working ..."):
        pass
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_no_time_is_no_text() -> None:
    assert when(None) == ""
    assert len(when(0.0)) == len("1970-01-01 00:00:00")
