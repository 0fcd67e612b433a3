import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidInputError, MalformedRequestError, RequestTooLargeError
from clipper_sls.http.decode import decode_predict, decode_update


def decoded(body: object, input_type: InputType = InputType.DOUBLES):
    return decode_predict(input_type, json.dumps(body).encode(), max_batch_rows=100)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_doubles_are_packed_as_they_are(values: list[float]) -> None:
    assert decoded({"input": values}).rows == (struct.pack(f"<{len(values)}d", *values),)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_integers_are_packed_as_they_are(values: list[int]) -> None:
    assert decoded({"input": values}, InputType.INTEGERS).rows == (struct.pack(f"<{len(values)}q", *values),)


def test_an_integer_is_accepted_where_a_double_is_asked_for() -> None:
    assert decoded({"input": [1, 2.5]}).rows == (struct.pack("<2d", 1.0, 2.5),)


def test_bytes_arrive_decoded() -> None:
    assert decoded({"input": "aGk="}, InputType.BYTES).rows == (b"hi",)


def test_equal_json_values_have_equal_rows() -> None:
    one, other = ({"a": 1, "b": [None, "é"]}, {"b": [None, "é"], "a": 1})
    assert decoded({"input": one}, InputType.JSON).rows == decoded({"input": other}, InputType.JSON).rows


def test_input_wins_over_input_batch() -> None:
    body = decoded({"input": [1.0], "input_batch": [[2.0]]})
    assert (body.is_batch, body.rows) == (False, (struct.pack("<d", 1.0),))


def test_an_empty_batch_has_no_rows() -> None:
    assert decoded({"input_batch": []}).rows == []


def test_unknown_keys_are_ignored_and_an_integer_version_is_a_name() -> None:
    assert decoded({"input": [1.0], "uid": 7, "version": 3}).version == "3"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"3",
        b'"x"',
        b"{}",
        b'{"uid": 1}',
        b"\xff\xfe",
        b'{"input": [NaN]}',
        b'{"input": [1,]}',
    ],
)
def test_what_is_no_request_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequestError, match="Error parsing JSON"):
        decode_predict(InputType.DOUBLES, body, max_batch_rows=100)


@pytest.mark.parametrize("key", ["input", "other"])
def test_deep_nesting_is_refused_and_does_not_exhaust_the_stack(key: str) -> None:
    body = b'{"%b":%b' % (key.encode(), b"[" * 200_000)
    with pytest.raises((MalformedRequestError, InvalidInputError)):
        decode_predict(InputType.JSON, body, max_batch_rows=100)


@pytest.mark.parametrize(
    ("input_type", "value"),
    [
        (InputType.DOUBLES, [1.0, "a"]),
        (InputType.DOUBLES, [True]),
        (InputType.DOUBLES, 1.0),
        (InputType.DOUBLES, None),
        (InputType.DOUBLES, [[1.0]]),
        (InputType.INTEGERS, [1.5]),
        (InputType.INTEGERS, [2**63]),
        (InputType.FLOATS, [1e300]),
        (InputType.STRINGS, ["a"]),
        (InputType.BYTES, "not base64!"),
    ],
)
def test_a_wrong_type_is_named(input_type: InputType, value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"\$\.input"):
        decoded({"input": value}, input_type)


def test_the_bad_item_of_a_batch_is_pointed_at() -> None:
    with pytest.raises(InvalidInputError, match=r"\$\.input_batch\[1\]\[0\]"):
        decoded({"input_batch": [[1.0], ["a"], [2.0]]})


def test_a_number_beyond_a_double_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="out of range"):
        decode_predict(InputType.DOUBLES, b'{"input": [1e999]}', max_batch_rows=100)


def test_a_batch_has_at_most_so_many_rows() -> None:
    with pytest.raises(RequestTooLargeError, match="101 rows; at most 100"):
        decoded({"input_batch": [[1.0]] * 101})


def test_an_update_keeps_the_input_as_it_was_written() -> None:
    body = decode_update(InputType.DOUBLES, b'{"uid": 3, "input": [1.0, 2], "label": 1}')
    assert (body.user_id, body.input_json, body.label) == (3, b"[1.0, 2]", 1.0)


@pytest.mark.parametrize("body", [b'{"input": [1.0]}', b'{"label": 1.0}', b'{"uid": 9e99, "input": [1.0], "label": 1}'])
def test_an_incomplete_update_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedRequestError):
        decode_update(InputType.DOUBLES, body)
