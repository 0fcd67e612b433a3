"""RFC 7240, as far as we heed it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.http.prefer import NONE, Preferences, preferences


@pytest.mark.parametrize(
    ("values", "preferred"),
    [
        ([], NONE),
        (["respond-async"], Preferences(is_async=True)),
        (["Respond-Async"], Preferences(is_async=True)),
        (["respond-async, wait=10"], Preferences(is_async=True, wait_s=10.0)),
        (["wait=10", "respond-async"], Preferences(is_async=True, wait_s=10.0)),
        (["wait=5, wait=10"], Preferences(wait_s=5.0)),
        (['wait="7"'], Preferences(wait_s=7.0)),
        (['foo; bar=1, respond-async; x="y" , wait = 3'], Preferences(is_async=True, wait_s=3.0)),
        (["return=minimal, handling=lenient"], NONE),
        (["wait=soon"], NONE),
        (["wait=-1"], NONE),
        (["wait"], NONE),
        (["no-respond-async"], NONE),
    ],
)
def test_what_is_preferred(values: list[str], preferred: Preferences) -> None:
    assert preferences([(b"prefer", value.encode()) for value in values]) == preferred


def test_other_headers_do_not_matter() -> None:
    assert preferences([(b"x-prefer", b"respond-async"), (b"accept", b"respond-async")]) == NONE


@given(st.lists(st.tuples(st.sampled_from([b"prefer", b"x"]), st.binary(max_size=30))))
def test_no_header_is_an_error(headers: list[tuple[bytes, bytes]]) -> None:
    preferences(headers)
