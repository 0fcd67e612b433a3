"""What a function may return, and what becomes of it."""

import datetime
import enum
import json
from array import array
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.runtime.outputs import OutputError, as_list, to_json_value


class Series:
    """What pandas and torch have in common with numpy."""

    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def tolist(self) -> list[Any]:
        return self._values


class Point(NamedTuple):
    x: int
    y: int


class Colour(enum.StrEnum):
    RED = "red"


class Size(enum.IntEnum):
    LARGE = 3


@pytest.mark.parametrize("returned", [[1, 2], (1, 2), np.array([1, 2]), Series([1, 2]), array("q", [1, 2])])
def test_lists_and_what_is_like_one_are_accepted(returned: Any) -> None:
    assert [to_json_value(output) for output in as_list(returned, 2)] == [1, 2]


def test_a_matrix_is_one_output_per_row() -> None:
    assert [to_json_value(output) for output in as_list(np.eye(2), 2)] == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    "returned",
    [
        "ab",
        b"ab",
        {"a": 1, "b": 2},
        {1, 2},
        None,
        2,
        iter([1, 2]),
        (x for x in "ab"),
        np.array(2),
        np.float64(2),
        Series,
    ],
)
def test_what_is_no_list_is_refused_in_clippers_words(returned: Any) -> None:
    with pytest.raises(OutputError, match=r"^Model did not return a list. Found"):
        as_list(returned, 2)


def test_a_wrong_number_of_outputs_is_refused_in_clippers_words() -> None:
    with pytest.raises(OutputError, match=r"^Expected model to return 2 outputs, found 3 outputs$"):
        as_list([1, 2, 3], 2)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (np.array(3), 3),
        (np.array([[1, 2]]), [[1, 2]]),
        (np.array(["a", None], dtype=object), ["a", None]),
        (Series([1, Series([2])]), [1, [2]]),
        (Point(1, 2), [1, 2]),
        ({"a": np.array([1.0])}, {"a": [1.0]}),
        ({1: "a", np.int64(2): "b"}, {"1": "a", "2": "b"}),
        (Colour.RED, "red"),
        (Size.LARGE, 3),
        (True, True),
    ],
)
def test_values_of_others_become_json_values(value: Any, expected: Any) -> None:
    converted = to_json_value(value)
    assert converted == expected
    assert json.dumps(converted) == json.dumps(expected)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("inf"),
        np.float32("nan"),
        np.array([1.0, np.nan]),
        [{"a": float("-inf")}],
        {1, 2},
        b"bytes",
        object(),
        1j,
        np.complex128(1j),
        np.longdouble("1"),
        datetime.date(2026, 1, 1),
        np.datetime64("2026-01-01"),
        Decimal(1),
        {(1, 2): 3},
        {True: 3},
        "\ud800",
        {"\ud800": 1},
        10**400,
        np.array([object()]),
        Series,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(OutputError):
        to_json_value(value)


def test_what_refers_to_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(OutputError, match="nested deeper"):
        to_json_value(endless)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_json_values_stay_as_they_are(value: Any) -> None:
    assert to_json_value(value) == value
