"""Which replicas are slow, and which batches, where a batch takes 10 ms and 1 ms a row."""

import pytest

from clipper_sls.domain.batching.latency_line import LatencyLine
from clipper_sls.domain.stragglers import (
    CERTAIN_AFTER_BATCHES,
    HEDGED_SHARE,
    HEDGES_AT_ONCE,
    QUANTILE,
    RETRY_S,
    Stragglers,
)


def taken_s(size: int) -> float:
    return 0.010 + 0.001 * size


class Observed(Stragglers):
    """With the line, which is told what it should be."""

    def __init__(self) -> None:
        self.line = LatencyLine()
        super().__init__(self.line)

    def observe(self, replica_id: int, size: int, latency_s: float, now: float) -> bool:
        tells = super().observe(replica_id, size, latency_s, now)
        if tells:
            self.line.observe(size, latency_s)
        return tells


def after(*factors: float, batches: int = 50) -> Observed:
    """Replica i, from 1 on, took `factors[i - 1]` times as long as it should have."""
    stragglers = Observed()
    for number in range(batches):
        for replica_id, factor in enumerate(factors, start=1):
            size = 1 + number % 20
            stragglers.observe(replica_id, size, factor * taken_s(size), now=number / 100)
    return stragglers


def test_equal_replicas_are_not_slow() -> None:
    stragglers = after(1.0, 1.2, 0.9)
    assert not any(stragglers.is_slow(replica_id) for replica_id in (1, 2, 3))


def test_a_replica_that_takes_much_longer_than_others_is_slow() -> None:
    stragglers = after(1.0, 10.0, 1.0)
    assert [stragglers.is_slow(replica_id) for replica_id in (1, 2, 3)] == [False, True, False]


def test_of_short_batches_all_times_are_chance() -> None:
    stragglers = Observed()
    for number in range(100):
        for replica_id, taken in ((1, 0.0002), (2, 0.0010)):
            stragglers.observe(replica_id, 1, taken, now=number / 100)
    assert not stragglers.is_slow(2)


def test_one_replica_alone_is_never_slow() -> None:
    assert not after(50.0).is_slow(1)


def test_where_all_became_slow_none_is() -> None:
    stragglers = after(1.0, 1.0)
    for number in range(100):
        for replica_id in (1, 2):
            stragglers.observe(replica_id, 10, 10 * taken_s(10), now=1.0 + number)
    assert not stragglers.is_slow(1)
    assert not stragglers.is_slow(2)
    patience_s = stragglers.patience_s(10)
    assert patience_s is not None
    assert patience_s > 10 * taken_s(10)


def test_a_replica_that_recovers_is_slow_no_longer() -> None:
    stragglers = after(1.0, 10.0)
    for number in range(10):
        stragglers.observe(2, 1, taken_s(1), now=1.0 + number)
    assert not stragglers.is_slow(2)


def test_a_new_or_forgotten_replica_is_not_slow() -> None:
    stragglers = after(1.0, 10.0)
    stragglers.forget(2)
    assert not stragglers.is_slow(2)
    assert not stragglers.is_slow(99)


def test_what_a_slow_replica_takes_says_nothing_about_the_others() -> None:
    stragglers = after(1.0, 1.0)
    assert stragglers.observe(1, 10, taken_s(10), now=1.0)
    assert not stragglers.observe(2, 10, 20 * taken_s(10), now=1.0)


def test_a_slow_replica_is_tried_from_time_to_time() -> None:
    stragglers = after(1.0, 10.0)
    stragglers.observe(2, 1, 10 * taken_s(1), now=5.0)
    assert not stragglers.is_worth_trying(2, 5.0 + RETRY_S / 2)
    assert stragglers.is_worth_trying(2, 5.0 + RETRY_S)


def test_a_slow_replica_is_needed_when_the_others_would_take_longer() -> None:
    stragglers = after(1.0, 10.0, 1.0)
    assert not stragglers.is_needed(2, rounds_waiting=5.0)
    assert stragglers.is_needed(2, rounds_waiting=12.0)


def test_nobody_is_impatient_before_anything_is_known() -> None:
    stragglers = Observed()
    for number in range(CERTAIN_AFTER_BATCHES - 1):
        stragglers.observe(1, 1, 1.0, now=float(number))
    assert stragglers.patience_s(1) is None


@pytest.mark.parametrize("share", [0.02, 0.10])
def test_patience_is_a_high_quantile_of_what_batches_take(share: float) -> None:
    """With less than one in twenty batches slow, patience ends before them; with more, it does not."""
    stragglers = Observed()
    for number in range(5_000):
        is_slow = number % round(1 / share) == 0
        stragglers.observe(1, 10, (4.0 if is_slow else 1.0) * taken_s(10), now=number / 100)
    patience_s = stragglers.patience_s(10)
    assert patience_s is not None
    assert (patience_s < 3.9 * taken_s(10)) == (share < 1 - QUANTILE)


def test_few_batches_are_asked_twice() -> None:
    stragglers, hedged = Observed(), 0
    for number in range(1_000):
        stragglers.observe(1, 10, taken_s(10), now=number / 100)
        while stragglers.may_hedge():
            hedged += 1
    assert hedged <= HEDGED_SHARE * 1_000 + HEDGES_AT_ONCE
