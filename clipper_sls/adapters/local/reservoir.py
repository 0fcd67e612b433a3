"""A sample of a stream of numbers, of bounded size, for quantiles."""

import math
import random
from collections.abc import Sequence

SIZE = 4_096
"""Clipper's."""


class Reservoir:
    """Every number seen so far is in the sample with the same chance (Vitter 1985, algorithm R)."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._sample: list[float] = []
        self._seen = 0

    def add(self, value: float) -> None:
        self._seen += 1
        if len(self._sample) < SIZE:
            self._sample.append(value)
        else:
            index = int(self._chance.random() * self._seen)
            if index < SIZE:
                self._sample[index] = value

    def summary(self) -> dict[str, float]:
        """Size, extremes, mean, standard deviation and Clipper's quantiles; zeros before the first number."""
        values = sorted(self._sample) or [0.0]
        mean = math.fsum(values) / len(values)
        variance = math.fsum((value - mean) ** 2 for value in values) / len(values)
        return {
            "size": len(self._sample),
            "min": values[0],
            "max": values[-1],
            "mean": mean,
            "std_dev": math.sqrt(variance),
            "p50": quantile(values, 0.50),
            "p95": quantile(values, 0.95),
            "p99": quantile(values, 0.99),
        }


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of `ordered` do not exceed, interpolated between neighbours."""
    position = share * (len(ordered) - 1)
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)
