"""What was measured, in one shape for everything, and medians and ratios of it. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from bench.load.figures import Figures

OURS = "clipper-sls"


@dataclass(frozen=True, slots=True)
class Point:
    """One contender in one round. `setting` is what varies within a measurement, such as `16 clients`."""

    measurement: str
    workload: str
    setting: str
    contender: str
    round: int
    figures: Figures


@dataclass(frozen=True, slots=True)
class Summary:
    """Medians over the rounds of a point. `ratios`: ours divided by this contender's in the same round, their median.

    Rounds of all contenders alternate, so what else the machine does meets all of them: ratios move less than figures.
    """

    measurement: str
    workload: str
    setting: str
    contender: str
    medians: Figures
    ratios: Figures
    rounds: int


def summaries(points: Sequence[Point], base: str = OURS) -> list[Summary]:
    """One for each measurement, workload, setting and contender, in the order in which they first came."""
    groups: dict[tuple[str, str, str, str], list[Point]] = defaultdict(list)
    for point in points:
        groups[point.measurement, point.workload, point.setting, point.contender].append(point)
    return [
        Summary(
            *key,
            _medians([point.figures for point in group]),
            _ratios(groups.get((*key[:3], base), []), group),
            len(group),
        )
        for key, group in groups.items()
    ]


def _medians(rounds: Sequence[Figures]) -> Figures:
    """Of each figure, over the rounds that have it."""
    names = dict.fromkeys(name for figures in rounds for name in figures)
    return {name: _median(figures[name] for figures in rounds if name in figures) for name in names}


def _ratios(ours: Iterable[Point], theirs: Sequence[Point]) -> Figures:
    by_round = {point.round: point.figures for point in theirs}
    both = [(point.figures, by_round[point.round]) for point in ours if point.round in by_round]
    names = dict.fromkeys(name for our, their in both for name in our if their.get(name))
    return {name: _median(our[name] / their[name] for our, their in both if their.get(name)) for name in names}


def _median(values: Iterable[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return median(known) if known else math.nan


def wrong_answers(points: Iterable[Point]) -> int:
    return int(sum(point.figures.get("wrong", 0) for point in points))


def as_json(points: Sequence[Point]) -> dict[str, Any]:
    """What is not a number becomes null, for JSON has no word for it."""
    return {
        "wrong_answers": wrong_answers(points),
        "medians": [_without_nan(asdict(summary)) for summary in summaries(points)],
        "rounds": [_without_nan(asdict(point)) for point in points],
    }


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
