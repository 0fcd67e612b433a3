"""A line through what batches took."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.batching.latency_line import LatencyLine

parts_s = st.floats(1e-6, 1.0)


@given(parts_s, parts_s, st.lists(st.integers(1, 500), min_size=2, max_size=50))
def test_a_line_is_found(fixed_s: float, row_s: float, sizes: list[int]) -> None:
    line = LatencyLine()
    for size in [*sizes, 1, 1000]:
        line.observe(size, fixed_s + row_s * size)
    assert line.latency_s(700) == pytest.approx(fixed_s + row_s * 700, rel=1e-3)
    assert line.largest(fixed_s + row_s * 300) == pytest.approx(300, rel=1e-2, abs=fixed_s)


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 10.0)), max_size=50), st.integers(1, 5000))
def test_no_latency_is_negative_and_more_rows_never_take_less(batches: list[tuple[int, float]], size: int) -> None:
    line = LatencyLine()
    for batch_size, latency_s in batches:
        line.observe(batch_size, latency_s)
    assert 0.0 <= line.latency_s(size) <= line.latency_s(size + 1)


def test_batches_of_one_size_say_nothing_about_others() -> None:
    line = LatencyLine()
    for _ in range(10):
        line.observe(4, 0.004)
    assert line.largest(0.001) == float("inf")
    assert line.latency_s(8) == pytest.approx(0.008)
