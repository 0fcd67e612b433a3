"""Bodies of management requests: what is read, and what is said of one that is none."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.errors import MalformedRequestError
from clipper_sls.http.management import bodies

BODIES = [
    body
    for body in vars(bodies).values()
    if isinstance(body, type) and issubclass(body, msgspec.Struct) and body is not msgspec.Struct
]
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"3", b'"x"', b"\xff", b'{"a": NaN}', b"[" * 100_000])
def test_what_is_no_object_is_refused_with_the_schema(body: type[msgspec.Struct], content: bytes) -> None:
    with pytest.raises(MalformedRequestError, match=r"Error parsing JSON: .* Expected JSON schema: \{") as raised:
        bodies.read(content, body)
    assert raised.value.msg.endswith(bodies.shape_of(body))


@pytest.mark.parametrize("body", BODIES, ids=lambda body: body.__name__)
def test_a_schema_names_every_field_and_which_may_be_left_out(body: type[msgspec.Struct]) -> None:
    shape = bodies.shape_of(body)
    for field in msgspec.structs.fields(body):
        assert f'"{field.name}" := ' in shape
    assert shape.count("(optional)") == sum(not field.required for field in msgspec.structs.fields(body))


@given(st.dictionaries(st.sampled_from(["model_name", "model_version", "num_replicas", "other"]), anything))
def test_any_object_is_read_or_refused(fields: dict[str, object]) -> None:
    content = json.dumps(fields).encode()
    try:
        read = bodies.read(content, bodies.SetReplicas)
    except MalformedRequestError:
        return
    assert isinstance(read.model_name, str)
    assert read.num_replicas is None or isinstance(read.num_replicas, int)


def test_keys_that_nobody_knows_are_ignored() -> None:
    assert bodies.read(b'{"name": "a", "from": "a newer client"}', bodies.NamedApplication).name == "a"


def test_a_version_may_be_a_number() -> None:
    assert bodies.read(b'{"model_name": "m", "model_version": 3}', bodies.SetReplicas).model_version == 3
