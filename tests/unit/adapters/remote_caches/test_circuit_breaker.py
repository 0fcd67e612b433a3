"""A server that does not answer is left alone, and found again by itself."""

from hypothesis import given
from hypothesis import strategies as st

from clipper_sls.adapters.remote_caches.circuit_breaker import (
    FAILURES_TO_OPEN,
    FIRST_PAUSE_S,
    MAX_PAUSE_S,
    TOGETHER_S,
    CircuitBreaker,
)

APART_S = 2 * TOGETHER_S


def _open(now: float = 0.0) -> CircuitBreaker:
    """Open since `now`."""
    breaker = CircuitBreaker()
    opened = [breaker.failed(now - number * APART_S) for number in reversed(range(FAILURES_TO_OPEN))]
    assert opened == [False] * (FAILURES_TO_OPEN - 1) + [True]
    return breaker


def test_all_may_try_until_enough_attempts_in_a_row_have_failed() -> None:
    breaker = CircuitBreaker()
    for turn in range(10):
        for number in range(FAILURES_TO_OPEN - 1):
            now = turn + number * APART_S
            assert not breaker.failed(now)
            assert breaker.may_try(now)
        assert not breaker.succeeded()
    assert not breaker.is_open


def test_failures_at_one_time_count_as_one() -> None:
    breaker = CircuitBreaker()
    for turn in range(FAILURES_TO_OPEN - 1):
        assert not any(breaker.failed(turn + number * TOGETHER_S / 101) for number in range(100))
    assert not breaker.is_open


def test_nobody_may_try_before_the_pause_is_over_and_then_one_may() -> None:
    breaker = _open(now=10.0)
    assert not breaker.may_try(10.0 + 0.99 * FIRST_PAUSE_S)
    tries = [breaker.may_try(10.0 + FIRST_PAUSE_S) for _ in range(5)]
    assert tries == [True, False, False, False, False]


def test_each_pause_is_twice_the_one_before_it_up_to_a_limit() -> None:
    breaker, now, tried = _open(), 0.0, []
    while len(tried) < 10:
        now += FIRST_PAUSE_S / 10
        if breaker.may_try(now):
            breaker.failed(now)
            tried.append(now)
    pauses = [later - earlier for earlier, later in zip([0.0, *tried], tried, strict=False)]
    expected = [min(FIRST_PAUSE_S * 2**number, MAX_PAUSE_S) for number in range(10)]
    assert all(0 <= pause - wanted < FIRST_PAUSE_S / 4 for pause, wanted in zip(pauses, expected, strict=True))


def test_one_success_closes_it_and_the_next_outage_begins_with_a_short_pause() -> None:
    breaker, now = _open(), 0.0
    for _ in range(10):
        now += 2 * MAX_PAUSE_S
        assert breaker.may_try(now)
        breaker.failed(now)
    assert breaker.succeeded()
    now += 1
    assert all(breaker.may_try(now) for _ in range(5))
    opened = [breaker.failed(now + number * APART_S) for number in range(FAILURES_TO_OPEN)]
    assert opened[-1]
    assert breaker.may_try(now + FAILURES_TO_OPEN * APART_S + FIRST_PAUSE_S)


def test_an_attempt_that_is_never_heard_of_again_blocks_nothing() -> None:
    breaker = _open()
    assert breaker.may_try(100.0)
    assert not breaker.may_try(100.0)
    assert breaker.may_try(100.0 + MAX_PAUSE_S)


events = st.sampled_from(["try", "fail", "succeed"])


@given(st.lists(st.tuples(events, st.floats(0, 2 * MAX_PAUSE_S)), max_size=200))
def test_while_it_is_open_tries_are_rare_and_never_more_than_the_longest_pause_apart(
    steps: list[tuple[str, float]],
) -> None:
    breaker, now = CircuitBreaker(), 0.0
    last = None  # when it opened, or somebody tried it since
    for event, pause in steps:
        now += pause
        was_open = breaker.is_open
        if event == "succeed":
            breaker.succeeded()
            assert not breaker.is_open
            last = None
        elif event == "fail":
            last = now if breaker.failed(now) else last
        elif breaker.may_try(now):
            assert not was_open or now - last >= FIRST_PAUSE_S
            last = now if was_open else last
        else:
            assert was_open
            assert now - last <= MAX_PAUSE_S
