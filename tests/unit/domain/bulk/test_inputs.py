import json
from typing import Any

import pytest

from clipper_sls.domain.bulk.inputs import input_of_fields, input_of_line
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import InvalidInputError

KINDS = list(InputType)


def of_fields(kind: str, **fields: Any) -> Any:
    return json.loads(input_of_fields(InputType(kind), list(fields), list(fields.values())))


@pytest.mark.parametrize(
    ("kind", "fields", "expected"),
    [
        ("doubles", {"a": "1", "b": " 2.5 ", "c": "1e3"}, [1.0, 2.5, 1000.0]),
        ("floats", {"a": ".5"}, [0.5]),
        ("integers", {"a": "-7", "b": "3.0", "c": "9007199254740993"}, [-7, 3, 9007199254740993]),
        ("doubles", {"a": [1, 2.5]}, [1.0, 2.5]),
        ("integers", {"a": [1, 2]}, [1, 2]),
        ("strings", {"text": 'say "ä"'}, 'say "ä"'),
        ("bytes", {"a": "AAE="}, "AAE="),
        ("bytes", {"a": b"\x00\x01"}, "AAE="),
        (
            "json",
            {"a": "1", "b": "007", "c": "", "d": '{"x": [null]}'},
            {"a": 1, "b": "007", "c": None, "d": {"x": [None]}},
        ),
        ("json", {"a": '{"x": 1}'}, {"x": 1}),
        ("json", {"a": "plain text"}, "plain text"),
    ],
)
def test_fields_become_an_input(kind: str, fields: dict[str, Any], expected: Any) -> None:
    assert of_fields(kind, **fields) == expected


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("doubles", "", "column 'a' is empty"),
        ("doubles", None, "column 'a' is empty"),
        ("doubles", "abc", "column 'a' is not a number: 'abc'"),
        ("doubles", "nan", "column 'a' is not a finite number"),
        ("doubles", "1_000", "column 'a' is not a number"),
        ("floats", "1e39", "32-bit"),
        ("integers", "1.5", "column 'a' is not a whole number"),
        ("integers", "9223372036854775808", "64 bits"),
        ("integers", "1e400", "not"),
        ("strings", 5, "column 'a' is not text"),
        ("strings", "\udc80", "not valid Unicode"),
        ("bytes", "?", "column 'a' is not base64"),
        ("json", "\udc80", "not valid Unicode"),
    ],
)
def test_a_field_that_is_no_input_is_named(kind: str, value: Any, said: str) -> None:
    with pytest.raises(InvalidInputError, match="(?s).*" + said.replace("(", r"\(")):
        of_fields(kind, a=value)


@pytest.mark.parametrize(
    ("kind", "line", "expected"),
    [
        ("doubles", b"[1, 2.5]", b"[1, 2.5]"),
        ("doubles", b'{"input": [1], "id": 7}', b"[1]"),
        ("strings", b'"a"', b'"a"'),
        ("json", b'{"x": 1}', b'{"x": 1}'),
        ("json", b'{"input": {"x": 1}}', b'{"x": 1}'),
        ("json", b"null", b"null"),
        ("bytes", b'"AAE="', b'"AAE="'),
        ("integers", b"[9223372036854775807]", b"[9223372036854775807]"),
    ],
)
def test_a_line_is_an_input_or_an_object_that_has_one(kind: str, line: bytes, expected: bytes) -> None:
    assert input_of_line(InputType(kind), line) == expected


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("doubles", b"[1, null]"),
        ("doubles", b'{"x": [1]}'),
        ("doubles", b"[1"),
        ("floats", b"[1e39]"),
        ("integers", b"[1.5]"),
        ("integers", b"[9223372036854775808]"),
        ("strings", b"5"),
        ("bytes", b'"?"'),
        ("json", b"{"),
        ("json", b'"\xff"'),
        ("json", b"[" * 100_000),
    ],
)
def test_a_line_that_is_none_is_refused(kind: str, line: bytes) -> None:
    with pytest.raises(InvalidInputError):
        input_of_line(InputType(kind), line)
