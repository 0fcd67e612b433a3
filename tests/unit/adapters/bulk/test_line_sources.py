import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from clipper_sls.adapters.bulk.input_file import LocalFile, unzipped
from clipper_sls.adapters.bulk.line_sources import JsonLinesSource, SeparatedSource
from clipper_sls.domain.bulk.columns import WantedColumns
from clipper_sls.domain.bulk.rows import Chunk, Position
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import AbsentError, InvalidInputError

TEXTS = WantedColumns(InputType.STRINGS, ("text",), ("id",))
QUOTED = b'\xef\xbb\xbfid,text\r\n1,"two\r\nlines, and ""quotes"""\r\n\r\n2,\xc3\xa4\r\n3,\xff\r\n4,last'


def csv_of(folder: Path, content: bytes, wanted: WantedColumns = TEXTS) -> SeparatedSource:
    path = folder / "in.csv"
    path.write_bytes(content)
    return SeparatedSource(LocalFile(path), wanted, ",")


def lines_of(folder: Path, content: bytes, wanted: WantedColumns) -> JsonLinesSource:
    path = folder / "in.jsonl"
    path.write_bytes(content)
    return JsonLinesSource(LocalFile(path), wanted)


def inputs(chunks: list[Chunk]) -> list[bytes | None]:
    return [row.input_json for chunk in chunks for row in chunk.rows]


def test_csv_is_read_with_quotes_line_ends_and_a_mark(tmp_path: Path) -> None:
    (chunk,) = csv_of(tmp_path, QUOTED).chunks(Position(), 10)
    assert [row.input_json for row in chunk.rows] == [
        b'"two\\r\\nlines, and \\"quotes\\""',
        '"ä"'.encode(),
        None,
        b'"last"',
    ]
    assert [row.kept for row in chunk.rows] == [("1",), ("2",), ("3",), ("4",)]
    assert "not valid Unicode" in chunk.rows[2].problem
    assert (chunk.end, chunk.share) == (Position(len(QUOTED), 4), 1.0)


@pytest.mark.parametrize("taken", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_csv_goes_on_at_the_end_of_any_chunk(tmp_path: Path, size: int, taken: int) -> None:
    source = csv_of(tmp_path, QUOTED)
    whole = inputs(list(source.chunks(Position(), 10)))
    before = list(source.chunks(Position(), size))[:taken]
    after = list(source.chunks(before[-1].end, size))
    assert inputs(before) + inputs(after) == whole


def test_of_a_chunk_only_its_rows_are_read(tmp_path: Path) -> None:
    source = csv_of(tmp_path, b"a\n" + b"1\n" * 10, WantedColumns(InputType.DOUBLES))
    first = next(source.chunks(Position(), 3))
    assert (len(first.rows), first.end) == (3, Position(8, 3))


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_csv_without_a_header_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InvalidInputError, match="no header"):
        list(csv_of(tmp_path, content).chunks(Position(), 10))


def test_csv_with_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert list(csv_of(tmp_path, b"id,text\n").chunks(Position(), 10)) == []


def test_a_field_may_be_longer_than_the_csv_module_takes_by_itself(tmp_path: Path) -> None:
    text = b"x" * 300_000
    assert inputs(list(csv_of(tmp_path, b"id,text\n1," + text).chunks(Position(), 10))) == [b'"' + text + b'"']


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    source = SeparatedSource(LocalFile(tmp_path / "no.csv"), TEXTS, ",")
    with pytest.raises(AbsentError, match=r"no\.csv"):
        list(source.chunks(Position(), 10))


def test_json_lines_are_values_or_objects_with_an_input(tmp_path: Path) -> None:
    content = b'[1, 2]\n\n{"input": [3]}\r\n[null]\nnonsense\n[4]'
    source = lines_of(tmp_path, content, WantedColumns(InputType.DOUBLES))
    assert inputs(list(source.chunks(Position(), 2))) == [b"[1, 2]", b"[3]", None, None, b"[4]"]


def test_json_lines_go_on_at_the_end_of_any_chunk(tmp_path: Path) -> None:
    source = lines_of(tmp_path, b"\n".join(b"[%d]" % n for n in range(20)), WantedColumns(InputType.DOUBLES))
    for taken in range(1, 5):
        before = list(source.chunks(Position(), 4))[:taken]
        assert inputs(before + list(source.chunks(before[-1].end, 7))) == [b"[%d]" % n for n in range(20)]


def test_columns_of_json_lines_are_keys_of_their_objects(tmp_path: Path) -> None:
    content = b'{"id": 1, "a": 2, "b": "3"}\n{"id": 2, "a": 5}\n[1]\n'
    (chunk,) = lines_of(tmp_path, content, WantedColumns(InputType.DOUBLES, ("a", "b"), ("id",))).chunks(Position(), 9)
    assert [(row.input_json, row.kept) for row in chunk.rows] == [(b"[2.0,3.0]", (1,)), (None, (2,)), (None, (None,))]
    assert chunk.rows[1].problem == "there is no column 'b'"


def test_a_first_line_of_another_type_stops_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="The first row is no input of type doubles"):
        list(lines_of(tmp_path, b'"text"\n', WantedColumns(InputType.DOUBLES)).chunks(Position(), 9))


def test_a_gzipped_file_is_read_as_what_is_in_it_and_goes_on_as_well(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(gzip.compress(b"".join(b"[%d]\n" % n for n in range(100))))
    source = JsonLinesSource(unzipped(LocalFile(path)), WantedColumns(InputType.DOUBLES))
    first = next(source.chunks(Position(), 30))
    assert inputs([first, *source.chunks(first.end, 30)]) == [b"[%d]" % n for n in range(100)]


def test_the_content_is_another_one_when_the_file_was_changed(tmp_path: Path) -> None:
    source = csv_of(tmp_path, b"a\n1\n")
    before = source.content
    csv_of(tmp_path, b"a\n1\n2\n")
    assert source.content != before


@pytest.mark.parametrize("spoil", [lambda zipped: zipped[:-9], lambda zipped: b"[1]\n"])
def test_a_file_that_is_not_wholly_gzipped_is_told(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "in.jsonl.gz"
    path.write_bytes(spoil(gzip.compress(b"[1]\n" * 1_000)))
    source = JsonLinesSource(unzipped(LocalFile(path)), WantedColumns(InputType.DOUBLES))
    with pytest.raises(InvalidInputError, match="no whole gzip file"):
        list(source.chunks(Position(), 30))
