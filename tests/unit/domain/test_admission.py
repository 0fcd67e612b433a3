"""Who may wait, and how long it takes, with replicas that take 10 ms and 1 ms a row."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.admission import (
    ALWAYS_ADMITTED,
    CERTAIN_AFTER_BATCHES,
    LATE_SHARE,
    LEAST_RESERVE,
    MOST_RESERVE,
    Admission,
    fair_rate,
)
from clipper_sls.domain.batching import AimdBatching, BatchingPolicy, FixedBatching
from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.demand import FORGOTTEN_BELOW, WINDOW_S, Demand

SIZE = 10
ROUND_S = 0.020 * LEAST_RESERVE
IDLE = float("inf")

rates = st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1e4))
capacities = st.floats(0.1, 1e4)


class Learning(Admission):
    """With the line and the policy, which are told first."""

    def __init__(self, policy: Callable[[LatencyLine], BatchingPolicy] = lambda line: FixedBatching(SIZE)) -> None:
        self.line = LatencyLine()
        self.policy = policy(self.line)
        super().__init__(self.policy, self.line)

    def observe(self, size: int, latency_s: float) -> None:
        self.line.observe(size, latency_s)
        self.policy.observe(size, latency_s, 0.1)
        self.learnt()


@pytest.fixture
def admission() -> Learning:
    admission = Learning()
    for size in (1, 5, SIZE) * CERTAIN_AFTER_BATCHES:
        admission.observe(size, 0.010 + 0.001 * size)
    return admission


def wait_s(admission: Admission, queued_rows: int, replicas: int = 1, busy_for_s: float = IDLE, caller: str = "a"):
    return admission.wait_s(caller, 0.1, queued_rows=queued_rows, replicas=replicas, busy_for_s=busy_for_s, now=0.0)


def test_a_row_waits_for_those_before_it_and_for_its_own_batch(admission) -> None:
    assert wait_s(admission, SIZE - 1) == pytest.approx(ROUND_S)
    assert wait_s(admission, SIZE) == pytest.approx(2 * ROUND_S)
    assert wait_s(admission, 4 * SIZE) == pytest.approx(5 * ROUND_S)


def test_replicas_share_the_work(admission) -> None:
    assert wait_s(admission, 4 * SIZE, replicas=2) == pytest.approx(3 * ROUND_S)
    admission.observe(SIZE, 0.020)  # what was told holds until the next batch
    assert wait_s(admission, 4 * SIZE, replicas=5) == pytest.approx(ROUND_S)


def test_the_batch_under_way_comes_first(admission) -> None:
    assert wait_s(admission, 9, busy_for_s=0.005) == pytest.approx(2 * ROUND_S - 0.005)
    assert wait_s(admission, 9, busy_for_s=1.0) == pytest.approx(ROUND_S)


def test_half_a_batch_may_always_wait(admission) -> None:
    assert wait_s(admission, int(ALWAYS_ADMITTED * SIZE) - 1, busy_for_s=0.0) == 0.0


def test_predictions_are_stretched_while_too_many_are_late(admission) -> None:
    for _ in range(1_000):
        admission.late()
    assert wait_s(admission, SIZE - 1) == pytest.approx(0.020 * MOST_RESERVE)
    for _ in range(100_000):
        admission.in_time(1)
    assert wait_s(admission, SIZE - 1) == pytest.approx(ROUND_S)


def test_one_in_a_hundred_may_be_late(admission) -> None:
    admission.late()
    before = wait_s(admission, SIZE - 1)
    for _ in range(3):
        admission.late()
        admission.in_time(round(1 / LATE_SHARE) - 1)
    assert wait_s(admission, SIZE - 1) == pytest.approx(before)


def test_callers_that_ask_for_little_leave_the_rest(admission) -> None:
    admission.asked("a", 10_000)
    admission.asked("b", 50)  # a tenth of the 500 rows a second
    assert wait_s(admission, SIZE) == pytest.approx(2 * ROUND_S)
    assert wait_s(admission, SIZE - 2) == pytest.approx(ROUND_S)


def test_callers_that_ask_for_much_get_equal_shares(admission) -> None:
    admission.asked("a", 10_000)
    admission.asked("b", 100_000)
    for caller in "ab":
        assert wait_s(admission, SIZE // 2, caller=caller) == pytest.approx(2 * ROUND_S)
        assert wait_s(admission, SIZE // 2 - 1, caller=caller) == pytest.approx(ROUND_S)


def test_nothing_is_told_before_anything_is_known(admission) -> None:
    new = Learning()
    for _ in range(CERTAIN_AFTER_BATCHES - 1):
        new.observe(1, 5.0)
    assert wait_s(new, 1_000_000) == 0.0
    assert wait_s(admission, 1_000_000, replicas=0) == 0.0


def test_nothing_is_told_while_batches_still_grow() -> None:
    admission = Learning(AimdBatching)
    for _ in range(100):
        admission.observe(1, 0.004)  # never more than one was there
    assert wait_s(admission, 1_000) == 0.0


@given(demands=rates, capacity=capacities)
def test_nobody_gets_less_than_an_equal_share(demands, capacity) -> None:
    share = capacity / len(demands.keys() | {"a"})
    assert fair_rate("a", demands, capacity) >= share * (1 - 1e-9)


@given(demands=rates, capacity=capacities)
def test_together_callers_are_promised_no_more_than_there_is(demands, capacity) -> None:
    promised = sum(min(wanted, fair_rate(caller, demands, capacity)) for caller, wanted in demands.items())
    assert promised <= capacity * (1 + 1e-9)


@given(demands=rates, capacity=capacities)
def test_what_is_not_wanted_is_left_to_the_others(demands, capacity) -> None:
    others = sum(wanted for caller, wanted in demands.items() if caller != "a")
    assert fair_rate("a", demands, capacity) >= capacity - others - 1e-6


def test_demand_is_a_rate_that_fades() -> None:
    demand = Demand()
    for tick in range(1_000):
        demand.add("a", 1)
        demand.rates(tick / 100)
    assert demand.rates(10.0)["a"] == pytest.approx(100, rel=0.02)
    assert demand.rates(10.0 + WINDOW_S)["a"] == pytest.approx(37, rel=0.02)


def test_who_stays_away_is_forgotten() -> None:
    demand = Demand()
    demand.add("a", 1)
    demand.add("b", 1_000_000)
    demand.rates(0.0)
    assert demand.rates(WINDOW_S).keys() == {"b"}
    assert demand.rates(1_000.0) == {}
    assert FORGOTTEN_BELOW > 0
