"""Inputs in Python become the packed rows that the engine makes of the same inputs in a request."""

import numpy as np
import pytest

from clipper_sls.domain.inputs import InputType, pack_json, pack_numbers
from clipper_sls.errors import InvalidInputError, InvalidSettingError
from clipper_sls.sdk.packed_inputs import packed_warm_up

TWO = pack_numbers(InputType.DOUBLES, [1.0, 2.0])


@pytest.mark.parametrize(
    ("kind", "inputs", "rows"),
    [
        ("doubles", [[1, 2.0]], (TWO,)),
        ("d", [(1.0, 2.0), np.array([1.0, 2.0])], (TWO, TWO)),
        ("doubles", np.array([[1.0, 2.0], [1.0, 2.0]]), (TWO, TWO)),
        ("doubles", [[np.float64(1), np.float32(2)]], (TWO,)),
        ("ints", [[1, np.int64(2)]], (pack_numbers(InputType.INTEGERS, [1, 2]),)),
        ("strings", ["naïve"], ("naïve".encode(),)),
        ("bytes", [b"\0\xff"], (b"\0\xff",)),
        ("json", [{"b": [np.float64(0.5)], "a": None}], (pack_json({"a": None, "b": [0.5]}),)),
        ("doubles", None, ()),
        ("doubles", [], ()),
    ],
)
def test_inputs_are_packed_by_type(kind, inputs, rows) -> None:
    assert packed_warm_up(kind, inputs) == rows


@pytest.mark.parametrize(
    ("kind", "inputs", "sentence"),
    [
        ("doubles", [[1.0], [2.0], "x"], r"warm_up_inputs\[2\] is not an input of type doubles: 'x'"),
        ("doubles", [1.0, 2.0], r"warm_up_inputs\[0\] is not an input of type doubles: 1.0"),
        ("doubles", [[float("nan")]], r"warm_up_inputs\[0\] is not"),
        ("ints", [[2**70]], r"warm_up_inputs\[0\] is not"),
        ("strings", [5], r"warm_up_inputs\[0\] is not"),
        ("json", [object()], r"warm_up_inputs\[0\] is not"),
        ("strings", "one input", "is a list of inputs, not a str"),
        ("json", {"a": 1}, "is a list of inputs, not a dict"),
    ],
)
def test_what_is_not_of_the_type_is_named(kind, inputs, sentence) -> None:
    with pytest.raises(InvalidInputError, match=sentence):
        packed_warm_up(kind, inputs)


def test_an_unknown_type_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match="Invalid input type"):
        packed_warm_up("pictures", [1])
