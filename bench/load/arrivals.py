"""When queries arrive, in seconds from the start. Pure; chance comes in."""

import itertools
import random
from collections.abc import Iterator, Sequence

BURST = (1.0, 1.0, 10.0, 10.0, 1.0, 1.0, 1.0)
"""A burst: each second's rate as a multiple of the base rate. It is ten times as high from one second to the next."""


def poisson(rate: float, seconds: float, chance: random.Random) -> list[float]:
    """Independent arrivals, `rate` a second on average; as many users make them who do not know of each other."""
    return list(itertools.takewhile(lambda at: at < seconds, _endless(rate, chance)))


def trace(rates: Sequence[float], chance: random.Random) -> list[float]:
    """Independent arrivals whose rate is that of the second in which they are."""
    return [second + at for second, rate in enumerate(rates) for at in poisson(rate, 1.0, chance)]


def _endless(rate: float, chance: random.Random) -> Iterator[float]:
    at = 0.0
    while True:
        at += chance.expovariate(rate)
        yield at
