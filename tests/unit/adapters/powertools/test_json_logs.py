import json
import logging
from collections.abc import Iterator

import pytest

from clipper_sls.adapters.powertools.json_logs import JsonLogHandler, log_json

OURS = logging.getLogger("clipper_sls.somewhere")


@pytest.fixture
def handler() -> Iterator[JsonLogHandler]:
    root, ours = logging.getLogger(), logging.getLogger("clipper_sls")
    before, level, our_level = root.handlers[:], root.level, ours.level
    yield log_json("shop-query", "INFO")
    root.handlers[:] = before
    root.setLevel(level)
    ours.setLevel(our_level)


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_says_which_request_it_is_about(handler: JsonLogHandler, capsys: pytest.CaptureFixture[str]) -> None:
    handler.about(request_id="1", application="digits")
    OURS.info("loaded %s", "it")
    (line,) = _lines(capsys)
    assert (line["message"], line["level"], line["service"]) == ("loaded it", "INFO", "shop-query")
    assert (line["request_id"], line["application"]) == ("1", "digits")


def test_nothing_of_one_request_is_said_of_the_next(
    handler: JsonLogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    handler.about(request_id="1", application="digits")
    OURS.info("one")
    handler.about(request_id="2")
    OURS.info("two")
    assert "application" not in _lines(capsys)[1]


def test_an_exception_is_in_its_line(handler: JsonLogHandler, capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError("a bad one")
    except ValueError:
        OURS.exception("it failed")
    (line,) = _lines(capsys)
    assert line["exception_name"] == "ValueError"
    assert "a bad one" in line["exception"]


def test_others_are_heard_only_where_something_may_be_wrong(
    handler: JsonLogHandler, capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("mangum.http").info("GET / 200")
    logging.getLogger("mangum.http").warning("hm")
    assert [line["message"] for line in _lines(capsys)] == ["hm"]
