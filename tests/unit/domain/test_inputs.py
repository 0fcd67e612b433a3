"""Packed rows are canonical, and what cannot be one is refused."""

import array
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.inputs import (
    FLOAT32_MAX,
    MAX_JSON_DEPTH,
    TYPECODES,
    InputType,
    nesting_exceeds,
    pack_json,
    pack_numbers,
    pack_text,
)
from clipper_sls.errors import InvalidInputError, InvalidSettingError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@pytest.mark.parametrize(
    ("alias", "expected"),
    [("ints", "integers"), ("d", "doubles"), ("str", "strings"), ("BYTE", "bytes"), ("float", "floats"), ("j", "json")],
)
def test_clippers_aliases_are_understood(alias: str, expected: str) -> None:
    assert InputType.parse(alias) == expected


@pytest.mark.parametrize("member", InputType)
def test_canonical_names_stand_for_themselves(member: InputType) -> None:
    assert InputType.parse(member.value) is member


def test_an_unknown_type_is_refused_with_those_that_exist() -> None:
    with pytest.raises(InvalidSettingError, match="integers, floats, doubles, strings, bytes, json"):
        InputType.parse("words")


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_packed_without_loss(values: list[int]) -> None:
    assert array.array("q", pack_numbers(InputType.INTEGERS, values)).tolist() == values


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_doubles_are_packed_without_loss(values: list[float]) -> None:
    assert array.array("d", pack_numbers(InputType.DOUBLES, values)).tolist() == values


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_floats_are_packed_without_loss(values: list[float]) -> None:
    assert array.array("f", pack_numbers(InputType.FLOATS, values)).tolist() == values


def test_an_integer_is_a_double_where_doubles_are_asked_for() -> None:
    assert pack_numbers(InputType.DOUBLES, [1]) == pack_numbers(InputType.DOUBLES, [1.0])


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1, 1.5])
def test_what_is_no_64_bit_integer_is_refused(value: float) -> None:
    with pytest.raises(InvalidInputError):
        pack_numbers(InputType.INTEGERS, [value])


@pytest.mark.parametrize("value", [1e39, -1e39, FLOAT32_MAX * 1.0001])
def test_what_does_not_fit_into_a_float_is_refused(value: float) -> None:
    with pytest.raises(InvalidInputError, match="register the application as 'doubles'"):
        pack_numbers(InputType.FLOATS, [value])


@pytest.mark.parametrize("input_type", [InputType.DOUBLES, InputType.FLOATS])
def test_an_integer_beyond_every_double_is_refused(input_type: InputType) -> None:
    with pytest.raises(InvalidInputError):
        pack_numbers(input_type, [10**400])


@given(JSON)
def test_the_order_of_keys_does_not_matter(value: Any) -> None:
    assert pack_json({"a": value, "b": 1}) == pack_json({"b": 1, "a": value})


@pytest.mark.parametrize("value", [math.nan, math.inf, ["\ud800"], {"a": -math.inf}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInputError):
        pack_json(value)


def test_text_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="not valid Unicode"):
        pack_text("\ud800")


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


def test_json_may_be_nested_up_to_the_limit() -> None:
    assert pack_json(nested(MAX_JSON_DEPTH))
    with pytest.raises(InvalidInputError, match="nested deeper than 64"):
        pack_json(nested(MAX_JSON_DEPTH + 1))


def test_endless_depth_does_not_exhaust_the_stack() -> None:
    assert nesting_exceeds(nested(100_000), MAX_JSON_DEPTH)


@given(st.integers(0, 20), st.integers(0, 20))
def test_nesting_is_counted_in_lists_and_objects(depth: int, limit: int) -> None:
    assert nesting_exceeds(nested(depth), limit) == (depth > limit)


def test_only_numbers_are_numeric() -> None:
    assert [member for member in InputType if member.is_numeric] == list(TYPECODES)
