"""What an error of ours looks like to whoever asked for a prediction."""

import json
import logging

import pytest

from clipper_sls.errors import ClipperError, MalformedRequestError, RequestedVersionError, error_classes
from clipper_sls.http.answers import error_answer, failure_answer, unexpected_answer
from clipper_sls.http.error_map import status_of


@pytest.mark.parametrize("cls", error_classes(), ids=lambda cls: cls.__name__)
def test_every_error_has_clippers_two_keys_and_a_code_twice(cls: type[ClipperError]) -> None:
    error = cls('what "failed" \x07 ü')
    answer = error_answer(error)
    body = json.loads(answer.body)
    assert body.keys() == {"error", "cause", "code"}
    assert (body["cause"], body["code"]) == (error.msg, cls.code)
    assert (answer.status, answer.error_code) == (status_of(error), cls.code)
    assert body["error"]


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (MalformedRequestError("Error parsing JSON: x"), "Json error"),
        (RequestedVersionError("no version 3"), "Query processing error"),
    ],
)
def test_clippers_own_errors_keep_their_names(error: ClipperError, name: str) -> None:
    assert json.loads(error_answer(error).body)["error"] == name


def test_what_nobody_foresaw_tells_its_kind_and_nothing_of_its_content() -> None:
    answer = unexpected_answer(KeyError("password"))
    assert (answer.status, answer.error_code) == (500, "error")
    assert json.loads(answer.body) == {"error": "An unexpected error occurred!", "cause": "KeyError", "code": "error"}


def test_it_is_logged_and_answered_without_its_details(caplog: pytest.LogCaptureFixture) -> None:
    answer = failure_answer("shop", ZeroDivisionError("secret detail"))
    assert answer.status == 500
    assert b"secret detail" not in answer.body
    (record,) = caplog.records
    assert (record.levelno, record.exc_info is not None) == (logging.ERROR, True)
    assert "shop" in record.getMessage()
