"""A batch crosses to a replica and is the same on the other side."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.envelope import pack_event, pack_reference, unpack_event
from clipper_sls.domain.inputs import InputType
from clipper_sls.errors import MalformedRequestError


@given(st.sampled_from(InputType), st.lists(st.binary()))
def test_rows_arrive_as_they_were_sent(input_type: InputType, rows: list[bytes]) -> None:
    assert unpack_event(json.loads(pack_event(input_type, rows))) == (input_type, rows)


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"input_type": "words"},
        {"input_type": []},
        {"lengths": [1, 1]},
        {"lengths": [4]},
        {"lengths": [5, -2]},
        {"lengths": [1.5, 1.5]},
        {"lengths": ["3"]},
        {"lengths": None},
        {"data": "!"},
        {"data": "é"},
        {"data": 1},
    ],
    ids=str,
)
def test_an_event_of_others_is_refused(change: dict[str, Any]) -> None:
    event = json.loads(pack_event(InputType.BYTES, [b"abc"]))
    with pytest.raises(MalformedRequestError):
        unpack_event(event | change)


@pytest.mark.parametrize("key", ["schema", "input_type", "lengths", "data"])
def test_an_event_without_a_part_is_refused(key: str) -> None:
    event = json.loads(pack_event(InputType.BYTES, [b"abc"]))
    del event[key]
    with pytest.raises(MalformedRequestError):
        unpack_event(event)


@pytest.mark.parametrize("event", [None, [], "text", 3])
def test_what_is_no_object_is_refused(event: Any) -> None:
    with pytest.raises(MalformedRequestError):
        unpack_event(event)


@given(st.sampled_from(InputType), st.lists(st.binary()))
def test_rows_that_went_another_way_are_cut_as_they_were(input_type: InputType, rows: list[bytes]) -> None:
    event = json.loads(pack_reference(input_type, rows, "https://s3/rows?a=b&c=%2F", "https://s3/result"))
    assert (event["data_url"], event["result_url"]) == ("https://s3/rows?a=b&c=%2F", "https://s3/result")
    assert unpack_event(event, b"".join(rows)) == (input_type, rows)


def test_rows_that_arrived_in_part_are_refused() -> None:
    event = json.loads(pack_reference(InputType.BYTES, [b"abc"], "https://s3/rows"))
    with pytest.raises(MalformedRequestError, match="3 bytes, its data 2"):
        unpack_event(event, b"ab")


def test_an_event_says_where_a_large_result_goes_only_if_it_may() -> None:
    assert "result_url" not in json.loads(pack_event(InputType.BYTES, [b"abc"]))
    assert json.loads(pack_event(InputType.BYTES, [b"abc"], "https://s3/r"))["result_url"] == "https://s3/r"
