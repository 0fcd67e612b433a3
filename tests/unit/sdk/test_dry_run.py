"""A predict function is called as a replica would call it."""

import threading

import numpy as np
import pytest

from clipper_sls.errors import InvalidSettingError
from clipper_sls.sdk import dry_run


def _types(inputs):
    return [type(row).__name__ for row in inputs]


def _sums(inputs):
    return [sum(row) for row in inputs]


@pytest.mark.parametrize("value", [[1.0, 2.0], [1, 2], np.array([1.0, 2.0])])
def test_one_input_is_a_batch_of_one(value):
    assert dry_run.call({"input": value}, _sums, "doubles") == [3.0]


def test_a_batch_is_handed_over_whole():
    assert dry_run.call({"input_batch": [[1.0, 2.0], [3.0, 4.0]]}, _sums, "doubles") == [3.0, 7.0]


def test_rows_of_one_length_are_one_array():
    assert dry_run.call({"input_batch": [[1], [2]]}, lambda xs: (xs.shape, str(xs.dtype)), "integers") == (
        (2, 1),
        "int64",
    )


def test_strings_reach_the_function():
    assert dry_run.call({"input": "abc"}, lambda xs: [x.upper() for x in xs], "strings") == ["ABC"]
    assert dry_run.call({"input_batch": ["a", "b"]}, _types, "strings") == ["str", "str"]


@pytest.mark.parametrize("value", [b"\x00\xff", "AP8="])
def test_bytes_may_be_given_as_they_are_or_in_base64(value):
    assert dry_run.call({"input": value}, list, "bytes") == [b"\x00\xff"]


def test_json_takes_any_value():
    assert dry_run.call({"input": {"a": [1, None]}}, list, "json") == [{"a": [1, None]}]


def test_what_the_function_returns_comes_back_as_it_is():
    assert dry_run.call({"input": [1.0]}, lambda xs: "not a list", "doubles") == "not a list"


@pytest.mark.parametrize(
    ("query", "input_type"),
    [
        ({"input": ["a"]}, "doubles"),
        ({"input": [1.5]}, "integers"),
        ({"input": [1.0]}, "strings"),
        ({"input": [float("nan")]}, "doubles"),
        ({"input_batch": [[1.0], ["a"]]}, "doubles"),
        ({"input": {object()}}, "doubles"),
    ],
)
def test_an_input_of_another_type_is_said_to_be_one(query, input_type):
    assert dry_run.call(query, _sums, input_type) == "Invalid input type"


@pytest.mark.parametrize("query", [{"input": 1.0}, {"input_batch": [1.0]}, {"input_batch": 3}, {}, {"wrong": [1.0]}])
def test_what_is_no_row_is_told_from_what_is_of_another_type(query):
    assert dry_run.call(query, _sums, "doubles") == "Invalid input type or JSON key"


def test_a_function_that_cannot_be_pickled_is_not_called():
    lock = threading.Lock()
    answer = dry_run.call({"input": [1.0]}, lambda xs: [lock.locked() for _ in xs], "doubles")
    assert answer == "Function does not properly serialize and reload"


def test_what_the_function_raises_comes_through():
    with pytest.raises(ZeroDivisionError):
        dry_run.call({"input": [1.0]}, lambda xs: 1 / 0, "doubles")


def test_an_unknown_type_is_refused():
    with pytest.raises(InvalidSettingError):
        dry_run.call({"input": [1.0]}, _sums, "complex")
