"""Runs a plan: rounds in which every contender has its turn at everything."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, TypeVar

from bench.contenders.contender import Contender
from bench.measurements import batching, model_overload, slow_replica
from bench.measurements.load_curve import is_wanted, visit
from bench.measurements.one_at_a_time import NAME as ONE_AT_A_TIME
from bench.measurements.one_at_a_time import one_at_a_time
from bench.measurements.stage import Tell
from bench.plan import Plan
from bench.points import Point
from bench.workloads import WORKLOADS

_Item = TypeVar("_Item")
Turn = Callable[[Tell], Iterator[Point]]
"""A part of a round that has a server of its own."""


VARIANTS: Sequence[tuple[str, Sequence[Any], Callable[[Plan, Any, int, Tell], Iterator[Point]]]] = (
    (model_overload.NAME, model_overload.SIDES, model_overload.model_overload),
    (batching.NAME, batching.SIDES, batching.batching),
    (slow_replica.NAME, slow_replica.SIDES, slow_replica.slow_replica),
)
"""What is measured of clipper-sls alone, deployed in different ways."""


def turns(plan: Plan, contenders: Sequence[Contender]) -> list[Turn]:
    """All of a plan, round after round. The contender that begins changes with the round, so nobody is always last."""
    return [
        turn for number in range(1, plan.rounds + 1) for turn in _round(plan, _rotated(contenders, number - 1), number)
    ]


def _round(plan: Plan, contenders: Sequence[Contender], number: int) -> Iterator[Turn]:
    if plan.has(ONE_AT_A_TIME):
        for contender in contenders:
            yield partial(one_at_a_time, plan, contender, number)
    for name in plan.workloads:
        for contender in contenders:
            if is_wanted(plan, contender, WORKLOADS[name]):
                yield partial(visit, plan, contender, WORKLOADS[name], number)
    for name, sides, measure in VARIANTS:
        if plan.has(name):
            for side in _rotated(sides, number - 1):
                yield partial(measure, plan, side, number)


def _rotated(items: Sequence[_Item], by: int) -> list[_Item]:
    first = by % len(items)
    return [*items[first:], *items[:first]]
