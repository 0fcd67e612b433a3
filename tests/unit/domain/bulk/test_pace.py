from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.bulk.pace import START_ROWS, Pace, batch_end


def test_a_size_that_is_in_time_doubles_until_one_is_late() -> None:
    pace = Pace(1_000)
    for _ in range(3):
        pace.observe(pace.size, late=0)
    assert pace.size == 8 * START_ROWS
    pace.observe(pace.size, late=1)
    assert pace.size == 4 * START_ROWS
    pace.observe(pace.size, late=0)
    assert pace.size == 4 * START_ROWS + START_ROWS // 2


def test_a_batch_that_was_not_full_says_nothing_about_larger_ones() -> None:
    pace = Pace(1_000)
    pace.observe(START_ROWS - 1, late=0)
    assert pace.size == START_ROWS


@given(st.integers(1, 5_000), st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 50))))
def test_the_size_stays_between_one_and_the_most(most: int, observed: list[tuple[int, int]]) -> None:
    pace = Pace(most)
    for asked, late in observed:
        pace.observe(asked, late)
        assert 1 <= pace.size <= most


@given(st.lists(st.binary(max_size=20), min_size=1), st.integers(1, 10), st.integers(1, 60))
def test_batches_keep_to_rows_and_bytes_and_leave_nothing_out(inputs: list[bytes], rows: int, max_bytes: int) -> None:
    start, seen = 0, list[bytes]()
    while start < len(inputs):
        end = batch_end(inputs, start, rows, max_bytes)
        batch = inputs[start:end]
        assert 1 <= len(batch) <= rows
        assert len(batch) == 1 or sum(map(len, batch)) <= max_bytes
        seen += batch
        start = end
    assert seen == inputs
