"""A sample of bounded size that stands for the whole stream."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.local.reservoir import SIZE, Reservoir, quantile

numbers = st.floats(-1e6, 1e6)


@given(st.lists(numbers, min_size=1, max_size=200))
def test_what_fits_is_kept_whole(values: list[float]) -> None:
    reservoir = Reservoir(random.Random(0))
    for value in values:
        reservoir.add(value)
    summary = reservoir.summary()
    assert (summary["size"], summary["min"], summary["max"]) == (len(values), min(values), max(values))
    assert summary["mean"] == pytest.approx(sum(values) / len(values), abs=1e-6)
    assert summary["min"] <= summary["p50"] <= summary["p95"] <= summary["p99"] <= summary["max"]


def test_a_long_stream_is_sampled_evenly() -> None:
    reservoir = Reservoir(random.Random(1))
    for value in range(20 * SIZE):
        reservoir.add(value)
    summary = reservoir.summary()
    assert summary["size"] == SIZE
    assert summary["p50"] == pytest.approx(10 * SIZE, rel=0.1)


def test_no_number_yet_is_zeros() -> None:
    assert set(Reservoir(random.Random(0)).summary().values()) == {0.0}


@given(st.lists(numbers, min_size=1).map(sorted), st.floats(0, 1))
def test_a_quantile_lies_within_and_grows_with_its_share(ordered: list[float], share: float) -> None:
    found = quantile(ordered, share)
    assert ordered[0] - 1e-6 <= found <= ordered[-1] + 1e-6
    assert quantile(ordered, 0.0) == ordered[0]
    assert quantile(ordered, 1.0) == ordered[-1]
