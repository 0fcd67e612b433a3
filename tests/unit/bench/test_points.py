import json
import math

from bench.plan import MEASUREMENTS
from bench.points import OURS, Point, as_json, summaries, wrong_answers
from bench.report.tables import COLUMNS, RATIOS, SHORT, tables


def point(contender: str, round_number: int, **figures: float) -> Point:
    return Point("closed-loop", "no-op", "16 clients", contender, round_number, figures)


def test_a_summary_has_medians_over_the_rounds() -> None:
    (summary,) = summaries([point(OURS, number, rate_per_s=rate) for number, rate in enumerate([10, 90, 20])])
    assert summary.medians == {"rate_per_s": 20}
    assert summary.rounds == 3


def test_ratios_are_of_one_round_each() -> None:
    """All were twice as fast in the second round; the ratio is not."""
    points = [point(OURS, 1, rate=10), point("x", 1, rate=5), point("x", 2, rate=10), point(OURS, 2, rate=20)]
    ratios = {summary.contender: summary.ratios for summary in summaries(points)}
    assert ratios == {OURS: {"rate": 1}, "x": {"rate": 2}}


def test_there_is_no_ratio_to_nothing() -> None:
    points = [point(OURS, 1, rate=10), point("x", 1, rate=0), point("y", 2, rate=5)]
    assert [summary.ratios for summary in summaries(points)] == [{"rate": 1}, {}, {}]


def test_a_round_without_a_figure_does_not_count_for_it() -> None:
    (summary,) = summaries([point(OURS, 1, p99_ms=math.nan), point(OURS, 2, p99_ms=3.0), point(OURS, 3, default_x=0.5)])
    assert summary.medians == {"p99_ms": 3.0, "default_x": 0.5}


def test_wrong_answers_of_all_points_are_counted() -> None:
    assert wrong_answers([point(OURS, 1, wrong=2), point("x", 1, wrong=1), point("y", 1)]) == 3


def test_results_are_json_even_where_there_is_no_number() -> None:
    found = json.loads(json.dumps(as_json([point(OURS, 1, p99_ms=math.nan, wrong=0)]), allow_nan=False))
    assert found["wrong_answers"] == 0
    assert found["rounds"][0]["figures"] == {"p99_ms": None, "wrong": 0}
    assert found["medians"][0]["contender"] == OURS


def test_every_measurement_has_a_table() -> None:
    points = [Point(name, "no-op", "1", OURS, 1, {"inside": 1.0}) for name in MEASUREMENTS]
    assert len(list(tables(summaries(points)))) == len(MEASUREMENTS)
    assert set(COLUMNS) == set(RATIOS) == set(MEASUREMENTS) - {"trace"}
    assert {figure for ratios in RATIOS.values() for figure in ratios} == set(SHORT)


def test_ours_comes_first_and_the_others_have_their_ratios() -> None:
    points = [point("x", 1, rate_per_s=5.0), point(OURS, 1, rate_per_s=10.0)]
    (table,) = tables(summaries(points))
    assert list(table.columns[2].cells) == [OURS, "x"]
    ratio = next(column for column in table.columns if column.header == "rate ratio")
    assert list(ratio.cells) == ["", "2"]
