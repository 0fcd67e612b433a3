from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.envelope import event_bytes, pack_event, pack_reference
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.parts import parts_of

LONGEST_URL = "https://s3/" + "x" * 3_800


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60), st.integers(1, 20), st.integers(8_000, 9_000))
def test_parts_are_all_rows_in_order_and_none_is_larger_than_it_may_be(
    lengths: list[int], max_rows: int, max_event_bytes: int
) -> None:
    parts = parts_of(lengths, max_rows=max_rows, max_event_bytes=max_event_bytes)
    assert [length for part in parts for length in lengths[part]] == lengths
    for part in parts:
        inside = lengths[part]
        assert 1 <= len(inside) <= max_rows
        assert len(inside) == 1 or event_bytes(sum(inside), len(inside)) <= max_event_bytes


@given(st.lists(st.integers(0, 300), min_size=1, max_size=60), st.integers(1, 20), st.integers(8_500, 9_000))
def test_no_two_parts_beside_each_other_would_fit_into_one(
    lengths: list[int], max_rows: int, max_event_bytes: int
) -> None:
    parts = parts_of(lengths, max_rows=max_rows, max_event_bytes=max_event_bytes)
    for first, second in pairwise(parts):
        both = lengths[first.start : second.start + 1]
        assert len(both) > max_rows or event_bytes(sum(both), len(both)) > max_event_bytes


@given(st.lists(st.binary(max_size=300), max_size=40))
def test_an_event_is_no_larger_than_was_said(rows: list[bytes]) -> None:
    bound = event_bytes(sum(map(len, rows)), len(rows))
    assert len(pack_event(InputType.INTEGERS, rows, LONGEST_URL)) <= bound
    assert len(pack_reference(InputType.INTEGERS, rows, LONGEST_URL, LONGEST_URL)) <= bound
