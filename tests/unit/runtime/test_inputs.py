"""What the user's function is handed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.inputs import InputType, pack_json, pack_numbers, pack_text
from clipper_sls.runtime.inputs import unpack

INT64 = st.integers(-(2**63), 2**63 - 1)
DOUBLES = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | DOUBLES | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.lists(st.lists(INT64)))
def test_integers_come_back_as_they_were_sent(rows: list[list[int]]) -> None:
    unpacked = unpack(InputType.INTEGERS, [pack_numbers(InputType.INTEGERS, row) for row in rows])
    assert [row.tolist() for row in unpacked] == rows
    assert all(row.dtype == np.int64 for row in unpacked)


@given(st.lists(st.lists(DOUBLES)))
def test_doubles_come_back_as_they_were_sent(rows: list[list[float]]) -> None:
    unpacked = unpack(InputType.DOUBLES, [pack_numbers(InputType.DOUBLES, row) for row in rows])
    assert [row.tolist() for row in unpacked] == rows


@given(st.lists(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False))))
def test_floats_come_back_as_they_were_sent(rows: list[list[float]]) -> None:
    unpacked = unpack(InputType.FLOATS, [pack_numbers(InputType.FLOATS, row) for row in rows])
    assert [row.tolist() for row in unpacked] == rows
    assert all(row.dtype == np.float32 for row in unpacked)


@given(st.lists(st.text()))
def test_strings_come_back_as_they_were_sent(rows: list[str]) -> None:
    assert unpack(InputType.STRINGS, [pack_text(row) for row in rows]) == rows


@given(st.lists(st.binary()))
def test_bytes_come_back_as_they_were_sent(rows: list[bytes]) -> None:
    assert unpack(InputType.BYTES, rows) == rows


@given(st.lists(JSON))
def test_json_values_come_back_as_they_were_sent(rows: list[object]) -> None:
    assert unpack(InputType.JSON, [pack_json(row) for row in rows]) == rows


def test_numeric_rows_of_one_length_are_one_matrix() -> None:
    unpacked = unpack(InputType.DOUBLES, [pack_numbers(InputType.DOUBLES, row) for row in ([1.0, 2.0], [3.0, 4.0])])
    assert isinstance(unpacked, np.ndarray)
    assert unpacked.shape == (2, 2)


def test_empty_numeric_rows_are_a_matrix_without_columns() -> None:
    unpacked = unpack(InputType.DOUBLES, [b"", b""])
    assert isinstance(unpacked, np.ndarray)
    assert unpacked.shape == (2, 0)


def test_numeric_rows_of_several_lengths_are_a_list_of_vectors() -> None:
    unpacked = unpack(InputType.DOUBLES, [pack_numbers(InputType.DOUBLES, row) for row in ([1.0], [3.0, 4.0])])
    assert isinstance(unpacked, list)
    assert [row.shape for row in unpacked] == [(1,), (2,)]


@pytest.mark.parametrize("rows", [[[1.0]], [[1.0], [2.0, 3.0]]])
def test_a_function_may_write_into_its_inputs(rows: list[list[float]]) -> None:
    packed = [pack_numbers(InputType.DOUBLES, row) for row in rows]
    unpacked = unpack(InputType.DOUBLES, packed)
    unpacked[0][0] = 7.0
    assert unpack(InputType.DOUBLES, packed)[0][0] == 1.0
