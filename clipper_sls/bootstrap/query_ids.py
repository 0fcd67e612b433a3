"""Numbers for answers, of which none comes twice."""

import itertools
from collections.abc import Iterator

from clipper_sls.ports.clock import Clock


def query_ids(clock: Clock, *, number: int = 0, count: int = 1) -> Iterator[int]:
    """Those of process `number`, from 0 on, of `count` that answer.

    They do not come again after a restart: a million for every second, within JavaScript's 53 bits.
    """
    first = int(clock.wall()) << 20
    return itertools.count(first - first % count + count + number, count)
