"""When replicas are started, restarted and stopped, and what a version's state is called."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.domain.identifiers import ModelId
from clipper_sls.domain.records import Scaling
from clipper_sls.domain.replicas import (
    MAX_BACKOFF_S,
    MAX_STARTING,
    STABLE_AFTER_S,
    UNHEALTHY_AFTER_CRASHES,
    Health,
    PoolStatus,
    ReplicaState,
    ReplicaStatus,
    crashes_after,
    health,
    replicas_to_start,
    restart_delay_s,
    wanted_replicas,
)

scalings = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda pair: Scaling(min(pair), max(pair)))


def wanted(scaling, *, live, busy=0, queued_rows=0, idle_for_s=0.0):
    return wanted_replicas(scaling, live, busy, queued_rows, idle_for_s, idle_limit_s=300.0)


def test_one_is_added_while_rows_wait_and_all_are_busy():
    assert wanted(Scaling(1, 5), live=2, busy=2, queued_rows=1) == 3


def test_none_is_added_while_one_is_starting():
    assert wanted(Scaling(1, 5), live=3, busy=2, queued_rows=100) == 3


def test_none_is_added_beyond_the_maximum():
    assert wanted(Scaling(1, 2), live=2, busy=2, queued_rows=100) == 2


def test_a_sleeping_version_wakes_for_one_row():
    assert wanted(Scaling(0, 3), live=0, queued_rows=1) == 1


def test_idle_replicas_go_after_the_limit():
    assert wanted(Scaling(1, 5), live=4, idle_for_s=299.0) == 4
    assert wanted(Scaling(1, 5), live=4, idle_for_s=300.0) == 1
    assert wanted(Scaling(0, 5), live=1, idle_for_s=300.0) == 0


def test_a_replica_at_work_or_with_work_waiting_is_not_idle():
    assert wanted(Scaling(0, 5), live=1, busy=1, idle_for_s=1_000.0) == 1
    assert wanted(Scaling(0, 5), live=1, queued_rows=1, idle_for_s=1_000.0) == 1


@given(scalings, st.integers(0, 30), st.integers(0, 30), st.integers(0, 100), st.floats(0.0, 1_000.0))
def test_the_number_stays_between_minimum_and_maximum(scaling, live, busy, queued_rows, idle_for_s):
    number = wanted(scaling, live=live, busy=min(live, busy), queued_rows=queued_rows, idle_for_s=idle_for_s)

    assert scaling.minimum <= number <= scaling.maximum


def test_the_first_restart_is_at_once_and_later_ones_wait_longer_and_longer():
    delays = [restart_delay_s(crashes) for crashes in range(20)]

    assert delays[:2] == [0.0, 0.0]
    assert delays[2:5] == [0.1, 0.2, 0.4]
    assert delays == sorted(delays)
    assert delays[-1] == MAX_BACKOFF_S


def test_crashes_are_counted_until_a_replica_was_well_for_long():
    assert crashes_after(3, None) == 4
    assert crashes_after(3, STABLE_AFTER_S / 2) == 4
    assert crashes_after(3, STABLE_AFTER_S) == 1


def test_all_that_are_missing_start_together_up_to_a_limit():
    assert replicas_to_start(3, live=1, starting=0, consecutive_crashes=0) == 2
    assert replicas_to_start(100, live=0, starting=0, consecutive_crashes=0) == MAX_STARTING
    assert replicas_to_start(100, live=50, starting=3, consecutive_crashes=0) == MAX_STARTING - 3


def test_after_crashes_one_goes_first():
    assert replicas_to_start(3, live=0, starting=0, consecutive_crashes=1) == 3
    assert replicas_to_start(3, live=0, starting=0, consecutive_crashes=2) == 1
    assert replicas_to_start(3, live=1, starting=1, consecutive_crashes=2) == 0
    assert replicas_to_start(3, live=1, starting=0, consecutive_crashes=2) == 1


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_never_more_are_started_than_are_missing(target, live, starting, crashes):
    assert 0 <= replicas_to_start(target, live, starting, crashes) <= max(0, target - live)


@pytest.mark.parametrize(
    ("scaling", "ready", "crashes", "has_starting", "expected"),
    [
        (Scaling(1, 1), 1, 0, False, Health.HEALTHY),
        (Scaling(1, 1), 1, 99, True, Health.HEALTHY),
        (Scaling(1, 1), 0, 0, True, Health.STARTING),
        (Scaling(1, 1), 0, 1, True, Health.DEGRADED),
        (Scaling(1, 1), 0, UNHEALTHY_AFTER_CRASHES, True, Health.UNHEALTHY),
        (Scaling(0, 1), 0, 0, False, Health.ASLEEP),
        (Scaling(0, 1), 0, 0, True, Health.STARTING),
        (Scaling(0, 0), 0, 0, False, Health.OFF),
    ],
)
def test_a_version_is_called_what_it_is(scaling, ready, crashes, has_starting, expected):
    assert health(scaling, ready, crashes, has_starting) is expected


def test_replicas_at_work_count_as_ready():
    one = ReplicaStatus(1, ReplicaState.READY, 100, "1.log", 0.0)
    states = (ReplicaState.READY, ReplicaState.BUSY, ReplicaState.STARTING, ReplicaState.STOPPING)
    replicas = tuple(replace(one, replica_id=number, state=state) for number, state in enumerate(states))

    status = PoolStatus(ModelId.of("m", 1), Health.HEALTHY, Scaling(1, 4), replicas, 0, 0, None)

    assert status.ready_replicas == 2
