import itertools
import random
from collections import Counter

import pytest

from bench.load.arrivals import BURST, poisson, trace


def test_arrivals_are_in_order_and_within_the_time() -> None:
    arrivals = poisson(500, 4.0, random.Random(1))
    assert arrivals == sorted(arrivals)
    assert arrivals[0] > 0
    assert arrivals[-1] < 4.0


def test_as_many_arrive_as_the_rate_says() -> None:
    assert len(poisson(1000, 10.0, random.Random(1))) == pytest.approx(10_000, rel=0.05)


def test_arrivals_are_independent_so_gaps_vary_as_much_as_their_mean() -> None:
    arrivals = poisson(1000, 10.0, random.Random(2))
    gaps = [later - earlier for earlier, later in itertools.pairwise(arrivals)]
    mean = sum(gaps) / len(gaps)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.05)


def test_the_same_seed_makes_the_same_arrivals() -> None:
    assert poisson(100, 1.0, random.Random(3)) == poisson(100, 1.0, random.Random(3))
    assert poisson(100, 1.0, random.Random(3)) != poisson(100, 1.0, random.Random(4))


def test_a_trace_has_in_each_second_what_belongs_there() -> None:
    arrivals = trace([100 * factor for factor in BURST], random.Random(1))
    by_second = Counter(int(at) for at in arrivals)
    assert arrivals == sorted(arrivals)
    assert set(by_second) == set(range(len(BURST)))
    assert by_second[2] > 5 * by_second[1]
    assert by_second[3] > 5 * by_second[4]
