"""What a replica posts becomes one result per row, whatever it posts."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.query import DefaultReason, OutputJson, Predicted, Unanswered
from clipper_sls.domain.results import MAX_DETAIL_CHARACTERS, read_failure, read_result, read_stored


def test_outputs_stay_the_json_that_they_were():
    body = b'{"outputs": [ 1.50, {"b":2, "a":[ 1]}, "x", null], "errors": []}'

    assert read_result(body, 4) == [
        Predicted(OutputJson(text)) for text in (b"1.50", b'{"b":2, "a":[ 1]}', b'"x"', b"null")
    ]


def test_errors_belong_to_their_rows():
    body = b'{"outputs": [1, null, 3], "errors": [[1, "ValueError: negative"]]}'

    assert read_result(body, 3) == [
        Predicted(OutputJson(b"1")),
        Unanswered(DefaultReason.MODEL_FAILED, "ValueError: negative"),
        Predicted(OutputJson(b"3")),
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[1, 2]",
        b"{}",
        b'{"outputs": 7}',
        b'{"outputs": [1]}',
        b'{"outputs": [1, 2, 3]}',
        b'{"outputs": [1, NaN]}',
        b'{"outputs": [1, 2], "errors": [[2, "x"]]}',
        b'{"outputs": [1, 2], "errors": [[-1, "x"]]}',
        b'{"outputs": [1, 2], "errors": [["x"]]}',
        b"\xff\xfe",
        b'{"outputs": ' + b"[" * 100_000,
    ],
)
def test_what_is_not_a_result_fails_every_row(body):
    results = read_result(body, 2)

    assert [result.reason for result in results] == [DefaultReason.MODEL_FAILED] * 2
    assert all("replica" in result.detail for result in results)


@given(st.binary(max_size=200), st.integers(1, 5))
def test_nothing_raises(body, count):
    assert len(read_result(body, count)) == count
    assert len(read_failure(body)) <= MAX_DETAIL_CHARACTERS


@given(st.lists(st.recursive(st.none() | st.integers() | st.text(), st.lists, max_leaves=5), min_size=1))
def test_every_json_value_comes_through(outputs):
    results = read_result(json.dumps({"outputs": outputs, "errors": []}).encode(), len(outputs))

    assert [json.loads(result.output) for result in results] == outputs


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"errorType": "KeyError", "errorMessage": "\'x\'", "stackTrace": []}', "KeyError: 'x'"),
        (b'{"errorMessage": "boom"}', "boom"),
        (b'{"errorType": "Exit"}', "Exit"),
        (b"it broke", "it broke"),
    ],
)
def test_a_lambda_error_is_shown_as_one_line(body, text):
    assert read_failure(body) == text


@pytest.mark.parametrize(
    ("body", "size"),
    [
        (b'{"stored_bytes": 12}', 12),
        (b'{"outputs": [1], "errors": []}', None),
        (b'{"outputs": [{"stored_bytes": 12}], "errors": []}', None),
        (b'{"stored_bytes": "12"}', None),
        (b"", None),
        (b"\xff", None),
        (b'{"stored_bytes": 12, "x": "' + b"x" * 100 + b'"}', None),
    ],
)
def test_a_result_elsewhere_is_told_from_a_result(body, size):
    assert read_stored(body) == size
