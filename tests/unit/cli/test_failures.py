"""How failures are told, and with which exit code."""

import json
import re
from pathlib import Path

import pytest

from clipper_sls.cli.failures import report
from clipper_sls.errors import UnknownModelError, VersionContentError


def test_an_error_is_one_sentence_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(UnknownModelError("No model with name 'm' exists."), as_json=False) == 3
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "error: No model with name 'm' exists.\n")


def test_clippers_frame_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    framed = VersionContentError("Received error status code: 409 and message: The version exists")
    assert report(framed, as_json=False) == 4
    assert capsys.readouterr().err == "error: The version exists\n"


def test_the_query_applications_error_object_becomes_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    body = json.dumps({"error": "Json error", "cause": "no input", "code": "malformed_request"})
    report(UnknownModelError(f"Received error status code: 400 and message: {body}"), as_json=False)
    assert capsys.readouterr().err == "error: Json error: no input\n"


def test_with_json_the_error_is_an_object_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    report(UnknownModelError("gone"), as_json=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err) == {"error": "gone", "code": "unknown_model"}


def test_a_mistake_of_ours_keeps_its_traceback_in_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(IndexError) as caught:
        [].pop()
    assert report(caught.value, as_json=False) == 1
    told = capsys.readouterr().err
    found = re.search(r"report it with (\S+)", told)
    assert "Traceback" not in told
    assert found is not None
    kept = Path(found.group(1))
    assert "IndexError" in kept.read_text()
    kept.unlink()
