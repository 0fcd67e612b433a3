"""How large the next batch may be."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.batching import AimdBatching, FixedBatching, QuantileBatching, batching_for
from clipper_sls.domain.batching.aimd import ADDITIVE_STEP, BACKOFF, MAX_SIZE, SHARE_OF_BUDGET
from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.inputs import InputType
from clipper_sls.domain.records import ModelVersion
from clipper_sls.domain.serving import Batching, Serving

BUDGET_S = 0.1
latencies = st.floats(min_value=1e-5, max_value=10.0)
budgets = st.floats(min_value=1e-3, max_value=10.0)


class Aimd(AimdBatching):
    """With the line, which is told first."""

    def __init__(self) -> None:
        self.line = LatencyLine()
        super().__init__(self.line)

    def observe(self, size: int, latency_s: float, budget_s: float) -> None:
        self.line.observe(size, latency_s)
        super().observe(size, latency_s, budget_s)


def batching(**fields):
    return batching_for(ModelVersion(ModelId.of("m", 1), InputType.DOUBLES, **fields), LatencyLine())


def full_batches(policy, latency_of, count, budget_s=BUDGET_S):
    """Sizes that the policy chose while every batch was full."""
    sizes = []
    for _ in range(count):
        size = policy.next_size(budget_s)
        policy.observe(size, latency_of(size), budget_s)
        sizes.append(size)
    return sizes


def test_a_positive_batch_size_is_fixed():
    policy = batching(batch_size=7)

    assert isinstance(policy, FixedBatching)
    assert full_batches(policy, lambda size: 10.0, 5) == [7] * 5


def test_the_default_batch_size_is_adaptive():
    assert isinstance(batching(), AimdBatching)


def test_a_version_may_ask_for_learnt_quantiles():
    learning = Serving(batching=Batching.QUANTILE)

    assert isinstance(batching(serving=learning), QuantileBatching)
    assert isinstance(batching(serving=learning, batch_size=7), FixedBatching)


def test_it_starts_with_one_row():
    assert Aimd().next_size(BUDGET_S) == 1


def test_a_fast_model_gets_large_batches_soon():
    sizes = full_batches(Aimd(), lambda size: 0.0001 + size * 1e-6, 20)

    assert all(later >= earlier for earlier, later in pairwise(sizes))
    assert sum(sizes[:8]) >= 300
    assert sizes[-1] == MAX_SIZE


def test_batches_of_a_model_that_is_slow_whatever_their_size_do_not_shrink():
    policy = Aimd()
    full_batches(policy, lambda size: 0.010 + size * 1e-5, 12)
    large = policy.next_size(BUDGET_S)
    sizes = full_batches(policy, lambda size: 0.010 + size * 1e-5, 50, budget_s=0.005)  # shorter than any batch
    assert min(sizes) >= large > 100


def test_a_row_that_takes_most_of_its_budget_may_share_its_batch():
    policy = Aimd()
    full_batches(policy, lambda size: 0.010 + size * 1e-5, 12)
    budget_s = 0.015  # more than half of it goes into a single row
    size = policy.next_size(budget_s)
    assert size > 100
    assert 0.010 + size * 1e-5 <= budget_s


def test_growth_is_additive_near_the_limit():
    sizes = full_batches(Aimd(), lambda size: size * 0.001, 20)

    steps = [later - earlier for earlier, later in pairwise(sizes) if earlier > 25 and later > earlier]
    assert set(steps) <= {ADDITIVE_STEP}


@pytest.mark.parametrize("row_s", [0.0001, 0.001, 0.01])
def test_batches_settle_at_what_the_budget_allows(row_s):
    sizes = full_batches(Aimd(), lambda size: size * row_s, 500)[-100:]

    fitting = BUDGET_S * SHARE_OF_BUDGET / row_s
    assert max(sizes) <= fitting + ADDITIVE_STEP
    assert min(sizes) >= BACKOFF * BACKOFF * fitting - ADDITIVE_STEP


def test_a_late_batch_shrinks_the_maximum_by_a_tenth():
    policy = Aimd()
    full_batches(policy, lambda size: 0.0001, 6)
    before = policy.next_size(1e9)

    policy.observe(before, BUDGET_S, BUDGET_S)

    assert policy.next_size(1e9) == int(before * BACKOFF)


def test_a_batch_that_was_not_full_says_nothing_about_larger_ones():
    policy = Aimd()
    full_batches(policy, lambda size: 0.0001, 6)
    before = policy.next_size(1e9)

    policy.observe(1, 0.0001, BUDGET_S)

    assert policy.next_size(1e9) == before


def test_rows_with_little_time_get_a_batch_that_fits_it():
    policy = Aimd()
    full_batches(policy, lambda size: size * 0.001, 50, budget_s=3.0)

    assert policy.next_size(3.0) > 500
    assert policy.next_size(0.02) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("latency_s", [0.02, 0.03, 0.045])
def test_a_latency_that_does_not_grow_with_the_batch_never_holds_it_down(latency_s):
    sizes = full_batches(Aimd(), lambda size: latency_s, 60)

    assert sizes[-1] == MAX_SIZE


@pytest.mark.parametrize("row_s", [0.026, 0.03, 0.04])
def test_a_model_that_has_time_for_one_row_is_seldom_asked_for_more(row_s):
    sizes = full_batches(Aimd(), lambda size: size * row_s, 500)

    assert sum(size > 1 for size in sizes) <= 25


def test_one_slow_batch_is_forgotten():
    policy = Aimd()
    before = full_batches(policy, lambda size: 0.002 + size * 0.0005, 300)[-1]
    policy.observe(before, 2.0, BUDGET_S)

    assert full_batches(policy, lambda size: 0.002 + size * 0.0005, 60)[-1] >= BACKOFF * BACKOFF * before


@given(st.lists(st.tuples(st.integers(1, 5_000), latencies, budgets)), budgets)
def test_the_size_stays_within_bounds(observations, budget_s):
    policy = Aimd()
    for size, latency_s, observed_budget_s in observations:
        policy.observe(size, latency_s, observed_budget_s)

    assert 1 <= policy.next_size(budget_s) <= MAX_SIZE
