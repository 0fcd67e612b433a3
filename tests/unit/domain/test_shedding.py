"""How old a query may be: a share of its objective, learnt from how many answers came too late."""

import pytest

from clipper_sls.domain.shedding import LATE_SHARE, LEAST_SHARE, MOST_SHARE, Shedding

OBJECTIVE_S = 0.1


def _oldest_s(shedding: Shedding) -> float:
    """The greatest age, to a tenth of a millisecond, that is looked at."""
    return max(age / 10_000 for age in range(1_000) if not shedding.is_too_old(age / 10_000, OBJECTIVE_S))


def test_at_first_half_of_the_objective_may_have_passed() -> None:
    assert _oldest_s(Shedding()) == pytest.approx(MOST_SHARE * OBJECTIVE_S)


def test_answers_that_come_too_late_lower_it_to_a_bound_and_others_raise_it_again() -> None:
    shedding = Shedding()
    for _ in range(100):
        shedding.answered(is_late=True)
    assert _oldest_s(shedding) == pytest.approx(LEAST_SHARE * OBJECTIVE_S)
    for _ in range(10_000):
        shedding.answered(is_late=False)
    assert _oldest_s(shedding) == pytest.approx(MOST_SHARE * OBJECTIVE_S)


def test_it_stays_where_as_many_come_too_late_as_may() -> None:
    shedding = Shedding()
    for _ in range(30):
        shedding.answered(is_late=True)
    before_s = _oldest_s(shedding)
    for number in range(10_000):
        shedding.answered(is_late=number % round(1 / LATE_SHARE) == 0)
    assert _oldest_s(shedding) == pytest.approx(before_s, abs=0.002)
