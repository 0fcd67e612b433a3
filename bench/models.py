"""The two models that many clients ask: a sum, which costs nothing, and a forest on the digits, which costs 2 ms."""

import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

TREES = 50


@dataclass(frozen=True, slots=True)
class Workload:
    """`function` takes and answers what a model does; `queries` gives new rows and what they must be answered."""

    name: str
    function: Callable[[Any], list[float]]
    queries: Callable[[random.Random], Iterator[tuple[list[float], float]]]


def total(inputs: Any) -> list[float]:
    return [float(sum(row)) for row in inputs]


def forest(inputs: Any) -> list[float]:
    return [float(digit) for digit in _trained().predict(inputs)]


@cache
def _trained() -> Any:
    """Trained where it is first asked for, in every process alike: 0.2 s."""
    from sklearn.datasets import load_digits
    from sklearn.ensemble import RandomForestClassifier

    images, digits = load_digits(return_X_y=True)
    return RandomForestClassifier(n_estimators=TREES, random_state=0, n_jobs=1).fit(images, digits)


def _sums(chance: random.Random) -> Iterator[tuple[list[float], float]]:
    while True:
        row = [chance.random() for _ in range(10)]
        yield row, sum(row)


def _digits(chance: random.Random) -> Iterator[tuple[list[float], float]]:
    """Digits of the data set, made new by a trace in a corner that no tree looks at."""
    from sklearn.datasets import load_digits

    images, _ = load_digits(return_X_y=True)
    known = list(zip(images.tolist(), forest(images), strict=True))
    for number in itertools.count():
        row, digit = known[number % len(known)]
        yield [row[0] + chance.random() * 1e-6, *row[1:]], digit


TOTAL = Workload("total", total, _sums)
FOREST = Workload("forest", forest, _digits)
