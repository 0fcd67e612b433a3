"""Logs that are being written, cut and joined by others."""

from pathlib import Path

from clipper_sls.cli.following import FollowedLogs


def _append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_only_what_comes_after_the_start_is_told(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    _append(path, "before\n")
    logs = FollowedLogs(lambda: {"m:1/1": path})
    assert list(logs.last_lines(0)) == []
    _append(path, "after\n")
    assert list(logs.new_lines()) == [("m:1/1", "after")]
    assert list(logs.new_lines()) == []


def test_no_line_falls_between_the_end_of_a_file_and_what_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    written: list[str] = []

    def find_while_others_write() -> dict[str, Path]:
        written.append(str(len(written)))
        _append(path, f"{written[-1]}\n")
        return {"r": path}

    _append(path, "old\nhalf a ")
    logs = FollowedLogs(find_while_others_write)
    told = [*logs.last_lines(2)]
    _append(path, "between\n")
    told += [*logs.new_lines(), *logs.new_lines()]
    assert [line for _, line in told] == ["old", "half a 0", "between", "1", "2"]


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    path.touch()
    logs = FollowedLogs(lambda: {"r": path})
    _append(path, "one\ntw")
    assert list(logs.new_lines()) == [("r", "one")]
    _append(path, "o\n")
    assert list(logs.new_lines()) == [("r", "two")]


def test_a_file_that_appears_is_told_from_its_beginning(tmp_path: Path) -> None:
    files: dict[str, Path] = {}
    logs = FollowedLogs(lambda: files)
    files["new"] = tmp_path / "2.log"
    _append(files["new"], "hello\n")
    assert list(logs.new_lines()) == [("new", "hello")]


def test_a_file_that_was_cut_is_told_from_its_new_beginning(tmp_path: Path) -> None:
    path = tmp_path / "1.log"
    _append(path, "a long line that is gone soon\n")
    logs = FollowedLogs(lambda: {"r": path})
    list(logs.last_lines(1))
    path.write_text("newest\n")
    assert list(logs.new_lines()) == [("r", "newest")]


def test_a_file_that_is_gone_is_no_error(tmp_path: Path) -> None:
    logs = FollowedLogs(lambda: {"r": tmp_path / "gone.log"})
    assert list(logs.new_lines()) == []
