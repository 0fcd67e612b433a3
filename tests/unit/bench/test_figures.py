import math

import pytest

from bench.load.answers import Verdict
from bench.load.figures import by_second, closed_loop, counts, open_loop, percentile
from bench.load.job import Outcome

RIGHT, WRONG, DEFAULT, UNFINISHED = (
    int(verdict) for verdict in (Verdict.RIGHT, Verdict.WRONG, Verdict.DEFAULT, Verdict.UNFINISHED)
)


def outcome(*asked: tuple[float, float, int], seconds: float = 1.0, **reasons: int) -> Outcome:
    """Of queries: when due, latency in ms, verdict."""
    return Outcome(
        due_s=[due_s for due_s, _, _ in asked],
        latency_s=[latency_ms / 1000 for _, latency_ms, _ in asked],
        verdicts=[verdict for _, _, verdict in asked],
        reasons=reasons,
        seconds=seconds,
        generator_cpu_s=0.0,
        late_s=[],
    )


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert percentile([1, 2, 3, 4], 0.5) == 2
    assert percentile(list(range(1, 101)), 0.99) == 99
    assert percentile([7], 0.99) == 7
    assert math.isnan(percentile([], 0.5))


def test_a_closed_loop_counts_right_answers_that_came_while_it_lasted() -> None:
    found = closed_loop(outcome((0.0, 100, RIGHT), (0.1, 100, DEFAULT), (0.5, 100, WRONG), (0.95, 100, RIGHT)))
    assert found["rate_per_s"] == 1
    assert found["p50_ms"] == pytest.approx(100)


def test_an_open_loop_asks_whose_output_came_and_when() -> None:
    found = open_loop(
        outcome(
            (0.0, 5, RIGHT),
            (0.1, 25, RIGHT),
            (0.2, 22, DEFAULT),
            (0.3, 40, DEFAULT),
            (0.4, math.inf, UNFINISHED),
            seconds=2.0,
            timed_out=2,
        ),
        20,
    )
    assert found["offered_per_s"] == 2.5
    assert found["inside"] == pytest.approx(1 / 5)
    assert found["goodput_per_s"] == pytest.approx(0.5)
    assert found["kept"] == pytest.approx(3 / 5)
    assert found["default_timed_out"] == pytest.approx(2 / 5)


def test_seconds_are_those_in_which_queries_were_due() -> None:
    seconds = by_second(outcome((0.5, 2000, RIGHT), (1.5, 5, RIGHT), (1.6, 5, DEFAULT), seconds=3.0), 20)
    assert [second["offered_per_s"] for second in seconds] == [1, 2, 0]
    assert [second["inside"] for second in seconds[:2]] == [0, 0.5]
    assert seconds[1]["default"] == 0.5
    assert math.isnan(seconds[2]["inside"])


def test_whatever_became_of_a_query_is_counted() -> None:
    found = counts(outcome((0, 1, RIGHT), (0, 1, WRONG), (0, 1, DEFAULT), (0, math.inf, UNFINISHED)))
    assert found == {"queries": 4, "wrong": 1, "failed": 0, "unfinished": 1, "defaults": 1}
