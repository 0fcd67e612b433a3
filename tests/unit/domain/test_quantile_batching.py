"""How large the next batch may be, by the learnt 99th percentile of the latency."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.batching.aimd import MAX_SIZE, SHARE_OF_BUDGET
from clipper_sls.domain.batching.quantile import (
    FULL_WINDOW,
    MAX_GROWTH,
    PARTIAL_WINDOW,
    SPARED,
    SURPRISES,
    TAU,
    QuantileBatching,
    fit_line,
    rivals,
)

BUDGET_S = 0.02
ALLOWED_S = BUDGET_S * SHARE_OF_BUDGET
NOISE = 0.05
QUANTILE_OF_NOISE = 1.0 + 2.576 * NOISE
"""The 99th percentile of one plus the absolute value of a normal deviate."""
FITTING = (ALLOWED_S / QUANTILE_OF_NOISE - 0.002) / 0.00005
"""The largest size whose 99th percentile is in time."""

Model = Callable[[Random, int, int], float]
"""Seconds that the batch takes, by its number and its size."""
Batch = tuple[int, float]

seeds = pytest.mark.parametrize("seed", range(5))
histories = st.lists(
    st.tuples(
        st.integers(1, 5_000), st.floats(min_value=0.0, max_value=10.0), st.floats(min_value=1e-3, max_value=10.0)
    ),
    max_size=400,
)
budgets = st.floats(min_value=-1.0, max_value=100.0)
points = st.lists(st.tuples(st.integers(1, 50), st.floats(min_value=1e-4, max_value=1.0)), min_size=1, max_size=250)


def noise(random: Random) -> float:
    return 1.0 + abs(random.gauss(0.0, NOISE))


def linear(random: Random, number: int, size: int) -> float:
    return (0.002 + 0.00005 * size) * noise(random)


def constant(random: Random, number: int, size: int) -> float:
    return 0.008 * noise(random)


def times(factor: float, when: Callable[[int], bool]) -> Model:
    """The linear model, slower in some batches."""
    return lambda random, number, size: linear(random, number, size) * (factor if when(number) else 1.0)


def simulated(model: Model, count: int, seed: int, budget_s: float = BUDGET_S) -> list[Batch]:
    """Sizes and latencies while there are always enough rows for a full batch."""
    policy, random, batches = QuantileBatching(), Random(seed), []
    for number in range(count):
        size = policy.next_size(budget_s)
        batches.append((size, model(random, number, size)))
        policy.observe(*batches[-1], budget_s)
    return batches


def learnt(history: list[tuple[int, float, float]]) -> QuantileBatching:
    policy = QuantileBatching()
    for size, latency_s, budget_s in history:
        policy.observe(size, latency_s, budget_s)
    return policy


def share_over(batches: list[Batch], allowed_s: float = ALLOWED_S) -> float:
    return sum(latency_s > allowed_s for _, latency_s in batches) / len(batches)


def mean_size(batches: list[Batch]) -> float:
    return sum(size for size, _ in batches) / len(batches)


def batches_until(size: float, batches: list[Batch]) -> int:
    return next(number for number, batch in enumerate(batches) if batch[0] >= size)


def pinball_loss(history: list[Batch], intercept_s: float, slope_s: float) -> float:
    rests = [latency_s - intercept_s - slope_s * size for size, latency_s in history]
    return sum(max(TAU * rest, (TAU - 1.0) * rest) for rest in rests)


def test_it_starts_with_one_row():
    assert QuantileBatching().next_size(BUDGET_S) == 1


@given(histories, budgets)
def test_the_size_stays_within_bounds(history, budget_s):
    assert 1 <= learnt(history).next_size(budget_s) <= MAX_SIZE


@given(histories, budgets, budgets)
def test_more_time_never_makes_a_batch_smaller(history, one_s, other_s):
    policy = learnt(history)

    assert policy.next_size(min(one_s, other_s)) <= policy.next_size(max(one_s, other_s))


@given(histories, budgets)
def test_equal_histories_give_equal_sizes(history, budget_s):
    assert learnt(history).next_size(budget_s) == learnt(history).next_size(budget_s)


@given(histories.filter(bool), budgets)
def test_a_batch_is_at_most_twice_the_largest_before(history, budget_s):
    largest = max(size for size, _, _ in history)

    assert learnt(history).next_size(budget_s) <= MAX_GROWTH * largest


@given(points, st.floats(0.0, 0.2), st.floats(0.0, 0.02))
def test_no_other_line_has_a_smaller_pinball_loss(history, intercept_s, slope_s):
    best = pinball_loss(history, *fit_line(history))

    assert best <= pinball_loss(history, intercept_s, slope_s) + 1e-5


@given(points, st.integers(0, 5), st.floats(0.0, 1.0))
def test_only_rivals_are_highest_over_a_line(history, above, slope_s):
    def highest(candidates: list[Batch]) -> list[float]:
        return sorted((latency_s - slope_s * size for size, latency_s in candidates), reverse=True)[: above + 1]

    assert highest(rivals(history, above)) == highest(history)


@seeds
def test_batches_settle_at_the_largest_size_in_time(seed):
    batches = simulated(linear, 2_000, seed)

    assert batches_until(0.9 * FITTING, batches) <= 12
    assert mean_size(batches[-500:]) == pytest.approx(FITTING, rel=0.05)
    assert share_over(batches) <= 0.02


def test_growth_is_a_slow_start():
    sizes = [size for size, _ in simulated(linear, 8, seed=0)]

    assert sizes[:7] == [1, 2, 4, 8, 16, 32, 64]


@seeds
@pytest.mark.parametrize("number", [3, 20, 500])
def test_one_slow_batch_does_not_make_the_next_ones_smaller(number, seed):
    batches = simulated(times(50.0, lambda batch: batch == number), 2_000, seed)

    assert min(size for size, _ in batches[max(number + 1, 12) :]) >= 0.85 * FITTING
    assert share_over(batches) <= 0.02


@seeds
def test_slow_batches_are_forgotten(seed):
    slow = 2 * SURPRISES
    batches = simulated(times(50.0, lambda batch: 500 <= batch < 500 + slow), 1_200, seed)

    forgotten = batches[500 + slow + FULL_WINDOW + PARTIAL_WINDOW :]
    assert min(size for size, _ in forgotten) >= 0.85 * FITTING


@seeds
@pytest.mark.parametrize("slow", [1, SPARED])
def test_a_slow_warm_up_does_not_cap_the_size(slow, seed):
    batches = simulated(lambda *at: 1.0 if at[1] < slow else linear(*at), 2_000, seed)

    assert batches_until(0.9 * FITTING, batches) <= 20
    assert share_over(batches) <= 0.02


@seeds
def test_a_model_that_became_slower_gets_smaller_batches(seed):
    budget_s, allowed_s = 3 * BUDGET_S, 3 * ALLOWED_S
    batches = simulated(times(4.0, lambda batch: batch >= 500), 1_500, seed, budget_s)

    fitting = (allowed_s / QUANTILE_OF_NOISE / 4.0 - 0.002) / 0.00005
    adapted = batches[500 + 20 :]
    assert max(size for size, _ in adapted) <= 1.2 * fitting
    assert mean_size(batches[-500:]) == pytest.approx(fitting, rel=0.05)
    assert share_over(adapted, allowed_s) <= 0.02


@seeds
def test_a_model_that_became_faster_gets_larger_batches(seed):
    batches = simulated(times(4.0, lambda batch: batch < 500), 1_500, seed)

    assert batches_until(0.9 * FITTING, batches) <= 500 + FULL_WINDOW + PARTIAL_WINDOW
    assert mean_size(batches[-500:]) == pytest.approx(FITTING, rel=0.05)


@seeds
def test_a_model_of_constant_latency_gets_the_largest_batches(seed):
    batches = simulated(constant, 400, seed)

    assert batches_until(MAX_SIZE, batches) <= FULL_WINDOW
    assert share_over(batches) <= 0.02


@pytest.mark.parametrize("row_s", [0.00005, 0.0005, 0.005])
def test_latencies_without_noise_settle(row_s):
    batches = simulated(lambda random, number, size: size * row_s, 1_000, seed=0)

    assert mean_size(batches[-500:]) == pytest.approx(ALLOWED_S / row_s, rel=0.02, abs=1.0)
    assert share_over(batches) <= 0.02


def test_quiet_hours_do_not_undo_what_was_learnt():
    policy, random = QuantileBatching(), Random(0)
    for number in range(1_500):
        size = policy.next_size(BUDGET_S) if number < 500 else random.randint(1, 5)
        policy.observe(size, linear(random, number, size), BUDGET_S)

    assert policy.next_size(BUDGET_S) == pytest.approx(FITTING, rel=0.1)


def test_rows_with_little_time_get_a_batch_that_fits_it():
    policy, random = QuantileBatching(), Random(0)
    for number in range(200):
        size = policy.next_size(BUDGET_S)
        policy.observe(size, linear(random, number, size), BUDGET_S)

    fitting = (ALLOWED_S / 2.0 / QUANTILE_OF_NOISE - 0.002) / 0.00005
    assert policy.next_size(BUDGET_S / 2.0) == pytest.approx(fitting, rel=0.25)
