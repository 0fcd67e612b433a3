"""How many rows a function of Lambda is asked at one time, where its version leaves that open. Pure.

Each invocation beside another one needs an environment of its own, which may have to be started first, for seconds and
for money. So all rows go together, until that is seen to take too long: the opposite of the slow start of
`domain.batching`, whose replicas are there anyhow.
"""

import math

SHARE_OF_BUDGET = 0.5
"""A query that takes more of its time is late."""
STRIKES = 2
"""So many late ones in a row are no chance: one is a cold start."""
MAX_ROWS = 4_096
MAX_PARALLEL = 16
"""Invocations at one time for one query."""
GROWTH = 8
"""After a full batch in time, the next may be larger by one part in so many."""


class RowsAtOnce:
    """Of one function. Halved by queries that were late, and grown by those that were not."""

    def __init__(self) -> None:
        self._most = MAX_ROWS
        self._late = 0  # in a row

    def most(self, row_count: int) -> int:
        """For each invocation, of a query of so many rows."""
        return max(self._most, math.ceil(row_count / MAX_PARALLEL))

    def observe(self, size: int, took_s: float, budget_s: float) -> None:
        """A query was answered, or its time was over, whose largest invocation had `size` rows."""
        if took_s <= SHARE_OF_BUDGET * budget_s:
            self._late = 0
            if size >= self._most:
                self._most = min(MAX_ROWS, self._most + max(1, self._most // GROWTH))
            return
        self._late += 1
        if self._late >= STRIKES and 1 < size <= self._most:
            self._most = size // 2
            self._late = 0
