from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.cache_key import cache_key
from clipper_sls.domain.endpoint import Endpoint
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.serving import Serving

VERSION = ModelVersion(ModelId.of("price", 1), InputType.DOUBLES, bundle_digest="0" * 64)


@given(st.binary(), st.binary())
def test_two_rows_share_a_key_only_when_they_are_equal(one: bytes, other: bytes) -> None:
    assert (cache_key(VERSION, one) == cache_key(VERSION, other)) == (one == other)


def test_everything_that_changes_the_answer_or_how_long_it_may_be_kept_changes_the_key() -> None:
    others = [
        replace(VERSION, id=ModelId.of("price", 11)),
        replace(VERSION, id=ModelId.of("price1", 1)),
        replace(VERSION, bundle_digest="1" * 64),
        replace(VERSION, bundle_digest=None),
        replace(VERSION, bundle_digest=None, endpoint=Endpoint("http://one")),
        replace(VERSION, bundle_digest=None, endpoint=Endpoint("http://other")),
        replace(VERSION, input_type=InputType.INTEGERS),
        replace(VERSION, serving=Serving(cache_ttl_s=1.0)),
        replace(VERSION, serving=Serving(cache_ttl_s=2.0)),
    ]
    keys = {cache_key(version, b"row") for version in (VERSION, *others)}
    assert len(keys) == 1 + len(others)
    assert all(len(key) == 32 for key in keys)


def test_what_does_not_change_the_answer_does_not_change_the_key() -> None:
    assert cache_key(replace(VERSION, labels=("x",), batch_size=3), b"row") == cache_key(VERSION, b"row")
