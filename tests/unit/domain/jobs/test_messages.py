import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.identifiers import AppName
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.jobs.job import JobId, is_job_id, job_id
from clipper_sls.domain.jobs.messages import JobMessage, pack_rows, read_message, unpack_rows, write_message
from clipper_sls.errors import MalformedRequestError

ids = st.binary(min_size=16, max_size=16).map(job_id)
rows = st.lists(st.binary(max_size=50), max_size=5)
messages = st.builds(
    JobMessage,
    ids,
    st.just(AppName("shop")),
    st.sampled_from(InputType),
    st.none() | st.text(max_size=20),
    st.floats(0, 4e9),
    st.none() | rows,
)


@given(messages)
def test_a_message_comes_back_as_it_was(message: JobMessage) -> None:
    assert read_message(write_message(message)) == message


@given(messages.filter(lambda message: message.version is None))
def test_a_message_is_ascii(message: JobMessage) -> None:
    assert write_message(message).isascii()


@given(st.sampled_from(InputType), rows)
def test_rows_come_back_as_they_were(input_type: InputType, given_rows: list[bytes]) -> None:
    assert unpack_rows(pack_rows(input_type, given_rows)) == given_rows


@given(st.text(max_size=200))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(MalformedRequestError):
        read_message(text)


def _body(**changes: object) -> str:
    body: dict[str, object] = {
        "schema": 1,
        "job": "0" * 32,
        "application": "shop",
        "input_type": "doubles",
        "expires_at": 1.0,
    }
    return json.dumps(body | changes)


def test_what_the_refused_messages_are_made_from_is_a_message() -> None:
    assert read_message(_body()).job_id == JobId("0" * 32)


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": 2},
        {"job": "../../etc"},
        {"job": "0" * 31},
        {"input_type": "tensors"},
        {"expires_at": "soon"},
        {"request": 5},
        {"request": {"schema": 1, "input_type": "doubles", "lengths": [9], "data": ""}},
        {"request": {"schema": 1, "input_type": "doubles", "lengths": [-8, 8], "data": ""}},
    ],
)
def test_a_message_with_something_wrong_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(MalformedRequestError):
        read_message(_body(**changes))


def test_an_application_with_an_impossible_name_can_be_read_and_is_found_nowhere() -> None:
    assert read_message(_body(application="Not A Name")).application == "Not A Name"


@given(ids)
def test_a_job_id_is_32_hex_digits(found: JobId) -> None:
    assert is_job_id(found)
    assert len(found) == 32
